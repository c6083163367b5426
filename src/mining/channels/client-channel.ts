import { serialiseBlockHeader } from '../../bitcoin/block-header.js';
import { buildCustomCoinbase, stripCoinbaseWitness } from '../../bitcoin/coinbase.js';
import { Sv2Error } from '../../codec/errors.js';
import {
  SubmitSharesExtended,
  SubmitSharesStandard,
  type NewExtendedMiningJob,
  type NewMiningJob,
  type OpenExtendedMiningChannelSuccess,
  type OpenStandardMiningChannelSuccess,
  type SetCustomMiningJob,
  type SetCustomMiningJobSuccess,
  type SetNewPrevHash,
} from '../../messages/index.js';
import { chainTipFrom, ntimeAt, sameTip, type ChainTip } from '../work/chain-tip.js';
import type { ChannelJob } from '../work/job.js';
import {
  activateJob,
  addActiveJob,
  addFutureJob,
  jobStore,
  retireJobs,
  type JobStore,
} from '../work/job-lifetime.js';
import { channelJobMerkleRoot } from '../work/merkle-root.js';
import { validateShare, type InvalidShare, type Share, type ValidShare } from '../shares/share-validation.js';

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
  /** Largest share hash accepted for future jobs and jobs to come: 32 bytes, little-endian. */
  target: Uint8Array;
  readonly jobs: JobStore;
  /** Of the last SetNewPrevHash. */
  tip: ChainTip | null;
  /** The next extranonce to try. */
  readonly extranonce: Uint8Array;
  /** Of the last share submitted. */
  sequenceNumber: number;
}

/** The channel that a server has opened. */
export const clientChannel = (
  opened: OpenStandardMiningChannelSuccess | OpenExtendedMiningChannelSuccess,
): ClientChannel => {
  const { channelId, groupChannelId, extranoncePrefix, target } = opened;
  const isExtended = opened.type === 'OpenExtendedMiningChannel.Success';
  const extranonceSize = isExtended ? opened.extranonceSize : 0;
  return {
    kind: isExtended ? 'extended' : 'standard',
    channelId,
    groupChannelId,
    extranoncePrefix,
    extranonceSize,
    target,
    jobs: jobStore(),
    tip: null,
    extranonce: new Uint8Array(extranonceSize),
    sequenceNumber: 0,
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
  const common = { jobId, version, extranoncePrefix, target, tip: tipOf(channel, minNtime, now) };
  const job: ChannelJob =
    message.type === 'NewMiningJob'
      ? { ...common, versionRollingAllowed: true, job: null, merkleRoot: message.merkleRoot }
      : {
          ...common,
          versionRollingAllowed: message.versionRollingAllowed,
          job: {
            jobId,
            version,
            versionRollingAllowed: message.versionRollingAllowed,
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
 * Takes a new previous hash (spec §5.3.17): the future job it names is mined at once, all others are invalid.
 *
 * @param now milliseconds since 1970
 * @returns whether the channel has that job; if not, it has nothing to mine until the next one
 * @throws Sv2Error `invalid-nbits`
 */
export const receivePrevHash = (channel: ClientChannel, message: SetNewPrevHash, now: number): boolean => {
  channel.tip = chainTipFrom(message, now);
  if (activateJob(channel.jobs, message.jobId, channel.tip, channel.target) !== null) return true;
  retireJobs(channel.jobs);
  return false;
};

/** Takes a target for future jobs and jobs to come; active ones keep theirs (spec §5.3.21). */
export const receiveTarget = (channel: ClientChannel, target: Uint8Array): void => {
  channel.target = target; // future jobs get it when they are activated
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
  const job = { jobId, version, versionRollingAllowed: true, merklePath, coinbase };
  const tip = chainTipFrom(request, now);
  if (channel.tip !== null && !sameTip(channel.tip, tip)) retireJobs(jobs);
  channel.tip = tip;
  addActiveJob(jobs, { ...job, job, extranoncePrefix, merkleRoot: null, target, tip });
};

/** What a miner needs to hash: everything of a block header but the nonce, or where to take it from. */
export interface MiningWork {
  readonly jobId: number;
  /** The bits of `VERSION_ROLLING_MASK` may be changed if `versionRollingAllowed`. */
  readonly version: number;
  readonly versionRollingAllowed: boolean;
  readonly prevHash: Uint8Array;
  readonly merkleRoot: Uint8Array;
  readonly nbits: number;
  /** The largest ntime that the specification allows now; see {@link ntimeAt} for later. */
  readonly ntime: number;
  /** Largest hash that is a share: 32 bytes, little-endian. */
  readonly target: Uint8Array;
  /** Absent on a standard channel. */
  readonly extranonce?: Uint8Array;
}

/**
 * The work to do now. On an extended channel each call takes the next extranonce, so that no two hash the same.
 *
 * @param now milliseconds since 1970
 * @returns null when there is none (yet)
 */
export const nextWork = (channel: ClientChannel, now: number): MiningWork | null => {
  const { active } = channel.jobs;
  if (active?.tip == null) return null;
  const { jobId, version, versionRollingAllowed, target, tip } = active;
  const rolled = channel.kind === 'extended' ? { extranonce: nextExtranonce(channel) } : {};
  return {
    jobId,
    version,
    versionRollingAllowed,
    prevHash: tip.prevHash,
    merkleRoot: channelJobMerkleRoot(active, rolled.extranonce),
    nbits: tip.nbits,
    ntime: ntimeAt(tip, now),
    target,
    ...rolled,
  };
};

/** The next extranonce of an extended channel; counts up, and from zero again after the last. */
export const nextExtranonce = ({ extranonce }: ClientChannel): Uint8Array => {
  const next = extranonce.slice();
  for (let index = extranonce.length - 1; index >= 0; index--) {
    extranonce[index] = (extranonce[index] ?? 0) + 1;
    if (extranonce[index] !== 0) break;
  }
  return next;
};

/** What a miner rolls within one piece of work. */
export type Rolled = Pick<Share, 'nonce'> & Partial<Pick<Share, 'ntime' | 'version'>>;

/**
 * The block header to hash.
 *
 * @returns 80 bytes
 */
export const workHeader = (work: MiningWork, rolled: Rolled): Uint8Array =>
  serialiseBlockHeader({ ...work, ...rolled });

/** The share that a nonce is, for {@link checkShare} and {@link submission}. */
export const shareFrom = ({ jobId, ntime, version, extranonce }: MiningWork, rolled: Rolled): Share => ({
  jobId,
  ntime,
  version,
  ...rolled,
  ...(extranonce === undefined ? {} : { extranonce }),
});

/**
 * Checks a share as the server will, duplicates apart: worth it before sending what devices deliver.
 *
 * @param now milliseconds since 1970
 */
export const checkShare = (channel: ClientChannel, share: Share, now: number): ValidShare | InvalidShare =>
  validateShare(
    { jobs: channel.jobs, extranonceSize: channel.extranonceSize, seen: () => false },
    share,
    now,
  );

/** The message that submits a share, with the channel's next sequence number. */
export const submission = (
  channel: ClientChannel,
  share: Share,
): SubmitSharesStandard | SubmitSharesExtended => {
  const { channelId, kind } = channel;
  channel.sequenceNumber = (channel.sequenceNumber + 1) >>> 0;
  const { jobId, nonce, ntime, version, extranonce = new Uint8Array(0) } = share;
  const fields = { channelId, sequenceNumber: channel.sequenceNumber, jobId, nonce, ntime, version };
  return kind === 'standard' ? SubmitSharesStandard(fields) : SubmitSharesExtended({ ...fields, extranonce });
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
