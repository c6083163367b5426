/** What a client mines on its channels, and the shares that it submits. */
import { serialiseBlockHeader } from '../../bitcoin/block-header.js';
import type { Tlv } from '../../codec/tlv.js';
import { SubmitSharesExtended, SubmitSharesStandard } from '../../messages/index.js';
import { validateShare, type InvalidShare, type Share, type ValidShare } from '../shares/share-validation.js';
import { ntimeAt } from '../work/chain-tip.js';
import type { ChannelJob } from '../work/job.js';
import { channelJobMerkleRoot } from '../work/merkle-root.js';
import type { ClientChannel } from './client-channel.js';

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
export const nextWork = (channel: ClientChannel, now: number): MiningWork | null =>
  channel.jobs.active === null ? null : workOn(channel, channel.jobs.active, now);

/**
 * The work that a job of the channel is now; otherwise as {@link nextWork}.
 *
 * @param now milliseconds since 1970
 * @returns null for a future job
 */
export const workOn = (channel: ClientChannel, job: ChannelJob, now: number): MiningWork | null => {
  const { jobId, version, versionRollingAllowed, target, tip } = job;
  if (tip === null) return null;
  const rolled = channel.kind === 'extended' ? { extranonce: nextExtranonce(channel) } : {};
  return {
    jobId,
    version,
    versionRollingAllowed,
    prevHash: tip.prevHash,
    merkleRoot: channelJobMerkleRoot(job, rolled.extranonce),
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
  validateShare(channel, share, now);

/**
 * The message that submits a share, with the channel's next sequence number.
 *
 * @param tlvs for an extended channel: those of negotiated extensions, such as `userIdentityTlv`
 */
export const submission = (
  channel: ClientChannel,
  share: Share,
  tlvs: readonly Tlv[] = [],
): SubmitSharesStandard | SubmitSharesExtended => {
  const { channelId, kind } = channel;
  channel.sequenceNumber = (channel.sequenceNumber + 1) >>> 0;
  channel.unanswered += 1;
  const { jobId, nonce, ntime, version, extranonce = new Uint8Array(0) } = share;
  const fields = { channelId, sequenceNumber: channel.sequenceNumber, jobId, nonce, ntime, version };
  if (kind === 'standard') return SubmitSharesStandard(fields);
  const extended = { ...fields, extranonce };
  return tlvs.length === 0 ? SubmitSharesExtended(extended) : SubmitSharesExtended(extended, tlvs);
};
