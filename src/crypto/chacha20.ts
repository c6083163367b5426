/**
 * The ChaCha20 stream cipher of RFC 8439 §2.3 and §2.4, as 32-bit integer additions, rotations and exclusive-ors.
 *
 * Each function says why its time does not depend on what it works on. That holds for the operations as written and for
 * the machine code that V8, SpiderMonkey and JavaScriptCore make of them once they run often, where such numbers stay in
 * integer registers. Before that, an engine may store a number of more than 31 bits in another form than a smaller one.
 *
 * Words are put together from bytes and taken apart by shifts; typed arrays of words only hold numbers and never lie over
 * bytes: the order of bytes in the machine does not matter.
 */

const [c0, c1, c2, c3] = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]; // "expand 32-byte k"

/**
 * Reads the little-endian 32-bit word at `bytes[offset]`.
 * Constant time: shifts and ors; the offset comes from lengths alone.
 */
export function readWord(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24);
}

/**
 * Writes a little-endian 32-bit word at `bytes[offset]`.
 * Constant time: shifts, and stores that cut off; the offset comes from lengths alone.
 */
export function writeWord(bytes: Uint8Array, offset: number, word: number): void {
  bytes[offset] = word;
  bytes[offset + 1] = word >>> 8;
  bytes[offset + 2] = word >>> 16;
  bytes[offset + 3] = word >>> 24;
}

/**
 * The ChaCha20 block function (RFC 8439 §2.3).
 *
 * Constant time: twenty rounds whatever the input, of additions, exclusive-ors and rotations by fixed counts; all indices
 * are literals.
 * @param key 8 words
 * @param nonce 12 bytes
 * @param counter block counter, U32
 * @param out receives 16 words of keystream
 */
