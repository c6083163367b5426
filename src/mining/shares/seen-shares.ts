import { Sv2Error } from '../../codec/errors.js';

/** Remembers the hashes of accepted shares, in bounded memory. See {@link seenShares}. */
export interface SeenShares {
  /**
   * Whether a share was accepted before, or can no longer be told from one that was.
   *
   * @param hash 32 bytes, the block hash of the share as SHA-256 returned it
   */
  has(hash: Uint8Array): boolean;
  /**
   * Remembers an accepted share.
   *
   * @param hash 32 bytes
   */
  add(hash: Uint8Array): void;
  /** Forgets everything: call it when the previous hash changes, since older shares are stale from then on. */
  clear(): void;
  /** How many hashes are remembered, at most `limit`. */
  readonly size: number;
}

/**
 * Memory for duplicate shares that never holds more than `limit` hashes and never lets a share count twice.
 *
 * Forgetting the oldest hashes when full would let a miner replay them for credit. Instead, a full memory
 * forgets the easiest half or more and from then on takes every share that easy for a duplicate: the channel goes on
 * at a higher difficulty until {@link SeenShares.clear}. Vardiff keeps honest channels far from there.
 *
 * @param limit how many hashes to remember, 1 or more
 * @throws Sv2Error `out-of-range` when the limit isn't a whole number above 0
 */
export const seenShares = (limit: number): SeenShares => {
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new Sv2Error('out-of-range', `the number of shares to remember must be 1 or more, got ${limit}`, {
      limit,
    });
  }
  const bitsOfShare = new Map<string, number>();
  let longest = 256;

  return {
    has: (hash) => bitLength(hash) > longest || bitsOfShare.has(keyOf(hash)),
    add(hash) {
      bitsOfShare.set(keyOf(hash), bitLength(hash));
      if (bitsOfShare.size <= limit) return;
      const sorted = Uint16Array.from(bitsOfShare.values()).sort();
      longest = (sorted[limit >> 1] ?? 0) - 1;
      for (const [key, bits] of bitsOfShare) if (bits > longest) bitsOfShare.delete(key);
    },
    clear() {
      bitsOfShare.clear();
      longest = 256;
    },
    get size() {
      return bitsOfShare.size;
    },
  };
};

/** The low 128 bits of a hash, which no proof of work makes less random, one byte a character. */
const keyOf = (hash: Uint8Array): string => {
  requireHash(hash);
  return String.fromCharCode(...hash.subarray(0, 16));
};

/** The position of the highest bit set of a little-endian 256-bit integer: smaller is harder. */
const bitLength = (hash: Uint8Array): number => {
  requireHash(hash);
  let bytes = 32;
  while (bytes > 0 && hash[bytes - 1] === 0) bytes--;
  return bytes === 0 ? 0 : 8 * bytes - (Math.clz32(hash[bytes - 1] ?? 0) - 24);
};

const requireHash = (hash: Uint8Array): void => {
  if (hash.length === 32) return;
  throw new Sv2Error('invalid-length', `a share hash must be 32 bytes, got ${hash.length}`, {
    length: hash.length,
  });
};
