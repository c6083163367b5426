/**
 * The Poly1305 authenticator of RFC 8439 §2.5.
 *
 * Numbers modulo 2^130 - 5 are six signed limbs of 22 bits held in doubles: products of two limbs, times 20 (what
 * 2^132 is congruent to) and summed six at a time, stay below 2^52, so that every step is exact. None of them is an
 * infinity, a NaN or so small that it loses digits, the only operands for which processors take another time to add or
 * multiply. Carries are found by rounding and by shifts, never by a comparison.
 *
 * There is one state in this module. That is safe because a tag is always computed in one synchronous go,
 * and it spares an allocation for every frame.
 */

import { readWord, writeWord } from './chacha20.js';

const mask22 = 0x3fffff;
const topMask = 0xfffff; // bits 110 … 129
const inverseRadix = 2 ** -22;
/** What makes a carry of a sum of 32-bit words: cutting the product to an integer leaves bit 32 and above. */
const inverseWord = 2 ** -32;
/** Adding this to a double below 2^52, and taking it away again, rounds to a multiple of 2^22. */
const round = 1.5 * 2 ** 74;

const r = new Float64Array(6);
const h = new Float64Array(6);
const s = new Int32Array(4);
const lastBlock = new Uint8Array(16);
const tag = new Int32Array(4);

/**
 * Begins a tag.
 * Constant time: masks and shifts by fixed counts; loops count to literals.
 * @param key the one-time key: its 32 bytes as 8 little-endian words
 */
export function polyBegin(key: Int32Array): void {
  // RFC 8439 §2.5.1: clamp r
  const w0 = key[0]! & 0x0fffffff;
  const w1 = key[1]! & 0x0ffffffc;
  const w2 = key[2]! & 0x0ffffffc;
  const w3 = key[3]! & 0x0ffffffc;
  r[0] = w0 & mask22;
  r[1] = (w0 >>> 22) | ((w1 & 0xfff) << 10);
  r[2] = (w1 >>> 12) | ((w2 & 3) << 20);
  r[3] = (w2 >>> 2) & mask22;
  r[4] = (w2 >>> 24) | ((w3 & 0x3fff) << 8);
  r[5] = w3 >>> 14;
  for (let i = 0; i < 4; i++) s[i] = key[4 + i]!;
  for (let i = 0; i < 6; i++) h[i] = 0;
}

/**
 * Adds `count` whole 16-byte blocks, each with its high bit `hibit` (2^128 is 0x40000 in the highest limb).
 * Constant time for a count: products and sums of doubles in their exact range, and always both carry chains.
 */
function addBlocks(bytes: Uint8Array, offset: number, count: number, hibit: number): void {
  // prettier-ignore
  const r0 = r[0]!, r1 = r[1]!, r2 = r[2]!, r3 = r[3]!, r4 = r[4]!, r5 = r[5]!;
  // prettier-ignore
  const t1 = r1 * 20, t2 = r2 * 20, t3 = r3 * 20, t4 = r4 * 20, t5 = r5 * 20;
  // prettier-ignore
  let h0 = h[0]!, h1 = h[1]!, h2 = h[2]!, h3 = h[3]!, h4 = h[4]!, h5 = h[5]!;
  for (const end = offset + count * 16; offset < end; offset += 16) {
    const w0 = readWord(bytes, offset);
    const w1 = readWord(bytes, offset + 4);
    const w2 = readWord(bytes, offset + 8);
    const w3 = readWord(bytes, offset + 12);
    const m0 = h0 + (w0 & mask22);
    const m1 = h1 + ((w0 >>> 22) | ((w1 & 0xfff) << 10));
    const m2 = h2 + ((w1 >>> 12) | ((w2 & 3) << 20));
    const m3 = h3 + ((w2 >>> 2) & mask22);
    const m4 = h4 + ((w2 >>> 24) | ((w3 & 0x3fff) << 8));
    const m5 = h5 + ((w3 >>> 14) | hibit);

    h0 = m0 * r0 + m1 * t5 + m2 * t4 + m3 * t3 + m4 * t2 + m5 * t1;
    h1 = m0 * r1 + m1 * r0 + m2 * t5 + m3 * t4 + m4 * t3 + m5 * t2;
    h2 = m0 * r2 + m1 * r1 + m2 * r0 + m3 * t5 + m4 * t4 + m5 * t3;
    h3 = m0 * r3 + m1 * r2 + m2 * r1 + m3 * r0 + m4 * t5 + m5 * t4;
    h4 = m0 * r4 + m1 * r3 + m2 * r2 + m3 * r1 + m4 * r0 + m5 * t5;
    h5 = m0 * r5 + m1 * r4 + m2 * r3 + m3 * r2 + m4 * r1 + m5 * r0;

    // Two carry chains that do not wait for one another: 0 → 1 → 2 → 3 and 3 → 4 → 5 → 0 → 1.
    let high = h0 + round - round;
    let high3 = h3 + round - round;
    h0 -= high;
    h3 -= high3;
    h1 += high * inverseRadix;
    h4 += high3 * inverseRadix;
    high = h1 + round - round;
    high3 = h4 + round - round;
    h1 -= high;
    h4 -= high3;
    h2 += high * inverseRadix;
    h5 += high3 * inverseRadix;
    high = h2 + round - round;
    high3 = h5 + round - round;
    h2 -= high;
    h5 -= high3;
    h3 += high * inverseRadix;
    h0 += high3 * (20 * inverseRadix);
    high = h3 + round - round;
    high3 = h0 + round - round;
    h3 -= high;
    h0 -= high3;
    h4 += high * inverseRadix;
    h1 += high3 * inverseRadix;
  }
  h[0] = h0;
  h[1] = h1;
  h[2] = h2;
  h[3] = h3;
  h[4] = h4;
  h[5] = h5;
}

