import { compareTargets, difficultyFromTarget, targetFromHashrate } from '../../bitcoin/target.js';
import { Sv2Error } from '../../codec/errors.js';
import { assembleCoinbase } from '../../bitcoin/coinbase.js';
import {
  NewExtendedMiningJob,
  NewMiningJob,
  SubmitSolution,
  type OpenExtendedMiningChannel,
  type OpenStandardMiningChannel,
} from '../../messages/index.js';
import { RETURNING_TIPS, samePrevHash, sameTip, type ChainTip } from '../work/chain-tip.js';
import type { ChannelJob, ServerJob } from '../work/job.js';
import {
  activateJob,
  addActiveJob,
  addFutureJob,
  jobStore,
  retireJobs,
  type JobStore,
} from '../work/job-lifetime.js';
import { channelJobMerkleRoot } from '../work/merkle-root.js';
import {
  shareAccounting,
  type ShareAccounting,
  type ShareAcknowledgement,
} from '../shares/share-accounting.js';
import {
  fullExtranonceOf,
  validateShare,
  type InvalidShare,
  type Share,
  type ValidShare,
} from '../shares/share-validation.js';

/** A standard or extended channel as its server keeps it (spec §5.2.1, §5.2.2). */
export interface ServerChannel {
  readonly kind: 'standard' | 'extended';
  readonly channelId: number;
  /** From the opening message. */
  readonly userIdentity: string;
  /** For jobs to come. The whole extranonce of a standard channel. */
  extranoncePrefix: Uint8Array;
  /** Prefixes from before that jobs may still use. */
  readonly retiredPrefixes: Uint8Array[];
  /** Bytes the client may roll; 0 on a standard channel. */
  readonly extranonceSize: number;
  /** The group the channel belongs to. */
  groupChannelId: number;
  /** Largest share hash accepted for jobs to come: 32 bytes, little-endian. */
  target: Uint8Array;
  /** The largest target the client accepts. */
  maxTarget: Uint8Array;
  /** Hashes per second, as the client says. */
  nominalHashRate: number;
  readonly jobs: JobStore<ChannelJob<ServerJob>>;
  /** What its jobs build on; null before the first. */
  tip: ChainTip | null;
  readonly shares: ShareAccounting;
  /** Whether its client has made coinbases of its own, which it could make again. */
  hasCustomJobs: boolean;
}

/** What {@link serverChannel} is told. */
export interface ServerChannelOptions {
  readonly channelId: number;
  readonly groupChannelId: number;
  /** Of a standard channel its whole extranonce; see `extranonceAllocator`. */
  readonly extranoncePrefix: Uint8Array;
  /** Bytes the client may roll; 0 for a standard channel. */
  readonly extranonceSize: number;
  /** The first target, see {@link targetFor}. */
  readonly target: Uint8Array;
  /** Shares per SubmitShares.Success. */
  readonly shareBatchSize: number;
}

/** A channel without jobs, as a client's message asks for it. */
export const serverChannel = (
  request: OpenStandardMiningChannel | OpenExtendedMiningChannel,
  { shareBatchSize, ...options }: ServerChannelOptions,
): ServerChannel => ({
  kind: request.type === 'OpenStandardMiningChannel' ? 'standard' : 'extended',
  userIdentity: request.userIdentity,
  maxTarget: request.maxTarget.slice(), // the message is a view of its whole frame
  retiredPrefixes: [],
  nominalHashRate: request.nominalHashRate,
  jobs: jobStore(),
  tip: null,
  shares: shareAccounting({ batchSize: shareBatchSize }),
  hasCustomJobs: false,
  ...options,
});

/** How a server sets targets. */
export interface TargetPolicy {
  /** How many shares a channel should find a minute; above 0. */
  readonly sharesPerMinute: number;
  /**
   * Hashes per second below which a nominal hashrate is taken for this: a channel that says 0, as proxies
   * without devices must (spec §5.3.2), would be sending every hash otherwise.
   */
  readonly minHashrate: number;
}

/**
 * The target for a nominal hashrate, no larger than the client accepts.
 *
 * @param nominalHashRate hashes per second
 * @param maxTarget 32 bytes, little-endian
 * @returns 32 bytes, little-endian; or the error code that Open…Channel or UpdateChannel is answered with
 */
export const targetFor = (
  nominalHashRate: number,
  maxTarget: Uint8Array,
  { sharesPerMinute, minHashrate }: TargetPolicy,
): Uint8Array | 'invalid-nominal-hashrate' | 'max-target-out-of-range' => {
  const isNegative = nominalHashRate < 0 || Object.is(nominalHashRate, -0);
  if (!Number.isFinite(nominalHashRate) || isNegative) return 'invalid-nominal-hashrate';
  if (isZero(maxTarget)) return 'max-target-out-of-range';
  return harderOf(targetFromHashrate(Math.max(nominalHashRate, minHashrate), sharesPerMinute), maxTarget);
};

/**
 * Sets the target for future jobs and jobs to come (spec §5.3.21), no larger than the client accepts.
 *
 * @param target 32 bytes, little-endian
 * @throws Sv2Error `invalid-target` for zero, which no share meets; `invalid-length`
 */
export const setChannelTarget = (channel: ServerChannel, target: Uint8Array): void => {
  if (isZero(target)) throw new Sv2Error('invalid-target', 'no share meets a target of zero');
  channel.target = harderOf(target, channel.maxTarget);
};

/** Gives the channel a future job, or with a chain tip one to mine at once. */
export const addChannelJob = (
  channel: ServerChannel,
  job: ServerJob,
  tip: ChainTip | null,
): ChannelJob<ServerJob> => {
  const channelJob = {
    jobId: job.jobId,
    version: job.version,
    versionRollingAllowed: job.versionRollingAllowed,
    job,
    extranoncePrefix: channel.extranoncePrefix,
    merkleRoot: null,
    target: channel.target,
    tip,
  };
  if (tip === null) addFutureJob(channel.jobs, channelJob);
  else addActiveJob(channel.jobs, channelJob);
  return channelJob;
};

