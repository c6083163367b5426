/** The template providers of a job declaration client: whose template it is, and the blocks that wait for the one that knows it. */
import type { TemplateDistributionToClient } from '../../messages/directions.js';
import type { Message } from '../../messages/registry.js';
import { RequestTransactionData, SubmitSolution } from '../../messages/template-distribution.js';
import type { DisconnectReason } from '../../service/errors.js';
import { heldSolutions, type SolutionOutcome } from '../pool/held-solutions.js';
import {
  clockDifference,
  templateFault,
  templateRate,
  tipFault,
  type Fault,
} from '../pool/provider-checks.js';
import type { ClockDiffers } from '../pool/template-client-outcomes.js';
import { templateIds } from '../pool/template-ids.js';

/** What is sent to the provider that is connected, and what became of blocks. */
export interface TemplatesOutput {
  readonly send: readonly Message[];
  readonly outcomes: readonly (SolutionOutcome | ClockDiffers)[];
}

/** See {@link ownTemplates}. Times are milliseconds since 1970. */
export interface OwnTemplates {
  /** A provider is connected: it is sent the blocks that are of its templates. @param upstream which of them */
  connected(upstream: number, now: number): TemplatesOutput;
  disconnected(): void;
  /**
   * What a provider says, with ids of our own; what it cannot mean is a fault.
   * @returns `message` null for what is about a template that is not known here
   */
  take(
    message: TemplateDistributionToClient,
    now: number,
  ): {
    readonly message: TemplateDistributionToClient | null;
    readonly fault: Fault | null;
    readonly outcomes: TemplatesOutput['outcomes'];
  };
  /** What is said to providers, with ids of our own: a request or a solution goes to the one whose template it is. */
  say(
    messages: readonly Message[],
    found: { readonly hash: Uint8Array; readonly header: Uint8Array } | undefined,
    now: number,
  ): TemplatesOutput;
  /** Why the provider that is connected seems to hang; null if it does not. */
  hangs(now: number): {
    readonly fault: Pick<DisconnectReason, 'code' | 'message'>;
    readonly outcome: SolutionOutcome;
  } | null;
}

/** Ids and blocks are kept as a pool keeps them: see `templateIds` and `heldSolutions`. */
export const ownTemplates = (): OwnTemplates => {
  const ids = templateIds();
  const held = heldSolutions();
  let upstream: number | undefined;
  let rate = templateRate('templates');
  let tipRate = templateRate('tips');
  let isClockTold = false;

  /** Faulty messages are not used. */
  const wrong = (fault: Fault) => ({ message: null, fault, outcomes: [] });
  const right = (
    message: TemplateDistributionToClient | null,
    outcomes: TemplatesOutput['outcomes'] = [],
  ) => ({
    message,
    fault: null,
    outcomes,
  });

  return {
    connected(index, now) {
      upstream = index;
      rate = templateRate('templates');
      tipRate = templateRate('tips');
      isClockTold = false;
      ids.connected(index);
      return held.connected(index, now);
    },
    disconnected() {
      upstream = undefined;
      held.disconnected();
    },
    take(message, now) {
      switch (message.type) {
        case 'NewTemplate': {
          const fault = rate(now) ?? templateFault(message);
          if (fault !== undefined) return wrong(fault);
          return right({ ...message, templateId: ids.add(message.templateId) });
        }
        case 'TemplateDistribution.SetNewPrevHash': {
          const templateId = ids.find(message.templateId);
          const fault = tipRate(now) ?? tipFault(message, templateId !== undefined);
          if (fault !== undefined || templateId === undefined) return wrong(fault ?? unknownTemplate);
          const seconds = isClockTold ? undefined : clockDifference(message, now);
          if (seconds === undefined) return right({ ...message, templateId }, held.tip(message.prevHash));
          isClockTold = true;
          const differs: ClockDiffers = { type: 'ClockDiffers', seconds };
          return right({ ...message, templateId }, [...held.tip(message.prevHash), differs]);
        }
        case 'RequestTransactionData.Success':
        case 'RequestTransactionData.Error': {
          const templateId = ids.find(message.templateId);
          return right(templateId === undefined ? null : { ...message, templateId });
        }
        default:
          return right(message);
      }
    },
    say(messages, found, now) {
      const send: Message[] = [];
      const outcomes: SolutionOutcome[] = [];
      for (const message of messages) {
        if (RequestTransactionData.match(message)) {
          const source = ids.source(message.templateId);
          if (source?.upstream === upstream) send.push({ ...message, templateId: source?.templateId ?? 0n });
        } else if (SubmitSolution.match(message)) {
          const source = ids.source(message.templateId);
          if (source === undefined) continue; // of a template long gone
          const solution = { ...message, templateId: source.templateId };
          if (found === undefined) {
            // no block: it is worth something to the provider that has it first, or nothing
            if (source.upstream === upstream) send.push(solution);
            continue;
          }
          const taken = held.found({ ...found, solution }, source.upstream, now);
          send.push(...taken.send);
          outcomes.push(...taken.outcomes);
        } else send.push(message);
      }
      return { send, outcomes };
    },
    hangs(now) {
      const outcome = held.unanswered(now);
      const message = 'it was sent a block, and does not build on it or on another';
      return outcome === undefined ? null : { fault: { code: 'provider-hangs', message }, outcome };
    },
  };
};

const unknownTemplate: Fault = {
  code: 'unknown-template',
  message: 'a tip names a template that never came',
};
