import { counted } from '../codec/counted.js';
import type { MinerOutcome } from '../roles/miner/miner.js';
import { sharesPerSecond } from '../roles/miner/share-limit.js';
import type { ClientOutcome } from '../service/outcomes.js';
import type { MinerState } from '../observe/miner-state.js';
import { formatDifficulty, formatDuration, formatHashRate } from './format.js';
import { quoted } from './printable.js';
import { detail, info, trouble, type LogLine } from './log-line.js';

/** What pools mean by the error codes of the specification and of the reference implementation. */
const meanings: Readonly<Record<string, string>> = {
  'unknown-user': 'it does not know this user',
  'max-target-out-of-range': 'it takes no such maximum target',
  'invalid-nominal-hashrate': 'it takes no such hash rate',
  'min-extranonce-size-too-large': 'it cannot let an extended channel roll that many bytes',
  'standard-channels-not-supported-for-custom-work':
    'it opens extended channels only, try --extended-channels',
  'extended-channels-not-supported-for-standard-jobs':
    'it opens standard channels only, try --standard-channels',
  'too-many-channels': 'it has no room for more channels',
  'invalid-channel-id': 'it does not know this channel (any more)',
  'invalid-job-id': 'it does not know this job (any more)',
  'stale-share': 'it came too late, there is a new block',
  'duplicate-share': 'it has this share already',
  'difficulty-too-low': 'its hash is not small enough',
  'bad-extranonce-size': 'its extranonce has the wrong length',
  'version-rolling-not-allowed': 'its version is not that of the job',
  'invalid-non-rollable-version-bit': 'a version bit was changed that may not be',
  'invalid-share': 'something in it is out of range',
};

/** A pool's error code, and what it means if that is known. */
const inWords = (errorCode: string): string => {
  const meaning = Object.hasOwn(meanings, errorCode) ? meanings[errorCode] : undefined;
  return meaning === undefined ? quoted(errorCode) : `${meaning} (${errorCode})`;
};

const later = (what: string, retryIn: number | null): string =>
  retryIn === null
    ? 'not asking again on this connection'
    : `${what} in ${retryIn < 60_000 ? `${Math.round(retryIn / 1_000)} s` : formatDuration(retryIn)}`;

/** That so many shares were kept back. */
export const notSent = (count: number): string =>
  `${count} ${count === 1 ? 'share was' : 'shares were'} not sent: at this difficulty there are more than ${sharesPerSecond} a second`;

/** What it has found, and what the pool said of it. */
export const minerTotals = ({ shares: { found, accepted, rejected } }: MinerState): string =>
  `${counted(found, 'share')} found, ${accepted} accepted, ${rejected} rejected`;

/** The line that tells of an outcome of a miner's own. */
export function minerLine(outcome: ClientOutcome<MinerOutcome>): LogLine | undefined {
  switch (outcome.type) {
    case 'ChannelOpened': {
      const { kind, channelId, difficulty } = outcome;
      return info(`${kind} channel ${channelId} opened, difficulty ${formatDifficulty(difficulty)}`);
    }
    case 'ChannelRefused': {
      const { kind, errorCode, retryIn } = outcome;
      const why = inWords(errorCode);
      const article = kind === 'extended' ? 'an' : 'a';
      return trouble(
        `the pool refused to open ${article} ${kind} channel: ${why}; ${later('asking again', retryIn)}`,
      );
    }
    case 'ChannelFailed': {
      const { kind, error, retryIn } = outcome;
      return trouble(`no ${kind} channel: ${error.message}; ${later('asking again', retryIn)}`);
    }
    case 'ChannelClosed': {
      const { channelId, reason, retryIn } = outcome;
      return trouble(
        `the pool closed channel ${channelId}: ${quoted(reason)}; ${later('asking for another', retryIn)}`,
      );
    }
    case 'JobStarted':
      return info(
        `channel ${outcome.channelId}: job ${outcome.jobId} started`,
        `job started: ${outcome.channelId}`,
      );
    case 'TargetChanged': {
      const { channelId, difficulty } = outcome;
      return info(
        `channel ${channelId}: difficulty ${formatDifficulty(difficulty)} from the next job on`,
        `difficulty: ${channelId}`,
      );
    }
    case 'HashRateTold': {
      const { channelId, hashesPerSecond } = outcome;
      return info(
        `channel ${channelId}: told the pool ${formatHashRate(hashesPerSecond)}`,
        `hash rate told: ${channelId}`,
      );
    }
    case 'HashRateRefused': {
      const { channelId, errorCode } = outcome;
      return trouble(
        `channel ${channelId}: the pool did not take the new hash rate: ${inWords(errorCode)}`,
        `hash rate refused: ${channelId} ${errorCode}`,
      );
    }
    case 'ShareFound': {
      const { channelId, jobId, sequenceNumber } = outcome;
      return detail(`channel ${channelId}: share ${sequenceNumber} found for job ${jobId}`);
    }
    case 'SharesWithheld':
      return trouble(
        `channel ${outcome.channelId}: ${notSent(outcome.count)}`,
        `shares withheld: ${outcome.channelId}`,
      );
    case 'SharesAccepted': {
      const { channelId, count } = outcome;
      return detail(`channel ${channelId}: ${count} ${count === 1 ? 'share' : 'shares'} accepted`);
    }
    case 'ShareRejected': {
      const { channelId, sequenceNumber, errorCode } = outcome;
      return trouble(
        `channel ${channelId}: share ${sequenceNumber} rejected: ${inWords(errorCode)}`,
        `share rejected: ${channelId} ${errorCode}`,
      );
    }
    default:
      return undefined;
  }
}
