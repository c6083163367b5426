import { compareTargets, difficultyFromTarget } from '../../bitcoin/target.js';
import { Sv2Error } from '../../codec/errors.js';
import { seenShares, type SeenShares } from './seen-shares.js';

/** Shares of a channel remembered without worry, some 800 kB: a hundred a second for the ten minutes of a block. */
export const COMFORTABLE_SEEN = 65_536;

/** The fields of a `SubmitShares.Success` that are not the channel's id (spec §5.3.13). */
export interface ShareAcknowledgement {
  /** Sequence number of the last share accepted. */
  readonly lastSequenceNumber: number;
  /** Shares accepted in this batch, 1 or more. */
  readonly newSubmitsAcceptedCount: number;
  /** Sum of the difficulties of this batch, cut to a whole number of 64 bits as in the reference implementation. */
  readonly newSharesSum: bigint;
}

/** A share that passed validation. */
export interface AcceptedShare {
  /** 32 bytes, its block hash as SHA-256 returned it. */
  readonly hash: Uint8Array;
  /** U32, from `SubmitSharesStandard` or `SubmitSharesExtended`. */
  readonly sequenceNumber: number;
  /** The difficulty it is credited with: that of its job's target. Finite, 0 or more. */
  readonly difficulty: number;
  /** Whether it is a block; blocks are acknowledged at once. */
  readonly blockFound?: boolean;
}

/** What a channel or a user has delivered so far. */
export interface ShareTotals {
  /** Shares accepted, blocks included. */
  readonly accepted: number;
  /** Shares rejected, for whatever reason. */
  readonly rejected: number;
  /** Shares rejected, by the error code they were answered with. */
  readonly rejectedByCode: Readonly<Record<string, number>>;
  /** Sum of the difficulties credited. */
  readonly difficultySum: number;
  /** The highest difficulty that any accepted share's hash reached; 0 before the first. */
  readonly bestDifficulty: number;
  readonly blocksFound: number;
}

/** Options of {@link shareAccounting}. */
export interface ShareAccountingOptions {
  /** How many accepted shares one `SubmitShares.Success` acknowledges, 1 or more. */
  readonly batchSize: number;
}

/** The share accounting of one channel. See {@link shareAccounting}. */
export interface ShareAccounting {
  /**
   * Whether a share is a duplicate (to be answered with `duplicate-share`).
   *
   * @param hash 32 bytes
   */
  seen(hash: Uint8Array): boolean;
  /**
   * Counts a valid share, once {@link ShareAccounting.seen} said that it is new.
   *
   * @returns the acknowledgement to send now, when this share completes a batch or is a block
   * @throws Sv2Error `invalid-difficulty`, `invalid-length`; nothing is counted then
   */
  accept(share: AcceptedShare): ShareAcknowledgement | undefined;
  /** Counts a share that was answered with this error code. */
  reject(errorCode: string): void;
  /**
   * Ends the batch early, for a pool that acknowledges by the clock as well, and before a channel closes.
   *
   * @returns the acknowledgement to send, or undefined when nothing is pending
   */
  flush(): ShareAcknowledgement | undefined;
  /**
   * The previous hash has changed: forgets the hashes seen on it, counts stay.
   *
   * @param kept of how many previous hashes to remember them still; none unless given
   */
  clear(kept?: number): void;
  /**
   * How full the memory for duplicates is: hashes remembered by {@link COMFORTABLE_SEEN}. Above 1 the channel's
   * target should be made harder; no share is refused for it.
   */
  readonly seenPressure: number;
  /** A snapshot of the counts. */
  totals(): ShareTotals;
}

/**
 * Counts the shares of one channel, groups them into batches for `SubmitShares.Success` (spec §5.3.13), and
 * remembers their hashes so that none counts twice.
 *
 * A batch ends when it is full, at a block (as in the reference implementation, `channels_sv2`
 * `ShareAccounting`), or by {@link ShareAccounting.flush}; count and sum start from zero after it.
 *
 * @throws Sv2Error `out-of-range` when `batchSize` isn't a whole number from 1 to 2^32 - 1
 */
