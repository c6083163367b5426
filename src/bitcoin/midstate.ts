import { Sv2Error } from '../codec/errors.js';
import { BLOCK_HEADER_SIZE } from './block-header.js';
import { stateBytes } from './hash.js';
import { PADDING, SHA256_INITIAL_STATE, compress } from './sha256.js';
import { meetsTarget } from './target.js';

/** Hashes one block header with many nonces. */
export interface HeaderHasher {
  /**
   * Looks for a nonce whose header hash is at or below the target.
   *
   * @param nonceStart the first nonce to try, a U32
   * @param nonceCount how many nonces to try; it ends after 0xffffffff in any case
   * @param target 32 bytes, little-endian
   * @returns the first such nonce, or null; to look on, start again at that nonce + 1
   * @throws Sv2Error `out-of-range` when nonceStart isn't a U32, `invalid-length` for the target
   */
  readonly search: (nonceStart: number, nonceCount: number, target: Uint8Array) => number | null;
  /**
   * The header's hash with a nonce.
   *
   * @returns 32 bytes in wire order, newly allocated
   */
  readonly hash: (nonce: number) => Uint8Array;
}

/**
 * A hasher for a CPU miner's loop: the first 64 bytes of the header are hashed once (the midstate), each nonce
 * costs two SHA-256 compressions (FIPS 180-4) and allocates nothing, and all but about one hash in 2^32 / (top
 * 32 bits of the target + 1) are dismissed on their last word.
 *
 * @param header 80 bytes; its nonce is ignored. It is copied: make a new hasher after changing it.
 * @throws Sv2Error `invalid-length`
 */
export const createHeaderHasher = (header: Uint8Array): HeaderHasher => {
  if (header.length !== BLOCK_HEADER_SIZE) {
    throw new Sv2Error(
      'invalid-length',
      `a block header must be ${BLOCK_HEADER_SIZE} bytes, got ${header.length}`,
      {
        length: header.length,
      },
    );
  }
  const view = new DataView(header.buffer, header.byteOffset, BLOCK_HEADER_SIZE);
  const words = new Int32Array(64); // the message schedule; expansion overwrites only what follows the first 16
  const midstate = new Int32Array(8);
  for (let index = 0; index < 16; index++) words[index] = view.getInt32(4 * index);
  compress(SHA256_INITIAL_STATE, words, midstate);

  const tail = new Int32Array(64);
  for (let index = 0; index < 3; index++) tail[index] = view.getInt32(64 + 4 * index);
  tail[4] = PADDING;
  tail[15] = 8 * BLOCK_HEADER_SIZE;
  const first = new Int32Array(64); // the second SHA-256 is over the first's digest, written straight into its schedule
  first[8] = PADDING;
  first[15] = 8 * 32;
  const digest = new Int32Array(8);

  const hashInto = (nonce: number): void => {
    tail[3] = swapBytes(nonce);
    compress(midstate, tail, first);
    compress(SHA256_INITIAL_STATE, first, digest);
  };
  return {
    search: (nonceStart, nonceCount, target) => {
      if (nonceStart >>> 0 !== nonceStart) {
        throw new Sv2Error(
          'out-of-range',
          `nonceStart must be an unsigned 32-bit integer, got ${nonceStart}`,
          { nonceStart },
        );
      }
      if (target.length !== 32) {
        throw new Sv2Error('invalid-length', `a target must be 32 bytes, got ${target.length}`, {
          length: target.length,
        });
      }
      const top = new DataView(target.buffer, target.byteOffset, 32).getUint32(28, true);
      const end = Math.min(nonceStart + nonceCount, 2 ** 32);
      for (let nonce = nonceStart; nonce < end; nonce++) {
        hashInto(nonce);
        if (swapBytes(digest[7] as number) >>> 0 <= top && meetsTarget(stateBytes(digest), target))
          return nonce;
      }
      return null;
    },
    hash: (nonce) => {
      hashInto(nonce);
      return stateBytes(digest);
    },
  };
};

const swapBytes = (word: number): number =>
  (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