/**
 * Adds `length` bytes at `bytes[offset]`, filled up with zeros to whole blocks (`pad16` of RFC 8439 §2.8.1).
 * Constant time for a length, on which alone it branches.
 */
export function polyAddPadded(bytes: Uint8Array, offset: number, length: number): void {
  const rest = length & 15;
  const whole = length - rest;
  if (whole > 0) addBlocks(bytes, offset, whole >>> 4, 0x40000);
  if (rest === 0) return;
  fillLastBlock(bytes, offset + whole, rest);
  addBlocks(lastBlock, 0, 1, 0x40000);
}

/**
 * Adds the block that ends the AEAD construction: both lengths as little-endian U64 (RFC 8439 §2.8).
 * Constant time: it works on lengths only.
 * @param adLength bytes of associated data, below 2^32
 * @param length bytes of ciphertext, below 2^32
 */
export function polyAddLengths(adLength: number, length: number): void {
  for (let i = 0; i < 16; i++) lastBlock[i] = 0;
  writeWord(lastBlock, 0, adLength);
  writeWord(lastBlock, 8, length);
  addBlocks(lastBlock, 0, 1, 0x40000);
}

/** Copies the `rest` bytes of an incomplete block, and zeros behind them. Constant time for a `rest`. */
function fillLastBlock(bytes: Uint8Array, offset: number, rest: number): void {
  for (let i = 0; i < rest; i++) lastBlock[i] = bytes[offset + i]!;
  for (let i = rest; i < 16; i++) lastBlock[i] = 0;
}

/**
 * Ends the tag and forgets the one-time key.
 * Constant time: both rounds of carries always run, the final subtraction of 2^130 - 5 is done and then taken or left by a
 * mask, and the carries between words are products that are cut, not comparisons.
 * @returns the 16 bytes as 4 little-endian words, overwritten by the next tag
 */
// prettier-ignore
export function polyEnd(): Int32Array {
  let h0 = h[0]! | 0, h1 = h[1]! | 0, h2 = h[2]! | 0, h3 = h[3]! | 0, h4 = h[4]! | 0, h5 = h[5]! | 0;
  // Two rounds of carries bring every limb into range: what the first leaves over or below zero at the lowest limb, 20 at most,
  // the second settles.
  for (let i = 0; i < 2; i++) {
    h1 += h0 >> 22; h0 &= mask22;
    h2 += h1 >> 22; h1 &= mask22;
    h3 += h2 >> 22; h2 &= mask22;
    h4 += h3 >> 22; h3 &= mask22;
    h5 += h4 >> 22; h4 &= mask22;
    h0 += (h5 >> 20) * 5; h5 &= topMask; // 2^130 is congruent to 5
  }

  // m = h + 5 - 2^130; it is the answer unless it is negative
  let m0 = h0 + 5;
  let m1 = h1 + (m0 >>> 22); m0 &= mask22;
  let m2 = h2 + (m1 >>> 22); m1 &= mask22;
  let m3 = h3 + (m2 >>> 22); m2 &= mask22;
  let m4 = h4 + (m3 >>> 22); m3 &= mask22;
  let m5 = h5 + (m4 >>> 22); m4 &= mask22;
  const take = -(m5 >>> 20); // all ones when bit 130 is set
  m5 &= topMask;
  h0 ^= (h0 ^ m0) & take; h1 ^= (h1 ^ m1) & take; h2 ^= (h2 ^ m2) & take;
  h3 ^= (h3 ^ m3) & take; h4 ^= (h4 ^ m4) & take; h5 ^= (h5 ^ m5) & take;

  // tag = (h + s) mod 2^128
  let sum = ((h0 | (h1 << 22)) >>> 0) + (s[0]! >>> 0);
  tag[0] = sum;
  sum = (((h1 >>> 10) | (h2 << 12)) >>> 0) + (s[1]! >>> 0) + ((sum * inverseWord) | 0);
  tag[1] = sum;
  sum = (((h2 >>> 20) | (h3 << 2) | (h4 << 24)) >>> 0) + (s[2]! >>> 0) + ((sum * inverseWord) | 0);
  tag[2] = sum;
  sum = (((h4 >>> 8) | (h5 << 14)) >>> 0) + (s[3]! >>> 0) + ((sum * inverseWord) | 0);
  tag[3] = sum;
  for (let i = 0; i < 6; i++) r[i] = h[i] = 0;
  s[0] = s[1] = s[2] = s[3] = 0;
  return tag;
}