// The rotations are written out: a helper would not always be inlined in a function of this size.
// prettier-ignore
export function chacha20Block(key: Int32Array, nonce: Uint8Array, counter: number, out: Int32Array): void {
  const k0 = key[0]!, k1 = key[1]!, k2 = key[2]!, k3 = key[3]!;
  const k4 = key[4]!, k5 = key[5]!, k6 = key[6]!, k7 = key[7]!;
  const n0 = readWord(nonce, 0), n1 = readWord(nonce, 4), n2 = readWord(nonce, 8);
  let a0 = c0, a1 = c1, a2 = c2, a3 = c3; // row 0
  let b0 = k0, b1 = k1, b2 = k2, b3 = k3; // row 1
  let e0 = k4, e1 = k5, e2 = k6, e3 = k7; // row 2
  let d0 = counter | 0, d1 = n0, d2 = n1, d3 = n2; // row 3
  for (let round = 0; round < 20; round += 2) {
    // the four columns
    a0 = (a0 + b0) | 0; d0 ^= a0; d0 = (d0 << 16) | (d0 >>> 16); e0 = (e0 + d0) | 0; b0 ^= e0; b0 = (b0 << 12) | (b0 >>> 20);
    a0 = (a0 + b0) | 0; d0 ^= a0; d0 = (d0 << 8) | (d0 >>> 24); e0 = (e0 + d0) | 0; b0 ^= e0; b0 = (b0 << 7) | (b0 >>> 25);
    a1 = (a1 + b1) | 0; d1 ^= a1; d1 = (d1 << 16) | (d1 >>> 16); e1 = (e1 + d1) | 0; b1 ^= e1; b1 = (b1 << 12) | (b1 >>> 20);
    a1 = (a1 + b1) | 0; d1 ^= a1; d1 = (d1 << 8) | (d1 >>> 24); e1 = (e1 + d1) | 0; b1 ^= e1; b1 = (b1 << 7) | (b1 >>> 25);
    a2 = (a2 + b2) | 0; d2 ^= a2; d2 = (d2 << 16) | (d2 >>> 16); e2 = (e2 + d2) | 0; b2 ^= e2; b2 = (b2 << 12) | (b2 >>> 20);
    a2 = (a2 + b2) | 0; d2 ^= a2; d2 = (d2 << 8) | (d2 >>> 24); e2 = (e2 + d2) | 0; b2 ^= e2; b2 = (b2 << 7) | (b2 >>> 25);
    a3 = (a3 + b3) | 0; d3 ^= a3; d3 = (d3 << 16) | (d3 >>> 16); e3 = (e3 + d3) | 0; b3 ^= e3; b3 = (b3 << 12) | (b3 >>> 20);
    a3 = (a3 + b3) | 0; d3 ^= a3; d3 = (d3 << 8) | (d3 >>> 24); e3 = (e3 + d3) | 0; b3 ^= e3; b3 = (b3 << 7) | (b3 >>> 25);
    // the four diagonals
    a0 = (a0 + b1) | 0; d3 ^= a0; d3 = (d3 << 16) | (d3 >>> 16); e2 = (e2 + d3) | 0; b1 ^= e2; b1 = (b1 << 12) | (b1 >>> 20);
    a0 = (a0 + b1) | 0; d3 ^= a0; d3 = (d3 << 8) | (d3 >>> 24); e2 = (e2 + d3) | 0; b1 ^= e2; b1 = (b1 << 7) | (b1 >>> 25);
    a1 = (a1 + b2) | 0; d0 ^= a1; d0 = (d0 << 16) | (d0 >>> 16); e3 = (e3 + d0) | 0; b2 ^= e3; b2 = (b2 << 12) | (b2 >>> 20);
    a1 = (a1 + b2) | 0; d0 ^= a1; d0 = (d0 << 8) | (d0 >>> 24); e3 = (e3 + d0) | 0; b2 ^= e3; b2 = (b2 << 7) | (b2 >>> 25);
    a2 = (a2 + b3) | 0; d1 ^= a2; d1 = (d1 << 16) | (d1 >>> 16); e0 = (e0 + d1) | 0; b3 ^= e0; b3 = (b3 << 12) | (b3 >>> 20);
    a2 = (a2 + b3) | 0; d1 ^= a2; d1 = (d1 << 8) | (d1 >>> 24); e0 = (e0 + d1) | 0; b3 ^= e0; b3 = (b3 << 7) | (b3 >>> 25);
    a3 = (a3 + b0) | 0; d2 ^= a3; d2 = (d2 << 16) | (d2 >>> 16); e1 = (e1 + d2) | 0; b0 ^= e1; b0 = (b0 << 12) | (b0 >>> 20);
    a3 = (a3 + b0) | 0; d2 ^= a3; d2 = (d2 << 8) | (d2 >>> 24); e1 = (e1 + d2) | 0; b0 ^= e1; b0 = (b0 << 7) | (b0 >>> 25);
  }
  out[0] = a0 + c0; out[1] = a1 + c1; out[2] = a2 + c2; out[3] = a3 + c3;
  out[4] = b0 + k0; out[5] = b1 + k1; out[6] = b2 + k2; out[7] = b3 + k3;
  out[8] = e0 + k4; out[9] = e1 + k5; out[10] = e2 + k6; out[11] = e3 + k7;
  out[12] = d0 + counter; out[13] = d1 + n0; out[14] = d2 + n1; out[15] = d3 + n2;
}

/**
 * Encrypts or decrypts (RFC 8439 §2.4) `length` bytes at `input[start]` into `out[offset]`.
 *
 * Constant time for a length: loops, branches and indices are functions of `start`, `offset` and `length`, which the frame's
 * size makes public.
 * @param counter the counter of the first block
 * @param block 16 words of scratch, left holding keystream: the caller clears it
 */
export function chacha20Xor(
  key: Int32Array,
  nonce: Uint8Array,
  counter: number,
  input: Uint8Array,
  start: number,
  length: number,
  out: Uint8Array,
  offset: number,
  block: Int32Array,
): void {
  const end = offset + length;
  let position = start;
  for (; offset < end; counter++) {
    chacha20Block(key, nonce, counter, block);
    const whole = Math.min((end - offset) >>> 2, 16);
    for (let i = 0; i < whole; i++, position += 4, offset += 4) {
      writeWord(out, offset, readWord(input, position) ^ block[i]!);
    }
    if (whole === 16) continue;
    for (let word = block[whole]!; offset < end; word >>>= 8) out[offset++] = input[position++]! ^ word;
  }
}
