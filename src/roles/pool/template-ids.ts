/** Whose template it is: ids of the pool's own for templates of several providers, which may give them the same. */

/** Which provider knows a template, and by which id. */
export interface TemplateSource {
  /** Which of the template providers, from 0 on. */
  readonly upstream: number;
  readonly templateId: bigint;
}

/** Ids of templates. See {@link templateIds}. */
export interface TemplateIds {
  /** A new id for a template of the provider that is connected, or the one that was reserved for it. */
  add(templateId: bigint): bigint;
  /** The pool's id for the last template that the present provider gave this id on this connection, if there is one. */
  find(templateId: bigint): bigint | undefined;
  /** Reserves an id for a template that the provider names and has not sent. */
  reserve(templateId: bigint): bigint;
  /** Where a template came from; undefined if it was too long ago. */
  source(id: bigint): TemplateSource | undefined;
  /** Another connection: the ids of the one before mean nothing there. */
  connected(upstream: number): void;
}

/** Templates remembered; some hours of them. */
const maxTemplates = 4_096;

/** What outlives a core, so that what is found for its templates is known to the next. */
export interface TemplateMemory {
  /** The id of this core's first template; no other core gives one that it will give. */
  readonly first: bigint;
  /** Where templates of the cores before came from, the oldest first. */
  readonly known: ReadonlyMap<bigint, TemplateSource>;
  /** A template has come. */
  keep(id: bigint, source: TemplateSource): void;
}

/** Ids, never used again. @param memory of what was before; ids begin at 1 without */
export const templateIds = (memory?: TemplateMemory): TemplateIds => {
  const sources = new Map(memory?.known); // the oldest comes first
  const present = new Map<bigint, bigint>();
  let upstream = 0;
  let reserved: { readonly templateId: bigint; readonly id: bigint } | undefined;
  let last = (memory?.first ?? 1n) - 1n;

  return {
    add(templateId) {
      const id = reserved?.templateId === templateId ? reserved.id : ++last;
      reserved = undefined;
      sources.set(id, { upstream, templateId });
      present.set(templateId, id);
      memory?.keep(id, { upstream, templateId });
      for (const [oldest, source] of sources) {
        if (sources.size <= maxTemplates) break;
        sources.delete(oldest);
        if (present.get(source.templateId) === oldest) present.delete(source.templateId);
      }
      return id;
    },
    find: (templateId) => present.get(templateId),
    reserve(templateId) {
      reserved = { templateId, id: ++last };
      return last;
    },
    source: (id) => sources.get(id),
    connected(index) {
      upstream = index;
      reserved = undefined;
      present.clear();
    },
  };
};
