import { concatBytes } from '../../bitcoin/consensus-bytes.js';
import { MAX_FUTURE_BLOCK_TIME } from '../../bitcoin/consensus.js';
import { blockHashOf, serialiseBlockHeader } from '../../bitcoin/block-header.js';
import { meetsTarget } from '../../bitcoin/target.js';
import { ntimeAt, type ChainTip } from '../work/chain-tip.js';
import type { SubmitSharesErrorCode } from '../error-codes.js';
import { VERSION_ROLLING_MASK, type ChannelJob } from '../work/job.js';
import { findJob, type JobStore } from '../work/job-lifetime.js';
import { channelJobMerkleRoot } from '../work/merkle-root.js';
import type { ShareAccounting } from './share-accounting.js';

/** What a share says; SubmitSharesStandard and SubmitSharesExtended are shares. */
export interface Share {
  readonly jobId: number;
  readonly nonce: number;
  readonly ntime: number;
  readonly version: number;
  /** Absent on a standard channel. */
  readonly extranonce?: Uint8Array;
}

/** A share that counts. */
export interface ValidShare<Job extends ChannelJob = ChannelJob> {
  readonly valid: true;
  /** 32 bytes as SHA-256 returned them. */
  readonly hash: Uint8Array;
  /** Whether it is a block: at or below the network's target, whatever the job's is. */
  readonly isBlock: boolean;
  /** Whether the template provider wants it: every block, and more if it says so. */
  readonly isSolution: boolean;
  readonly job: Job;
}

/** A share that doesn't, and why. */
export interface InvalidShare {
  readonly valid: false;
  readonly errorCode: SubmitSharesErrorCode;
  /** What was wrong, in words. */
  readonly reason: string;
}

/** What {@link validateShare} knows of a channel. */
export interface ShareContext<Job extends ChannelJob> {
  readonly jobs: JobStore<Job>;
  /** Bytes the channel may roll; 0 on a standard channel. */
  readonly extranonceSize: number;
  /** Knows whether a share with this hash, which meets its target, was accepted before; without, none was. */
  readonly shares?: Pick<ShareAccounting, 'seen'>;
}

/**
 * Checks a share as a mining server does (spec §5.3.11 to §5.3.14), in the order of the reference
 * implementation (`channels_sv2`, `validate_share`). Nothing is counted or remembered.
 *
 * The ntime must be at least the job's `minNtime`. Spec §5.3.11 allows no more than that and the seconds since
 * its receipt; here 7,200 seconds more (`MAX_FUTURE_BLOCK_TIME`, spec §5.1), counted from the clock if it is
 * later, are let pass: miners that roll ntime run ahead, and by consensus their blocks are valid.
 *
 * @param now milliseconds since 1970
 */
export const validateShare = <Job extends ChannelJob>(
  { jobs, extranonceSize, shares }: ShareContext<Job>,
  share: Share,
  now: number,
): ValidShare<Job> | InvalidShare => {
  const { jobId, ntime, version, extranonce } = share;
  const job = findJob(jobs, jobId);
  if (job === 'stale') return invalid('stale-share', `job ${jobId} builds on an old previous hash`);
  if (job === 'unknown' || job.tip === null) {
    return invalid('invalid-job-id', `there is no job ${jobId} to submit shares for`);
  }
  const { tip } = job;

  const size = extranonce?.length ?? 0;
  if (size !== extranonceSize) {
    return invalid('bad-extranonce-size', `the extranonce must be ${extranonceSize} bytes, got ${size}`);
  }

  const latest = Math.max(ntimeAt(tip, now), Math.floor(now / 1000)) + MAX_FUTURE_BLOCK_TIME;
  if (ntime < tip.minNtime || ntime > latest) {
    return invalid('invalid-share', `ntime must be from ${tip.minNtime} to ${latest}, got ${ntime}`);
  }

  const changedBits = (version ^ job.version) >>> 0;
  if (changedBits !== 0 && !job.versionRollingAllowed) {
    return invalid('version-rolling-not-allowed', `version must be ${job.version}, got ${version}`);
  }
  if ((changedBits & ~VERSION_ROLLING_MASK) !== 0) {
    return invalid(
      'invalid-non-rollable-version-bit',
      `version ${version} differs from the job's ${job.version} outside of BIP 323's bits`,
    );
  }

  const hash = shareHash(job, tip, share);
  const isBlock = meetsTarget(hash, tip.networkTarget);
  if (!isBlock && !meetsTarget(hash, job.target)) {
    return invalid('difficulty-too-low', "the share's hash is above the job's target");
  }
  if (shares?.seen(hash) === true) return invalid('duplicate-share', 'the same share was accepted before');
  const isSolution = isBlock || meetsTarget(hash, tip.solutionTarget);
  return { valid: true, hash, isBlock, isSolution, job };
};

/**
 * The block header of a share that is valid.
 *
 * @returns 80 bytes
 */
export const shareHeader = (job: ChannelJob, { version, ntime, nonce, extranonce }: Share): Uint8Array => {
  if (job.tip === null) throw new Error('a share of a future job is not valid');
  const { prevHash, nbits } = job.tip;
  const merkleRoot = channelJobMerkleRoot(job, extranonce);
  return serialiseBlockHeader({ version, prevHash, merkleRoot, ntime, nbits, nonce });
};

const shareHash = (
  job: ChannelJob,
  { prevHash, nbits }: ChainTip,
  { version, ntime, nonce, extranonce }: Share,
): Uint8Array => blockHashOf(version, prevHash, channelJobMerkleRoot(job, extranonce), ntime, nbits, nonce);

/** The extranonce prefix and the extranonce of a share. */
export const fullExtranonceOf = (job: ChannelJob, extranonce: Uint8Array | undefined): Uint8Array =>
  extranonce === undefined ? job.extranoncePrefix : concatBytes([job.extranoncePrefix, extranonce]);

const invalid = (errorCode: SubmitSharesErrorCode, reason: string): InvalidShare => ({
  valid: false,
  errorCode,
  reason,
});