/**
 * Makes a job the channel's only one, on a new previous hash: a future job the channel has, or else this
 * same job given at once.
 */
export const activateChannelJob = (channel: ServerChannel, job: ServerJob, tip: ChainTip): void => {
  // a tip that came before its first job has retired the others already, and they are to stay known as stale
  const isAwaited = channel.jobs.active === null && sameTip(channel.tip, tip);
  moveTo(channel, tip);
  if (isAwaited) {
    channel.jobs.future.clear();
    addChannelJob(channel, job, tip);
    return;
  }
  if (activateJob(channel.jobs, job.jobId, tip, channel.target) !== null) return;
  retireJobs(channel.jobs);
  addChannelJob(channel, job, tip);
};

/** Makes all jobs stale, on a new previous hash for which there is no job yet. */
export const retireChannelJobs = (channel: ServerChannel, tip: ChainTip): void => {
  moveTo(channel, tip);
  retireJobs(channel.jobs);
};

/** Gives the channel a custom job to mine at once; a tip that differs from the channel's makes the others stale. */
export const addCustomJob = (channel: ServerChannel, job: ServerJob, tip: ChainTip): void => {
  if (channel.tip !== null && !sameTip(channel.tip, tip)) retireJobs(channel.jobs);
  moveTo(channel, tip);
  channel.hasCustomJobs = true;
  addChannelJob(channel, job, tip);
};

/**
 * Shares that were seen on another previous hash cannot come again: they would be stale, and if that one comes
 * back it is with jobs of other coinbases. Only custom jobs can be the same then.
 */
const moveTo = (channel: ServerChannel, tip: ChainTip): void => {
  if (!samePrevHash(channel.tip, tip)) channel.shares.clear(channel.hasCustomJobs ? RETURNING_TIPS : 0);
  channel.tip = tip;
};

/** NewMiningJob for a standard channel, NewExtendedMiningJob for an extended one. */
export const jobMessage = (
  { kind, channelId }: ServerChannel,
  channelJob: ChannelJob<ServerJob>,
): NewMiningJob | NewExtendedMiningJob => {
  const { jobId, version, job, tip } = channelJob;
  if (kind === 'extended') return extendedJobMessage(channelId, job, tip);
  return NewMiningJob({
    channelId,
    jobId,
    minNtime: tip?.minNtime ?? null,
    version,
    merkleRoot: channelJobMerkleRoot(channelJob),
  });
};

/** NewExtendedMiningJob for an extended channel or a group. */
export const extendedJobMessage = (
  channelId: number,
  job: ServerJob,
  tip: ChainTip | null,
): NewExtendedMiningJob =>
  NewExtendedMiningJob({
    channelId,
    jobId: job.jobId,
    minNtime: tip?.minNtime ?? null,
    version: job.version,
    versionRollingAllowed: job.versionRollingAllowed,
    merklePath: job.merklePath,
    coinbaseTxPrefix: job.coinbase.coinbaseTxPrefix,
    coinbaseTxSuffix: job.coinbase.coinbaseTxSuffix,
  });

/** A share that was accepted and counted. */
export interface CountedShare extends ValidShare<ChannelJob<ServerJob>> {
  /** What it is credited with: the difficulty of its job's target. */
  readonly difficulty: number;
  /** To be sent as SubmitShares.Success, when this share ended a batch. */
  readonly acknowledgement: ShareAcknowledgement | undefined;
}

/**
 * Checks a share and counts it.
 *
 * @param share its `extranonce` is to be undefined on a standard channel
 * @param now milliseconds since 1970
 */
export const submitShare = (
  channel: ServerChannel,
  share: Share & { readonly sequenceNumber: number },
  now: number,
): CountedShare | InvalidShare => {
  const { jobs, extranonceSize, shares } = channel;
  const result = validateShare({ jobs, extranonceSize, seen: shares.seen }, share, now);
  if (!result.valid) {
    shares.reject(result.errorCode);
    return result;
  }
  const { hash, isBlock, job } = result;
  const difficulty = difficultyFromTarget(job.target);
  const acknowledgement = shares.accept({
    hash,
    sequenceNumber: share.sequenceNumber,
    difficulty,
    blockFound: isBlock,
  });
  return { ...result, difficulty, acknowledgement };
};

/** A block that a share found. */
export interface FoundBlock {
  /** The whole coinbase; with witness when the block has a witness commitment. */
  readonly coinbaseTx: Uint8Array;
  /** For the template provider; null for a custom job, whose block only its declarator can put together. */
  readonly solution: SubmitSolution | null;
}

/** The block of a share that is one. */
export const foundBlock = (
  { job: channelJob }: ValidShare<ChannelJob<ServerJob>>,
  share: Share,
): FoundBlock => {
  const { job } = channelJob;
  const coinbaseTx = assembleCoinbase(job.solutionCoinbase, fullExtranonceOf(channelJob, share.extranonce));
  if (job.templateId === null) return { coinbaseTx, solution: null };
  const solution = SubmitSolution({
    templateId: job.templateId,
    version: share.version,
    headerTimestamp: share.ntime,
    headerNonce: share.nonce,
    coinbaseTx,
  });
  return { coinbaseTx, solution };
};

const isZero = (target: Uint8Array): boolean => target.every((byte) => byte === 0);

const harderOf = (target: Uint8Array, maxTarget: Uint8Array): Uint8Array =>
  compareTargets(target, maxTarget) > 0 ? maxTarget : target;
