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
  /** Shares that were accepted before the channel was there. */
  readonly alreadySeen?: Pick<SeenShares, 'has'>;
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
export const shareAccounting = ({ batchSize, alreadySeen }: ShareAccountingOptions): ShareAccounting => {
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 0xffff_ffff) {
    throw new Sv2Error('out-of-range', `a share batch must hold 1 to 4294967295 shares, got ${batchSize}`, {
      batchSize,
    });
  }
  return new ChannelAccounting(batchSize, alreadySeen);
};

// A class, as every channel has one: V8 makes a dictionary of an object that is written down with a getter.
class ChannelAccounting implements ShareAccounting {
  readonly #batchSize: number;
  readonly #counts = shareCounts();
  #seen = seenShares();
  #seenBefore: readonly SeenShares[] = [];
  #lastSequenceNumber = 0;
  #batchCount = 0;
  #batchSum = 0;

  readonly #alreadySeen: Pick<SeenShares, 'has'> | undefined;

  constructor(batchSize: number, alreadySeen: Pick<SeenShares, 'has'> | undefined) {
    this.#batchSize = batchSize;
    this.#alreadySeen = alreadySeen;
  }

  seen(hash: Uint8Array): boolean {
    if (this.#seen.has(hash) || this.#alreadySeen?.has(hash) === true) return true;
    return this.#seenBefore.length > 0 && this.#seenBefore.some((before) => before.has(hash));
  }

  accept(share: AcceptedShare): ShareAcknowledgement | undefined {
    this.#counts.accept(share);
    this.#seen.add(share.hash);
    this.#lastSequenceNumber = share.sequenceNumber;
    this.#batchCount++;
    this.#batchSum += share.difficulty;
    return this.#batchCount >= this.#batchSize || share.blockFound === true ? this.flush() : undefined;
  }

  reject(errorCode: string): void {
    this.#counts.reject(errorCode);
  }

  flush(): ShareAcknowledgement | undefined {
    if (this.#batchCount === 0) return undefined;
    const acknowledgement = {
      lastSequenceNumber: this.#lastSequenceNumber,
      newSubmitsAcceptedCount: this.#batchCount,
      newSharesSum: toU64(this.#batchSum),
    };
    this.#batchCount = 0;
    this.#batchSum = 0;
    return acknowledgement;
  }

  clear(kept = 0): void {
    this.#seenBefore = [this.#seen, ...this.#seenBefore].slice(0, kept);
    this.#seen = seenShares();
  }

  get seenPressure(): number {
    return this.#seenBefore.reduce((sum, { size }) => sum + size, this.#seen.size) / COMFORTABLE_SEEN;
  }

  totals(): ShareTotals {
    return this.#counts.totals();
  }
}

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
export const shareCounts = (): ShareCounts => new Counts();

// A class, as every channel and account has one.
class Counts implements ShareCounts {
  /** None before the first rejected share. */
  #rejectedByCode: Map<string, number> | undefined;
  #accepted = 0;
  #rejected = 0;
  #difficultySum = 0;
  #blocksFound = 0;
  /**
   * Of the shares counted here; a difficulty takes a bigint, and is worked out when somebody asks. A copy: an old account that pointed at
   * the hash of a new share would keep what a collection of young objects is to be rid of.
   */
  #bestHash: Uint8Array | undefined;
  /** Of other accounts that were added. */
  #bestAdded = 0;

  accept({ hash, difficulty, blockFound }: Pick<AcceptedShare, 'hash' | 'difficulty' | 'blockFound'>): void {
    if (!Number.isFinite(difficulty) || difficulty < 0) {
      throw new Sv2Error(
        'invalid-difficulty',
        `a share's difficulty must be finite and 0 or more, got ${difficulty}`,
        { difficulty },
      );
    }
    if (compareTargets(hash, this.#bestHash ?? HIGHEST_HASH) <= 0)
      (this.#bestHash ??= new Uint8Array(32)).set(hash);
    this.#accepted++;
    this.#difficultySum += difficulty;
    if (blockFound === true) this.#blocksFound++;
  }

  reject(errorCode: string): void {
    this.#countRejected(errorCode, 1);
  }

  add(totals: ShareTotals): void {
    this.#accepted += totals.accepted;
    this.#difficultySum += totals.difficultySum;
    this.#bestAdded = Math.max(this.#bestAdded, totals.bestDifficulty);
    this.#blocksFound += totals.blocksFound;
    for (const [errorCode, count] of Object.entries(totals.rejectedByCode))
      this.#countRejected(errorCode, count);
  }

  totals(): ShareTotals {
    const bestHash = this.#bestHash;
    return {
      accepted: this.#accepted,
      rejected: this.#rejected,
      rejectedByCode: Object.fromEntries(this.#rejectedByCode ?? []),
      difficultySum: this.#difficultySum,
      bestDifficulty:
        bestHash === undefined ? this.#bestAdded : Math.max(this.#bestAdded, difficultyFromTarget(bestHash)),
      blocksFound: this.#blocksFound,
    };
  }

  #countRejected(errorCode: string, count: number): void {
    this.#rejected += count;
    const byCode = (this.#rejectedByCode ??= new Map());
    byCode.set(errorCode, (byCode.get(errorCode) ?? 0) + count);
  }
}

const HIGHEST_HASH = new Uint8Array(32).fill(0xff);

const toU64 = (sum: number): bigint => (sum >= 2 ** 64 ? 2n ** 64n - 1n : BigInt(Math.trunc(sum)));
