import { Sv2Error } from '../codec/errors.js';
import { BLOCK_HEADER_SIZE } from './block-header.js';
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
  compress(INITIAL_STATE, words, midstate);

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
    compress(INITIAL_STATE, first, digest);
  };
  const digestBytes = (): Uint8Array => {
    const bytes = new Uint8Array(32);
    const output = new DataView(bytes.buffer);
    digest.forEach((word, index) => output.setInt32(4 * index, word));
    return bytes;
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
        if (swapBytes(digest[7] as number) >>> 0 <= top && meetsTarget(digestBytes(), target)) return nonce;
      }
      return null;
    },
    hash: (nonce) => {
      hashInto(nonce);
      return digestBytes();
    },
  };
};

/** The bit that ends a message, in the first byte after it. */
const PADDING = 0x80000000 | 0;

/** The first 32 bits of the fractional parts of the given roots of the first 64 primes. */
const rootFractions = (root: (prime: number) => number): Int32Array => {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < 64; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return Int32Array.from(primes, (prime) => ((root(prime) % 1) * 2 ** 32) | 0);
};
const INITIAL_STATE = rootFractions(Math.sqrt).slice(0, 8);
const K = rootFractions(Math.cbrt);

const swapBytes = (word: number): number =>
  (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);

/**
 * One SHA-256 compression: expands the 16 words at the start of `w` over the rest of it and writes the new state
 * to the first 8 of `output`. Eight rounds are written out per turn so that no variable has to move; index
 * assertions stand where TypeScript can't know the arrays' lengths.
 */
const compress = (state: Int32Array, w: Int32Array, output: Int32Array): void => {
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15]!;
    const y = w[t - 2]!;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[t] = (w[t - 16]! + s0 + w[t - 7]! + s1) | 0;
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  let f = state[5]!;
  let g = state[6]!;
  let h = state[7]!;
  for (let t = 0; t < 64; t += 8) {
    h += bigSigma1(e) + (g ^ (e & (f ^ g))) + K[t]! + w[t]!;
    d = (d + h) | 0;
    h = (h + bigSigma0(a) + ((a & b) | (c & (a | b)))) | 0;
    g += bigSigma1(d) + (f ^ (d & (e ^ f))) + K[t + 1]! + w[t + 1]!;
    c = (c + g) | 0;
    g = (g + bigSigma0(h) + ((h & a) | (b & (h | a)))) | 0;
    f += bigSigma1(c) + (e ^ (c & (d ^ e))) + K[t + 2]! + w[t + 2]!;
    b = (b + f) | 0;
    f = (f + bigSigma0(g) + ((g & h) | (a & (g | h)))) | 0;
    e += bigSigma1(b) + (d ^ (b & (c ^ d))) + K[t + 3]! + w[t + 3]!;
    a = (a + e) | 0;
    e = (e + bigSigma0(f) + ((f & g) | (h & (f | g)))) | 0;
    d += bigSigma1(a) + (c ^ (a & (b ^ c))) + K[t + 4]! + w[t + 4]!;
    h = (h + d) | 0;
    d = (d + bigSigma0(e) + ((e & f) | (g & (e | f)))) | 0;
    c += bigSigma1(h) + (b ^ (h & (a ^ b))) + K[t + 5]! + w[t + 5]!;
    g = (g + c) | 0;
    c = (c + bigSigma0(d) + ((d & e) | (f & (d | e)))) | 0;
    b += bigSigma1(g) + (a ^ (g & (h ^ a))) + K[t + 6]! + w[t + 6]!;
    f = (f + b) | 0;
    b = (b + bigSigma0(c) + ((c & d) | (e & (c | d)))) | 0;
    a += bigSigma1(f) + (h ^ (f & (g ^ h))) + K[t + 7]! + w[t + 7]!;
    e = (e + a) | 0;
    a = (a + bigSigma0(b) + ((b & c) | (d & (b | c)))) | 0;
  }
  output[0] = state[0]! + a;
  output[1] = state[1]! + b;
  output[2] = state[2]! + c;
  output[3] = state[3]! + d;
  output[4] = state[4]! + e;
  output[5] = state[5]! + f;
  output[6] = state[6]! + g;
  output[7] = state[7]! + h;
};

const bigSigma0 = (a: number): number =>
  ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
const bigSigma1 = (e: number): number =>
  ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
