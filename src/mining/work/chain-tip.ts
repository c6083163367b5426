import { sameBytes } from '../../bitcoin/consensus-bytes.js';
import { compareTargets, targetFromNbits } from '../../bitcoin/target.js';
import type { SetCustomMiningJob, SetNewPrevHash, SetNewPrevHashTemplate } from '../../messages/index.js';

/**
 * How many changes of the previous hash it takes until it is no more reckoned with that one comes back: a
 * reorganisation is a change for each block that it goes back, and one of more than two blocks was last seen on
 * mainnet in 2015.
 */
export const RETURNING_TIPS = 8;

/** What jobs build on. */
export interface ChainTip {
  /** 32 bytes in wire order, as in the block header. */
  readonly prevHash: Uint8Array;
  /** Smallest ntime for shares, seconds since 1970. */
  readonly minNtime: number;
  readonly nbits: number;
  /** Hashes at or below this are blocks: 32 bytes, little-endian. */
  readonly networkTarget: Uint8Array;
  /**
   * Shares whose hash is at or below this go to the template provider: `networkTarget`, or what it wants if that is
   * easier. 32 bytes, little-endian.
   */
  readonly solutionTarget: Uint8Array;
  /** When it was learnt of, milliseconds since 1970. */
  readonly receivedAt: number;
}

/**
 * The chain tip that a message announces. Its network target is what nbits stands for: that alone makes a block, for
 * it is in the header that miners hash, and every node goes by it.
 *
 * What the `target` of a Template Distribution SetNewPrevHash (spec §7.3) allows has to be submitted (spec §7.7). If
 * that is more than blocks, those of the shares that come anyway are: channels' targets do not follow it, or a broken
 * provider could have every miner flood the pool. If it is less, blocks are submitted all the same: a provider that
 * does not want one drops it, and one whose target is wrong would cost its worth.
 *
 * @param message either SetNewPrevHash, or a SetCustomMiningJob
 * @param now milliseconds since 1970
 * @returns the tip; `prevHash` is the message's own bytes
 * @throws Sv2Error `invalid-nbits`
 */
export const chainTipFrom = (
  message: SetNewPrevHash | SetNewPrevHashTemplate | SetCustomMiningJob,
  now: number,
): ChainTip => {
  const isTemplates = message.type === 'TemplateDistribution.SetNewPrevHash';
  const nbits = isTemplates ? message.nBits : message.nbits;
  const networkTarget = targetFromNbits(nbits);
  return {
    prevHash: message.prevHash,
    minNtime: isTemplates ? message.headerTimestamp : message.minNtime,
    nbits,
    networkTarget,
    solutionTarget:
      isTemplates && compareTargets(message.target, networkTarget) > 0
        ? message.target.slice() // it is a view of its whole frame
        : networkTarget,
    receivedAt: now,
  };
};

/** The largest ntime that spec §5.3.11 allows: `minNtime` and the seconds since its receipt. */
export const ntimeAt = ({ minNtime, receivedAt }: ChainTip, now: number): number =>
  minNtime + Math.max(0, Math.floor((now - receivedAt) / 1000));

/** Whether two tips have the same previous hash; shares seen on one can come again on the other then. */
export const samePrevHash = (a: ChainTip | null, b: Pick<ChainTip, 'prevHash'>): boolean =>
  a !== null && sameBytes(a.prevHash, b.prevHash);

/** Whether jobs on two tips are the same work: they differ in when they were learnt of, and in what is submitted, at most. */
export const sameTip = (a: ChainTip | null, b: ChainTip): boolean =>
  samePrevHash(a, b) && a?.nbits === b.nbits && a.minNtime === b.minNtime;
