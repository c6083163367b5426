import type { TxOut } from '../../bitcoin/outputs.js';
import { meetsTarget } from '../../bitcoin/target.js';
import { assembleCoinbase } from '../../bitcoin/coinbase.js';
import {
  NewExtendedMiningJob,
  NewMiningJob,
  SubmitSolution,
  type OpenExtendedMiningChannel,
  type OpenStandardMiningChannel,
} from '../../messages/index.js';
import type { VardiffState } from '../difficulty/vardiff-state.js';
import { RETURNING_TIPS, samePrevHash, sameTip, type ChainTip } from '../work/chain-tip.js';
import type { ChannelJob, ServerJob } from '../work/job.js';
import type { PayoutOutputs } from '../work/job-factory.js';
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
import type { SeenShares } from '../shares/seen-shares.js';
import {
  fullExtranonceOf,
  shareHeader,
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
  /** Whom its jobs pay; null for whomever the server pays otherwise. */
  readonly payout: PayoutOutputs | null;
  /** What its target comes from; only `channelTargets` writes it. */
  vardiff: VardiffState;
  /** Largest share hash accepted for jobs to come: 32 bytes, little-endian. */
  readonly target: Uint8Array;
  /** The largest target the client accepts. */
  readonly maxTarget: Uint8Array;
  /** Hashes per second, as the client says. */
  nominalHashRate: number;
  readonly jobs: JobStore<ServerChannelJob>;
  /** What its jobs build on; null before the first. */
  tip: ChainTip | null;
  readonly shares: ShareAccounting;
  /** When it was last given a job for its target alone, milliseconds since 1970; 0 before. */
  renewedAt: number;
  /** Whether the same coinbase may come again on a later tip: custom jobs are the client's own, and others an upstream server's. */
  jobsMayRecur: boolean;
}

/** A job on a channel of a server. */
export interface ServerChannelJob extends ChannelJob<ServerJob> {
  /** What its shares are credited with: the difficulty of its target. */
  difficulty: number;
}

/** What {@link serverChannel} is told. */
export interface ServerChannelOptions {
  readonly channelId: number;
  readonly groupChannelId: number;
  readonly payout: PayoutOutputs | null;
  /** Of a standard channel its whole extranonce; see `extranonceAllocator`. */
  readonly extranoncePrefix: Uint8Array;
  /** Bytes the client may roll; 0 for a standard channel. */
  readonly extranonceSize: number;
  /** Its first target, from `channelTargets`. */
  readonly vardiff: VardiffState;
  /** Shares per SubmitShares.Success. */
  readonly shareBatchSize: number;
  /** Shares that were accepted before the channel was there. */
  readonly alreadySeen?: Pick<SeenShares, 'has'> | undefined;
  /** Whether jobs are made elsewhere, so that nobody here knows which coinbases come again. */
  readonly jobsMayRecur: boolean;
}

/** A channel without jobs, as a client's message asks for it. */
export const serverChannel = (
  request: OpenStandardMiningChannel | OpenExtendedMiningChannel,
  options: ServerChannelOptions,
): ServerChannel => new Channel(request, options);

// A class: V8 makes a dictionary of an object that is written down with a getter, for every channel one, and looks each of its fields
// up by hash: 2 of the 20 µs of a share.
class Channel implements ServerChannel {
  readonly kind: 'standard' | 'extended';
  readonly channelId: number;
  readonly userIdentity: string;
  extranoncePrefix: Uint8Array;
  readonly retiredPrefixes: Uint8Array[] = [];
  readonly extranonceSize: number;
  groupChannelId: number;
  readonly payout: PayoutOutputs | null;
  vardiff: VardiffState;
  nominalHashRate: number;
  readonly jobs = jobStore<ServerChannelJob>();
  tip: ChainTip | null = null;
  readonly shares: ShareAccounting;
  renewedAt = 0;
  jobsMayRecur: boolean;

  constructor(
    { type, userIdentity, nominalHashRate }: OpenStandardMiningChannel | OpenExtendedMiningChannel,
    options: ServerChannelOptions,
  ) {
    this.kind = type === 'OpenStandardMiningChannel' ? 'standard' : 'extended';
    this.channelId = options.channelId;
    this.userIdentity = userIdentity;
    this.extranoncePrefix = options.extranoncePrefix;
    this.extranonceSize = options.extranonceSize;
    this.groupChannelId = options.groupChannelId;
    this.payout = options.payout;
    this.vardiff = options.vardiff;
    this.nominalHashRate = nominalHashRate;
    this.shares = shareAccounting({
      batchSize: options.shareBatchSize,
      ...(options.alreadySeen === undefined ? {} : { alreadySeen: options.alreadySeen }),
    });
    this.jobsMayRecur = options.jobsMayRecur;
  }

