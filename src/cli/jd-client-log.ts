import { counted } from '../codec/counted.js';
import { toDisplayHex } from '../bitcoin/hash.js';
import type {
  DeclaredWorkOutcome,
  JobDeclarationClientOutcome,
  OwnWork,
} from '../roles/jd-client/jd-client.js';
import type { PoolOutcome } from '../roles/pool/pool.js';
import { info, trouble, type LogLine } from './log-line.js';
import type { CountsByType } from './counts-by-type.js';
import { isOfSide } from '../roles/sides.js';
import { poolLine } from './pool-log.js';
import { quoted } from './printable.js';
import { proxyLine } from './proxy-log.js';
import { clientLine } from './role-client.js';
import { upstreamPlaintextFlag } from './upstream-pools.js';

/**
 * The line that tells of an outcome of a job declaration client; nothing for messages.
 * @param now milliseconds since 1970
 */
export function jdClientLine(outcome: JobDeclarationClientOutcome, now: number): LogLine | undefined {
  return outcome.type === 'OwnWork' ? ownLine(outcome) : proxyLine(outcome, now);
}

/** Of the pool for mining alone only what template providers and blocks come to is told: its one miner is ours. */
const isToldOfSolo = (outcome: PoolOutcome): boolean =>
  outcome.type === 'NewTip' || outcome.type === 'BlockFound' || isOfSide('client', outcome);

/** What becomes of blocks at template providers, and how they are, is told alike. */
const toldOfProviders: readonly string[] = [
  'ClockDiffers',
  'SolutionHeld',
  'SolutionsSentAgain',
  'SolutionUnanswered',
  'SolutionConfirmed',
  'SolutionLost',
  'ProviderFault',
  'ExtraSubmission',
];

/** What became of jobs and blocks of our own, for the last line. */
export const ownWorkTotals = ({ of }: CountsByType): string =>
  `of ${counted(of('OwnJobStarted'), 'job')} of our own ${of('OwnJobAccepted')} accepted by pools, ` +
  `${of('OwnJobRefused')} refused; ${counted(of('OwnBlockFound') + of('BlockFound'), 'block')} found`;

function ownLine({ pair, outcome }: OwnWork): LogLine | undefined {
  if (pair === null)
    return isToldOfSolo(outcome as PoolOutcome) ? poolLine(outcome as PoolOutcome) : undefined;
  const line = toldOfProviders.includes(outcome.type)
    ? poolLine(outcome as never)
    : outcome.type === 'handlerError'
      ? clientLine(outcome, 'pair', upstreamPlaintextFlag)
      : pairLine(outcome as DeclaredWorkOutcome);
  if (line === undefined) return undefined;
  const { text, kind, isTrouble = false } = line;
  const told = `pair ${pair + 1}: ${text}`;
  const kindOfPair = kind === undefined ? undefined : `pair ${pair} ${kind}`;
  return isTrouble ? trouble(told, kindOfPair) : info(told, kindOfPair);
}

function pairLine(outcome: DeclaredWorkOutcome): LogLine | undefined {
  switch (outcome.type) {
    case 'PairReady':
      return info('pool, declarator and template provider are ready');
    case 'PairFaulty':
      return trouble(`left: ${quoted(outcome.message)} (${quoted(outcome.code)})`);
    case 'OwnJobStarted':
      return info(
        `job ${outcome.jobId} of template ${outcome.templateId} on ${toDisplayHex(outcome.prevHash)} given to miners`,
        'job started',
      );
    case 'OwnJobDeclared':
      return info(
        `job ${outcome.jobId} declared, ${counted(outcome.transactions, 'transaction')}`,
        'job declared',
      );
    case 'TransactionsProvided':
      return info(
        `job ${outcome.jobId}: the declarator was sent ${counted(outcome.count, 'transaction')}`,
        'transactions provided',
      );
    case 'OwnJobAccepted': {
      const kept = outcome.kept === 0 ? '' : `, and sent ${counted(outcome.kept, 'share')} found before`;
      return info(`job ${outcome.jobId} accepted by the pool${kept}`, 'job accepted');
    }
    case 'OwnJobRefused': {
      const { jobId, by, errorCode, details } = outcome;
      const why = details === '' ? quoted(errorCode) : `${quoted(errorCode)}: ${quoted(details)}`;
      return trouble(`job ${jobId} refused by the ${by}: ${why}`, `job refused: ${errorCode}`);
    }
    case 'KeptSharesLost':
      return trouble(
        `job ${outcome.jobId} ended before it was accepted: ${counted(outcome.count, 'share')} lost`,
      );
    case 'KeptBlocksLost': {
      const { jobId, hashes, missedBy, code } = outcome;
      const which = hashes.map(toDisplayHex).join(', ');
      return trouble(
        `job ${jobId}: ${counted(hashes.length, 'block')} sent to the template provider alone, and not to the ${missedBy} (${quoted(code)}): ${which}`,
      );
    }
    case 'OwnBlockFound':
      return info(
        `BLOCK FOUND: ${toDisplayHex(outcome.hash)}, sent to the template provider${outcome.isPushed ? ' and the declarator' : ''}`,
      );
    default:
      return undefined;
  }
}
