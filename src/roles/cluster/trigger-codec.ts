/** What the two sides of a pool hand each other, as plain values: Stratum's own messages in the bytes of their payloads. */
import { NewTemplate, SetNewPrevHashTemplate, SubmitSolution } from '../../messages/template-distribution.js';
import {
  BalancesChanged,
  CustomBlockFound,
  SolutionFound,
  TemplateAged,
  TemplateArrived,
  TemplatePayout,
  TipArrived,
  WeakSolutionFound,
} from '../pool/triggers.js';
import {
  balancesChangedFrom,
  balancesChangedToPlain,
  paidFrom,
  paidToPlain,
  templatePayoutFrom,
  templatePayoutToPlain,
} from './payout-codec.js';
import { clusterVersion, fieldsOf, invalid, requireVersion, type Fields } from './plain-fields.js';
import type { PortMessage } from './port.js';

/** A trigger on its way. */
export interface TriggerMessage extends PortMessage {
  readonly type: 'trigger';
  readonly version: typeof clusterVersion;
  readonly trigger: string;
}

/** What the core hands to fronts. */
export type DownTrigger = ReturnType<
  | typeof TemplateArrived
  | typeof TipArrived
  | typeof TemplateAged
  | typeof TemplatePayout
  | typeof BalancesChanged
>;

/** What fronts hand to the core. */
export type UpTrigger = ReturnType<typeof SolutionFound | typeof WeakSolutionFound | typeof CustomBlockFound>;

const messageOf = (trigger: string, content: object): TriggerMessage => ({
  ...content,
  type: 'trigger',
  version: clusterVersion,
  trigger,
});

/**
 * A trigger as a plain value.
 * @returns undefined for an event that is no business of the other side
 * @throws CodecError for a message that cannot be encoded
 */
export function triggerToPlain(event: { readonly type: string }): TriggerMessage | undefined {
  if (TemplateArrived.match(event))
    return messageOf(event.trigger, { payload: NewTemplate.encode(event.template) });
  if (TipArrived.match(event))
    return messageOf(event.trigger, { payload: SetNewPrevHashTemplate.encode(event.tip) });
  if (TemplateAged.match(event)) return messageOf(event.trigger, { isOld: event.isOld });
  if (TemplatePayout.match(event)) return messageOf(event.trigger, templatePayoutToPlain(event));
  if (BalancesChanged.match(event)) return messageOf(event.trigger, balancesChangedToPlain(event));
  if (WeakSolutionFound.match(event))
    return messageOf(event.trigger, { payload: SubmitSolution.encode(event.solution) });
  if (CustomBlockFound.match(event)) return messageOf(event.trigger, event.block);
  if (!SolutionFound.match(event)) return undefined;
  const { block, paid } = event;
  const { hash, header, solution } = block;
  const payload = SubmitSolution.encode(solution);
  return messageOf(event.trigger, {
    ...{ hash, header, payload },
    ...(paid === undefined ? {} : { paid: paidToPlain(paid) }),
  });
}

/** Whether a value that came over a port says that it is a trigger. */
export const isTriggerMessage = (value: unknown): boolean =>
  (value as { readonly type?: unknown } | null | undefined)?.type === 'trigger';

/**
 * Reads what the core hands to fronts.
 * @param value whatever came over a port
 * @throws Sv2Error `invalid-cluster-message`, `cluster-version`, and as outputs and records are read; CodecError
 */
export function downTriggerFrom(value: unknown): DownTrigger {
  const [trigger, fields] = contentOf(value);
  switch (trigger) {
    case TemplateArrived.trigger:
      return TemplateArrived(NewTemplate.decode(payloadOf(fields)));
    case TipArrived.trigger:
      return TipArrived(SetNewPrevHashTemplate.decode(payloadOf(fields)));
    case TemplateAged.trigger:
      return TemplateAged(fields.flag('isOld'));
    case TemplatePayout.trigger:
      return templatePayoutFrom(fields);
    case BalancesChanged.trigger:
      return balancesChangedFrom(fields);
    default:
      throw invalid('trigger', 'one for fronts', trigger);
  }
}

/**
 * Reads what fronts hand to the core.
 * @param value whatever came over a port
 * @throws Sv2Error `invalid-cluster-message`, `cluster-version`, and as outputs and records are read; CodecError
 */
export function upTriggerFrom(value: unknown): UpTrigger {
  const [trigger, fields] = contentOf(value);
  switch (trigger) {
    case SolutionFound.trigger: {
      const [hash, header] = [fields.bytes('hash', 32), fields.bytes('header', 80)];
      const paid = fields.value('paid');
      return SolutionFound(
        { hash, header, solution: SubmitSolution.decode(payloadOf(fields)) },
        paid === undefined ? undefined : paidFrom(paid),
      );
    }
    case CustomBlockFound.trigger:
      return CustomBlockFound({
        ...{ hash: fields.bytes('hash', 32), header: fields.bytes('header', 80) },
        coinbaseTx: fields.bytes('coinbaseTx', 1, maxPayload),
      });
    case WeakSolutionFound.trigger:
      return WeakSolutionFound(SubmitSolution.decode(payloadOf(fields)));
    default:
      throw invalid('trigger', 'one for the core', trigger);
  }
}

function contentOf(value: unknown): readonly [trigger: string, fields: Fields] {
  const fields = fieldsOf(value, 'trigger');
  requireVersion(fields, 'trigger');
  return [fields.text('trigger', 64), fields];
}

/** The most that a frame's payload can be. */
const maxPayload = 0xffffff;

const payloadOf = (fields: Fields): Uint8Array => fields.bytes('payload', 0, maxPayload);
