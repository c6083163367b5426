import { asyncScheduler, defer, mergeMap, type Observable, type SchedulerLike } from 'rxjs';
import { counted } from '../codec/counted.js';
import { toDisplayHex } from '../bitcoin/hash.js';
import type { BlockRejected, TemplateProviderOutcome } from '../roles/template-provider/template-provider.js';
import type { ServerOutcome } from '../service/outcomes.js';
import type { RepeatableLine } from './coalesce-lines.js';
import { extraSubmissionLine } from './extra-nodes.js';
import { quoted } from './printable.js';
import { serverLine } from './role-server.js';
import { info, trouble } from './log-line.js';

/** A time without a Bitcoin node. Everything in it is told once, and how often at its end. */
interface Outage {
  readonly since: number;
  failures: number;
  /** Blocks that were rejected and not told of. */
  moreRejected: number;
  /** What has been said: codes of errors, reasons of rejections. */
  readonly told: Set<string>;
}

/** The log of a template provider; blocks rejected for one reason are lines of one kind. */
export function templateProviderLog(
  outcome$: Observable<ServerOutcome<TemplateProviderOutcome>>,
  scheduler: SchedulerLike = asyncScheduler,
): Observable<RepeatableLine> {
  return defer(() => {
    const linesOf = templateProviderLines(() => scheduler.now());
    return outcome$.pipe(mergeMap((outcome) => linesOf(outcome).map((line) => ({ ...line, outcome }))));
  });
}

/** What the outcomes of a template provider say in the log. */
function templateProviderLines(
  now: () => number,
): (outcome: ServerOutcome<TemplateProviderOutcome>) => readonly RepeatableLine[] {
  let outage: Outage | undefined;
  let tip = '';

  const isTold = ({ told }: Outage, what: string): boolean => told.size === told.add(what).size;

  const rejected = ({ hash, clientId, reason, message }: BlockRejected): readonly RepeatableLine[] => {
    const block = hash === null ? 'a block' : `block ${toDisplayHex(hash)}`;
    const text = `${block} of client ${clientId} rejected: ${quoted(reason)}: ${message}`;
    if (outage !== undefined) {
      if (!isTold(outage, `block ${reason}`)) return [trouble(text)];
      outage.moreRejected += 1;
      return [];
    }
    return [
      {
        ...trouble(text),
        kind: `rejected: ${reason}`,
        more: (count) => `${moreBlocks(count)} rejected: ${quoted(reason)}, the last: ${message}`,
      },
    ];
  };

  return (outcome) => {
    switch (outcome.type) {
      case 'ExtraSubmission':
        return [extraSubmissionLine(outcome)];
      case 'TipChanged': {
        const { prevHash, height, nbits } = outcome;
        const isSame = tip === toDisplayHex(prevHash);
        tip = toDisplayHex(prevHash);
        return [
          info(
            isSame
              ? `block ${height} has another difficulty: nbits ${hex(nbits)}`
              : `new tip ${tip}: next is block ${height}, nbits ${hex(nbits)}`,
          ),
        ];
      }
      case 'TemplateSent': {
        const { templateId, clientIds, transactionCount, fees, futureTemplate } = outcome;
        const to =
          clientIds.length === 1 ? `client ${clientIds[0] ?? ''}` : counted(clientIds.length, 'client');
        return [
          info(
            `template ${templateId} sent to ${to}: ${counted(transactionCount, 'transaction')}, ${fees} satoshis of fees` +
              (futureTemplate ? '' : ', for the same tip'),
          ),
        ];
      }
      case 'BlockAccepted':
        return [
          info(
            `block ${outcome.height} accepted: ${toDisplayHex(outcome.hash)}, found by client ${outcome.clientId}`,
          ),
        ];
      case 'BlockRejected':
        return rejected(outcome);
      case 'SourceError': {
        outage ??= { since: now(), failures: 0, moreRejected: 0, told: new Set() };
        outage.failures += 1;
        if (isTold(outage, outcome.code)) return [];
        const again = outcome.retryIn === null ? '' : '; trying again until it works';
        return [trouble(`no new templates: ${outcome.message}${again}`)];
      }
      case 'SourceWarning':
        return [trouble(outcome.message)];
      case 'SourceRecovered': {
        if (outage === undefined) return [info('the Bitcoin node is back')];
        const { since, failures, moreRejected } = outage;
        outage = undefined;
        const seconds = Math.round((now() - since) / 1000);
        const lost = moreRejected === 0 ? '' : `, ${moreBlocks(moreRejected)} rejected meanwhile`;
        const attempts = failures === 1 ? 'attempt' : 'attempts';
        return [info(`the Bitcoin node is back after ${seconds} s: ${failures} ${attempts} failed${lost}`)];
      }
      default: {
        const line = serverLine(outcome);
        return line === undefined ? [] : [line];
      }
    }
  };
}

const moreBlocks = (count: number): string => `${count} more ${count === 1 ? 'block' : 'blocks'}`;

const hex = (value: number): string => value.toString(16).padStart(8, '0');
