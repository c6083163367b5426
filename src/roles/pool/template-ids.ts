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

/** Ids, never used again. @param first the id of the first template; 1 unless given */
export const templateIds = (first = 1n): TemplateIds => {
  const sources = new Map<bigint, TemplateSource>(); // the oldest comes first
  const present = new Map<bigint, bigint>();
  let upstream = 0;
  let reserved: { readonly templateId: bigint; readonly id: bigint } | undefined;
  let last = first - 1n;

  return {
    add(templateId) {
      const id = reserved?.templateId === templateId ? reserved.id : ++last;
      reserved = undefined;
      sources.set(id, { upstream, templateId });
      present.set(templateId, id);
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
