/*
 * SHA-256's compression function (FIPS 180-4 §6.2.2) by itself. Mining hashes a lot of short things of known length,
 * block headers and pairs of merkle nodes, where a general implementation spends most of its time on hash objects
 * and buffers. For public data: it keeps no secrets from the timing or the memory it leaves behind.
 */

/** The word that ends a message: the bit after its last, then zeros. */
export const PADDING = 0x80000000 | 0;

/** The first 32 bits of the fractional parts of the given roots of the first 64 primes. */
const rootFractions = (root: (prime: number) => number): Int32Array => {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < 64; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return Int32Array.from(primes, (prime) => ((root(prime) % 1) * 2 ** 32) | 0);
};

/** The state before the first block. */
export const SHA256_INITIAL_STATE = rootFractions(Math.sqrt).slice(0, 8);
/** What each round adds. */
export const ROUND_CONSTANTS = rootFractions(Math.cbrt);
const K = ROUND_CONSTANTS;

/**
 * Completes a message schedule.
 *
 * @param w 64 words, of which the first 16 are the block, read big-endian; the rest is written
 */
export const expandSchedule = (w: Int32Array): void => {
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15]!;
    const y = w[t - 2]!;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[t] = (w[t - 16]! + s0 + w[t - 7]! + s1) | 0;
  }
};

/**
 * Takes a block into the state.
 *
 * @param state 8 words
 * @param w the block's whole message schedule, 64 words
 * @param output gets the new state in its first 8 words; may be `state`
 */
export const rounds = (state: Int32Array, w: Int32Array, output: Int32Array): void => {
  // Eight rounds are written out a turn, so that no variable has to move. Index assertions stand where TypeScript
  // can't know the arrays' lengths.
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

/** {@link expandSchedule} and {@link rounds}. */
export const compress = (state: Int32Array, w: Int32Array, output: Int32Array): void => {
  expandSchedule(w);
  rounds(state, w, output);
};

const bigSigma0 = (a: number): number =>
  ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
const bigSigma1 = (e: number): number =>
  ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
