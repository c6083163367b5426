/** What a front that comes late has to hear so that it works on the same as all others: the one place that keeps it. */
import { sameBytes } from '../../bitcoin/consensus-bytes.js';
import type { NewTemplate, SetNewPrevHashTemplate } from '../../messages/template-distribution.js';
import { MAX_FUTURE_JOBS } from '../../mining/work/job-lifetime.js';
import {
  BalancesChanged,
  TemplateAged,
  TemplateArrived,
  TemplatePayout,
  TipArrived,
} from '../pool/triggers.js';
import type { DownTrigger } from './trigger-codec.js';

/** See {@link presentWork}. */
export interface PresentWork {
  /** All fronts are told this. */
  note(event: { readonly type: string }): void;
  /** What a new front is told first, in this order. */
  triggers(): readonly DownTrigger[];
}

/** A tip as miners began on it: what it was said with, and what of that has been said anew since. */
interface Begun {
  /** The template that was sent ahead for it; undefined if the tip came without. */
  readonly template: NewTemplate | undefined;
  readonly tip: SetNewPrevHashTemplate;
  /** The last that was said of the same previous block. */
  readonly again: SetNewPrevHashTemplate | undefined;
  /** The last template to be mined at once. */
  readonly newest: NewTemplate | undefined;
}

/** Keeps the tip, the template that is mined on it, and those for the next; a mining server that hears them is where the others are. */
export const presentWork = (): PresentWork => {
  let begun: Begun | undefined;
  const future = new Map<bigint, NewTemplate>();
  let isOld = false;
  let balances: ReturnType<typeof BalancesChanged> | undefined;
  /** What templates pay that are kept, or about to come. */
  const payouts = new Map<bigint, ReturnType<typeof TemplatePayout>>();

  /** Forgets what templates pay that are not kept any more. */
  const forgetPayouts = (): void => {
    for (const templateId of payouts.keys()) {
      const { template, newest } = begun ?? {};
      const isKept =
        future.has(templateId) || template?.templateId === templateId || newest?.templateId === templateId;
      if (!isKept) payouts.delete(templateId);
    }
  };

  const told = (template: NewTemplate): DownTrigger[] => {
    const payout = payouts.get(template.templateId);
    return [...(payout === undefined ? [] : [payout]), TemplateArrived(template)];
  };

  const takeTemplate = (template: NewTemplate): void => {
    const isAwaited = begun !== undefined && isIdle(begun) && begun.tip.templateId === template.templateId;
    if (template.futureTemplate && !isAwaited) {
      future.delete(template.templateId);
      future.set(template.templateId, template);
      for (const oldest of future.keys()) {
        if (future.size <= MAX_FUTURE_JOBS) break;
        future.delete(oldest);
      }
    } else if (begun !== undefined) begun = { ...begun, newest: template };
  };

  const takeTip = (tip: SetNewPrevHashTemplate): void => {
    const template = future.get(tip.templateId);
    const isSaidAgain =
      template === undefined &&
      begun !== undefined &&
      !isIdle(begun) &&
      sameBytes(begun.tip.prevHash, tip.prevHash);
    if (isSaidAgain) {
      begun = { ...(begun as Begun), again: tip };
      return;
    }
    begun = { template, tip, again: undefined, newest: undefined };
    future.clear();
  };

  return {
    note(event) {
      if (TemplateArrived.match(event)) {
        takeTemplate(event.template);
        forgetPayouts();
      } else if (TipArrived.match(event)) {
        takeTip(event.tip);
        forgetPayouts();
      } else if (TemplatePayout.match(event)) payouts.set(event.templateId, event);
      else if (BalancesChanged.match(event)) balances = event;
      else if (TemplateAged.match(event)) isOld = event.isOld;
    },
    triggers() {
      const { template, tip, again, newest } = begun ?? {};
      return [
        ...(balances === undefined ? [] : [balances]),
        ...(template === undefined ? [] : told(template)),
        ...(tip === undefined ? [] : [TipArrived(tip)]),
        ...(newest === undefined ? [] : told(newest)),
        ...(again === undefined ? [] : [TipArrived(again)]),
        ...[...future.values()].flatMap(told),
        ...(isOld ? [TemplateAged(true)] : []),
      ];
    },
  };
};

/** Whether there is nothing to mine on a tip yet. */
const isIdle = ({ template, newest }: Begun): boolean => template === undefined && newest === undefined;
