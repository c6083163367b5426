import { toDisplayHex } from '../../bitcoin/hash.js';
import type { NewTemplate } from '../../messages/template-distribution.js';

/** A template as clients know it, and what a block is made of. Nothing else of its source is kept. */
export interface ProvidedTemplate {
  readonly templateId: bigint;
  readonly height: number;
  /** The hash of the block before, 32 bytes in wire order. */
  readonly prevHash: Uint8Array;
  /** What those who mine it hash: the source may have another by now. */
  readonly nbits: number;
  /** In satoshis. */
  readonly fees: bigint;
  /** Serialised, with witnesses, in block order, without the coinbase. */
  readonly transactions: readonly Uint8Array[];
  /** What clients are sent; they are told apart by `futureTemplate` only. */
  readonly message: NewTemplate;
}

/** How long templates of a tip live on after it has been left, in milliseconds (sv2-spec, issue 168; sv2-tp keeps them as long). */
const pastTemplateLifetime = 10_000;

/** The templates of which a block may still be made. Times are milliseconds since 1970. */
export interface LiveTemplates {
  /** The chain has this tip now: templates of the one before begin to age, and if it is an old one its own live again. */
  setTip(prevHash: Uint8Array, now: number): void;
  add(provided: ProvidedTemplate): void;
  find(templateId: bigint): ProvidedTemplate | undefined;
  /** Whether a template is of the tip. */
  isOfTip(provided: ProvidedTemplate): boolean;
  /** Lets go of what was left for so long. */
  expire(now: number): void;
  /** How many there are of the tip, and in all. */
  readonly tipSize: number;
  readonly size: number;
}

interface Tip {
  readonly templates: Map<bigint, ProvidedTemplate>;
  /** Infinity for the present one. */
  leftAt: number;
}

/** Makes the memory of live templates. */
export function liveTemplates(): LiveTemplates {
  const tips = new Map<string, Tip>();
  let tip: Tip = { templates: new Map(), leftAt: Infinity };

  return {
    setTip(prevHash, now) {
      const key = toDisplayHex(prevHash);
      tip.leftAt = now;
      tip = tips.get(key) ?? { templates: new Map(), leftAt: Infinity };
      tip.leftAt = Infinity;
      tips.set(key, tip);
    },
    add: (provided) => tip.templates.set(provided.templateId, provided),
    find(templateId) {
      for (const { templates } of tips.values()) {
        const provided = templates.get(templateId);
        if (provided !== undefined) return provided;
      }
      return undefined;
    },
    isOfTip: ({ templateId }) => tip.templates.has(templateId),
    expire(now) {
      for (const [key, { leftAt }] of tips) {
        if (now - leftAt >= pastTemplateLifetime) tips.delete(key);
      }
    },
    get tipSize() {
      return tip.templates.size;
    },
    get size() {
      return [...tips.values()].reduce((size, { templates }) => size + templates.size, 0);
    },
  };
}
