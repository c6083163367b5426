/** A channel as the client that opened it keeps it: what the server says of it. */
import { buildCustomCoinbase, stripCoinbaseWitness } from '../../bitcoin/coinbase.js';
import { Sv2Error } from '../../codec/errors.js';
import type {
  NewExtendedMiningJob,
  NewMiningJob,
  OpenExtendedMiningChannelSuccess,
  OpenStandardMiningChannelSuccess,
  SetCustomMiningJob,
  SetCustomMiningJobSuccess,
  SetNewPrevHash,
  SubmitSharesError,
  SubmitSharesSuccess,
} from '../../messages/index.js';
import { chainTipFrom, sameTip, type ChainTip } from '../work/chain-tip.js';
import type { ChannelJob } from '../work/job.js';
import {
  activateJob,
  addActiveJob,
  addFutureJob,
  jobStore,
  retireJobs,
  type JobStore,
} from '../work/job-lifetime.js';

/** A standard or extended channel as the client that opened it keeps it. */
export interface ClientChannel {
  readonly kind: 'standard' | 'extended';
  readonly channelId: number;
  /** The group whose jobs are this channel's too. */
  groupChannelId: number;
  /** For jobs to come. The whole extranonce of a standard channel. */
  extranoncePrefix: Uint8Array;
  /** Bytes to roll; 0 on a standard channel. */
  readonly extranonceSize: number;
  /** Whether jobs may allow it; not if the server requires the versions of its jobs (spec §5.3.1). */
  readonly versionRollingAllowed: boolean;
  /** Largest share hash accepted for future jobs and jobs to come: 32 bytes, little-endian. */
  target: Uint8Array;
  readonly jobs: JobStore;
  /** Of the last SetNewPrevHash. */
  tip: ChainTip | null;
  /** The next extranonce to try. */
  readonly extranonce: Uint8Array;
  /** Of the last share submitted. */
  sequenceNumber: number;
  /** Shares submitted that the server has neither accepted nor rejected. */
  unanswered: number;
}

/**
 * The channel that a server has opened.
 *
 * @param versionRollingAllowed whether any job on it may allow version rolling; true unless given
 * @throws Sv2Error `invalid-target` for a target that no hash meets; `invalid-extranonce` for more than 32 bytes
 */
export const clientChannel = (
  opened: OpenStandardMiningChannelSuccess | OpenExtendedMiningChannelSuccess,
  versionRollingAllowed = true,
): ClientChannel => {
  const { channelId, groupChannelId, extranoncePrefix, target } = opened;
  const isExtended = opened.type === 'OpenExtendedMiningChannel.Success';
  const extranonceSize = isExtended ? opened.extranonceSize : 0;
  checkTarget(channelId, target);
  checkExtranonceLength(channelId, extranoncePrefix.length + extranonceSize);
  return {
    kind: isExtended ? 'extended' : 'standard',
    channelId,
    groupChannelId,
    extranoncePrefix,
    extranonceSize,
    versionRollingAllowed,
    target,
    jobs: jobStore(),
    tip: null,
    extranonce: new Uint8Array(extranonceSize),
    sequenceNumber: 0,
    unanswered: 0,
  };
};

/**
 * Takes a job, the channel's own or its group's (spec §5.3.15, §5.3.16). One with a `minNtime` is mined at once
 * on the previous hash known; one without waits for its SetNewPrevHash.
 *
 * @param now milliseconds since 1970
 * @returns whether there is other work now
 * @throws Sv2Error `chain-tip-not-set` for a job to mine at once before any SetNewPrevHash; `invalid-job` for a
 *   NewMiningJob on an extended channel; `invalid-coinbase`
 */
export const receiveJob = (
  channel: ClientChannel,
  message: NewMiningJob | NewExtendedMiningJob,
  now: number,
): boolean => {
  const { jobId, version, minNtime } = message;
  const { channelId, kind, extranoncePrefix, target } = channel;
  if (message.type === 'NewMiningJob' && kind === 'extended') {
    throw new Sv2Error('invalid-job', `NewMiningJob ${jobId} came for extended channel ${channelId}`, {
      jobId,
    });
  }
  // the version of a NewMiningJob may always be rolled (spec §5.3.15), but for what was agreed at setup
  const versionRollingAllowed =
    channel.versionRollingAllowed && (message.type === 'NewMiningJob' || message.versionRollingAllowed);
  const tip = tipOf(channel, minNtime, now);
  const common = { jobId, version, versionRollingAllowed, extranoncePrefix, target, tip };
  const job: ChannelJob =
    message.type === 'NewMiningJob'
      ? { ...common, job: null, merkleRoot: message.merkleRoot }
      : {
          ...common,
          job: {
            jobId,
            version,
            versionRollingAllowed,
            merklePath: message.merklePath,
            coinbase: stripCoinbaseWitness(message), // servers must have stripped it; not all did
          },
          merkleRoot: null,
        };
  if (job.tip === null) addFutureJob(channel.jobs, job);
  else addActiveJob(channel.jobs, job);
  return job.tip !== null;
};

/**
 * Takes a new previous hash (spec §5.3.17): the future job it names is mined at once, all others are invalid,
 * whatever else is wrong with the message.
 *
 * @param now milliseconds since 1970
 * @returns whether the channel has that job; if not, it has nothing to mine until the next one
 * @throws Sv2Error `invalid-nbits`
 */