export const shareAccounting = ({ batchSize }: ShareAccountingOptions): ShareAccounting => {
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 0xffff_ffff) {
    throw new Sv2Error('out-of-range', `a share batch must hold 1 to 4294967295 shares, got ${batchSize}`, {
      batchSize,
    });
  }
  let seen = seenShares();
  let seenBefore: readonly SeenShares[] = [];
  const counts = shareCounts();
  let lastSequenceNumber = 0;
  let batchCount = 0;
  let batchSum = 0;

  const flush = (): ShareAcknowledgement | undefined => {
    if (batchCount === 0) return undefined;
    const acknowledgement = {
      lastSequenceNumber,
      newSubmitsAcceptedCount: batchCount,
      newSharesSum: toU64(batchSum),
    };
    batchCount = 0;
    batchSum = 0;
    return acknowledgement;
  };

  return {
    seen: (hash) => seen.has(hash) || seenBefore.some((before) => before.has(hash)),
    accept(share) {
      counts.accept(share);
      seen.add(share.hash);
      lastSequenceNumber = share.sequenceNumber;
      batchCount++;
      batchSum += share.difficulty;
      return batchCount >= batchSize || share.blockFound === true ? flush() : undefined;
    },
    reject: (errorCode) => counts.reject(errorCode),
    flush,
    clear(kept = 0) {
      seenBefore = [seen, ...seenBefore].slice(0, kept);
      seen = seenShares();
    },
    get seenPressure() {
      return seenBefore.reduce((sum, { size }) => sum + size, seen.size) / COMFORTABLE_SEEN;
    },
    totals: () => counts.totals(),
  };
};

/** Running totals of shares: of a channel, of a user. */
export interface ShareCounts {
  /** @throws Sv2Error `invalid-difficulty`, `invalid-length`; nothing is counted then */
  accept(share: Pick<AcceptedShare, 'hash' | 'difficulty' | 'blockFound'>): void;
  reject(errorCode: string): void;
  /** Adds another account's totals to these. */
  add(totals: ShareTotals): void;
  totals(): ShareTotals;
}

/** A new account with all counts at zero. */
export const shareCounts = (): ShareCounts => {
  const rejectedByCode = new Map<string, number>();
  let accepted = 0;
  let rejected = 0;
  let difficultySum = 0;
  let blocksFound = 0;
  /** Of the shares counted here; a difficulty takes a bigint, and is worked out when somebody asks. */
  let bestHash: Uint8Array | undefined;
  /** Of other accounts that were added. */
  let bestAdded = 0;

  const countRejected = (errorCode: string, count: number): void => {
    rejected += count;
    rejectedByCode.set(errorCode, (rejectedByCode.get(errorCode) ?? 0) + count);
  };

  return {
    accept({ hash, difficulty, blockFound }) {
      if (!Number.isFinite(difficulty) || difficulty < 0) {
        throw new Sv2Error(
          'invalid-difficulty',
          `a share's difficulty must be finite and 0 or more, got ${difficulty}`,
          { difficulty },
        );
      }
      if (compareTargets(hash, bestHash ?? HIGHEST_HASH) <= 0) bestHash = hash;
      accepted++;
      difficultySum += difficulty;
      if (blockFound === true) blocksFound++;
    },
    reject: (errorCode) => countRejected(errorCode, 1),
    add(totals) {
      accepted += totals.accepted;
      difficultySum += totals.difficultySum;
      bestAdded = Math.max(bestAdded, totals.bestDifficulty);
      blocksFound += totals.blocksFound;
      for (const [errorCode, count] of Object.entries(totals.rejectedByCode)) countRejected(errorCode, count);
    },
    totals: () => ({
      accepted,
      rejected,
      rejectedByCode: Object.fromEntries(rejectedByCode),
      difficultySum,
      bestDifficulty:
        bestHash === undefined ? bestAdded : Math.max(bestAdded, difficultyFromTarget(bestHash)),
      blocksFound,
    }),
  };
};

const HIGHEST_HASH = new Uint8Array(32).fill(0xff);

const toU64 = (sum: number): bigint => (sum >= 2 ** 64 ? 2n ** 64n - 1n : BigInt(Math.trunc(sum)));