  get target(): Uint8Array {
    return this.vardiff.target;
  }

  get maxTarget(): Uint8Array {
    return this.vardiff.options.maxTarget;
  }
}

/** Gives the channel a future job, or with a chain tip one to mine at once. */
export const addChannelJob = (
  channel: ServerChannel,
  job: ServerJob,
  tip: ChainTip | null,
): ServerChannelJob => {
  const channelJob: ServerChannelJob = {
    jobId: job.jobId,
    version: job.version,
    versionRollingAllowed: job.versionRollingAllowed,
    job,
    extranoncePrefix: channel.extranoncePrefix,
    merkleRoot: null,
    target: channel.target,
    difficulty: channel.vardiff.difficulty,
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
  const activated = activateJob(channel.jobs, job.jobId, tip, channel.target);
  if (activated !== null) {
    activated.difficulty = channel.vardiff.difficulty;
    return;
  }
  retireJobs(channel.jobs);
  addChannelJob(channel, job, tip);
};

/** Makes all jobs stale, on a new previous hash for which there is no job yet. */
export const retireChannelJobs = (channel: ServerChannel, tip: ChainTip | null): void => {
  moveTo(channel, tip);
  const { active, past, future } = channel.jobs;
  if (active !== null || past.size > 0) retireJobs(channel.jobs);
  else future.clear(); // those retired before stay known as stale
};

/** Gives the channel a custom job to mine at once; a tip that differs from the channel's makes the others stale. */
export const addCustomJob = (channel: ServerChannel, job: ServerJob, tip: ChainTip): void => {
  if (channel.tip !== null && !sameTip(channel.tip, tip)) retireJobs(channel.jobs);
  moveTo(channel, tip);
  channel.jobsMayRecur = true;
  addChannelJob(channel, job, tip);
};

/**
 * Shares that were seen on another previous hash cannot come again: they would be stale, and if that one comes
 * back it is with jobs of other coinbases. Only custom jobs and those of an upstream server can be the same then.
 */
const moveTo = (channel: ServerChannel, tip: ChainTip | null): void => {
  if (tip === null || !samePrevHash(channel.tip, tip))
    channel.shares.clear(channel.jobsMayRecur ? RETURNING_TIPS : 0);
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
export interface CountedShare extends ValidShare<ServerChannelJob> {
  /** What it is credited with: see {@link creditOf}. */
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
  const { shares } = channel;
  const result = validateShare(channel, share, now);
  if (!result.valid) {
    shares.reject(result.errorCode);
    return result;
  }
  const { hash, isBlock, isSolution, job } = result;
  const difficulty = creditOf(hash, job);
  const acknowledgement = shares.accept({
    hash,
    sequenceNumber: share.sequenceNumber,
    difficulty,
    blockFound: isBlock,
  });
  return { valid: true, hash, isBlock, isSolution, job, difficulty, acknowledgement };
};

/**
 * What a share is credited with: the difficulty of its job's target, which it takes that many hashes to meet on
 * average. A block that misses it is worth nothing more: were it, who is given a target harder than the
 * network's could hand in both kinds, and be credited up to twice the work done.
 */
const creditOf = (hash: Uint8Array, { target, difficulty }: ServerChannelJob): number =>
  meetsTarget(hash, target) ? difficulty : 0;

/** A block that a share found. */
export interface FoundBlock {
  /** 80 bytes. */
  readonly header: Uint8Array;
  /** The whole coinbase; with witness when the block has a witness commitment. */
  readonly coinbaseTx: Uint8Array;
  /** For the template provider; null for a custom job, whose block only its declarator can put together. */
  readonly solution: SubmitSolution | null;
  /** As its job has it. */
  readonly payout: readonly TxOut[] | null;
}

/** The block of a share that is one. */
export const foundBlock = ({ job: channelJob }: ValidShare<ServerChannelJob>, share: Share): FoundBlock => {
  const header = shareHeader(channelJob, share);
  const { job } = channelJob;
  const coinbaseTx = assembleCoinbase(job.solutionCoinbase, fullExtranonceOf(channelJob, share.extranonce));
  const { payout } = job;
  if (job.templateId === null) return { header, coinbaseTx, solution: null, payout };
  const solution = SubmitSolution({
    templateId: job.templateId,
    version: share.version,
    headerTimestamp: share.ntime,
    headerNonce: share.nonce,
    coinbaseTx,
  });
  return { header, coinbaseTx, solution, payout };
};