export const receivePrevHash = (channel: ClientChannel, message: SetNewPrevHash, now: number): boolean => {
  try {
    channel.tip = chainTipFrom(message, now);
  } catch (error) {
    retireJobs(channel.jobs);
    throw error;
  }
  if (activateJob(channel.jobs, message.jobId, channel.tip, channel.target) !== null) return true;
  retireJobs(channel.jobs);
  return false;
};

/**
 * Takes a target for future jobs and jobs to come; active ones keep theirs (spec §5.3.21).
 *
 * @param target 32 bytes, little-endian
 * @throws Sv2Error `invalid-target` for one that no hash meets
 */
export const receiveTarget = (channel: ClientChannel, target: Uint8Array): void => {
  checkTarget(channel.channelId, target);
  channel.target = target; // future jobs get it when they are activated
};

/**
 * Takes an extranonce prefix for jobs to come (spec §5.3.10).
 *
 * @throws Sv2Error `invalid-extranonce` when extranonces would have more than 32 bytes
 */
export const receiveExtranoncePrefix = (channel: ClientChannel, extranoncePrefix: Uint8Array): void => {
  checkExtranonceLength(channel.channelId, extranoncePrefix.length + channel.extranonceSize);
  channel.extranoncePrefix = extranoncePrefix;
};

/**
 * Makes the client's own job the one to mine, once the server has accepted it (spec §5.3.19). If it builds on
 * another tip than the ones before, they are stale, as they are to the server.
 *
 * @param now milliseconds since 1970
 * @throws Sv2Error `invalid-job` unless both are for each other and for this channel; as `buildCustomCoinbase`
 */
export const receiveCustomJob = (
  channel: ClientChannel,
  request: SetCustomMiningJob,
  accepted: SetCustomMiningJobSuccess,
  now: number,
): void => {
  const { extranoncePrefix, extranonceSize, target, jobs, kind } = channel;
  const isOurs = accepted.channelId === channel.channelId || accepted.channelId === channel.groupChannelId;
  const isAnswer = accepted.channelId === request.channelId && accepted.requestId === request.requestId;
  if (kind !== 'extended' || !isOurs || !isAnswer) {
    throw new Sv2Error(
      'invalid-job',
      `custom job ${accepted.jobId} is not for ${kind} channel ${channel.channelId}`,
      { jobId: accepted.jobId },
    );
  }
  const { jobId } = accepted;
  const { version, merklePath } = request;
  const { stripped: coinbase } = buildCustomCoinbase(request, extranoncePrefix.length + extranonceSize);
  const { versionRollingAllowed } = channel;
  const job = { jobId, version, versionRollingAllowed, merklePath, coinbase };
  const tip = chainTipFrom(request, now);
  if (channel.tip !== null && !sameTip(channel.tip, tip)) retireJobs(jobs);
  channel.tip = tip;
  addActiveJob(jobs, { ...job, job, extranoncePrefix, merkleRoot: null, target, tip });
};

/**
 * Takes the answer to shares (spec §5.3.13, §5.3.14). Each share is answered once, so no server can say more than
 * was submitted.
 *
 * @throws Sv2Error `not-submitted` for an answer to more shares than wait for one, or to none
 */
export const receiveAnswer = (
  channel: ClientChannel,
  message: SubmitSharesSuccess | SubmitSharesError,
): void => {
  const { channelId, unanswered } = channel;
  const count = message.type === 'SubmitShares.Success' ? message.newSubmitsAcceptedCount : 1;
  if (count >= 1 && count <= unanswered) {
    channel.unanswered -= count;
    return;
  }
  throw new Sv2Error(
    'not-submitted',
    `${message.type} for channel ${channelId} answers ${count} shares, ${unanswered} wait for an answer`,
    { channelId, count, unanswered },
  );
};

const checkTarget = (channelId: number, target: Uint8Array): void => {
  if (target.some((byte) => byte !== 0)) return;
  throw new Sv2Error('invalid-target', `channel ${channelId} was given a target of 0, which no hash meets`, {
    channelId,
  });
};

/** The most bytes that prefix and rolled extranonce have together (spec §5.1.2.1). */
const maxExtranonceLength = 32;

const checkExtranonceLength = (channelId: number, length: number): void => {
  if (length <= maxExtranonceLength) return;
  throw new Sv2Error(
    'invalid-extranonce',
    `channel ${channelId} was given an extranonce of ${length} bytes, at most ${maxExtranonceLength} are possible`,
    { channelId },
  );
};

/** What a job with this `minNtime` builds on; null for a future job. */
const tipOf = ({ tip, channelId }: ClientChannel, minNtime: number | null, now: number): ChainTip | null => {
  if (minNtime === null) return null;
  if (tip !== null && minNtime < tip.minNtime) {
    throw new Sv2Error(
      'invalid-job',
      `channel ${channelId} was given a job with min_ntime ${minNtime}, the previous hash came with ${tip.minNtime}`,
      { channelId },
    );
  }
  if (tip !== null) return { ...tip, minNtime, receivedAt: now };
  throw new Sv2Error(
    'chain-tip-not-set',
    `channel ${channelId} was given a job to mine at once before any SetNewPrevHash`,
    { channelId },
  );
};
