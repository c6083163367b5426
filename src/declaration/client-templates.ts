/** Which template a declaring client's jobs are of: the newest on the present tip. */
import { sameBytes } from '../bitcoin/consensus-bytes.js';
import type { NewTemplate, SetNewPrevHashTemplate } from '../messages/template-distribution.js';
import { chainTipFrom, type ChainTip } from '../mining/work/chain-tip.js';

/** Templates kept for a tip that names one of them. */
const TEMPLATES_KEPT = 16;

/** See {@link clientTemplates}. */
export interface ClientTemplates {
  add(template: NewTemplate): void;
  /** @param now milliseconds since 1970 */
  setTip(message: SetNewPrevHashTemplate, now: number): void;
  /** Null before the first template and its tip. Of a tip whose template never came, what was before stays. */
  readonly current: { readonly template: NewTemplate; readonly tip: ChainTip } | null;
}

/** Templates and tips that make sense: it is not looked at here. */
export const clientTemplates = (): ClientTemplates => {
  let templates = new Map<bigint, NewTemplate>();
  let current: ClientTemplates['current'] = null;
  let tip: ChainTip | null = null;
  /** The target that came with it. */
  let told: Uint8Array | null = null;
  return {
    add(template) {
      templates.set(template.templateId, template);
      for (const templateId of templates.keys()) {
        if (templates.size <= TEMPLATES_KEPT) break;
        templates.delete(templateId);
      }
      if (template.futureTemplate || tip === null) return;
      current = { template, tip };
    },
    setTip(message, now) {
      const { prevHash, nBits, target } = message;
      // the same again, from a provider that is back or from another: what is mined on it is as good
      const isSame =
        tip !== null &&
        tip.nbits === nBits &&
        sameBytes(tip.prevHash, prevHash) &&
        told !== null &&
        sameBytes(told, target);
      if (!isSame) tip = chainTipFrom(message, now);
      told = target;
      const template = templates.get(message.templateId);
      templates = new Map(template === undefined ? [] : [[message.templateId, template]]);
      if (template === undefined) return; // the next one is not for the future
      if (tip !== null) current = { template, tip };
    },
    get current() {
      return current;
    },
  };
};
