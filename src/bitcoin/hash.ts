import { Sv2Error } from '../codec/errors.js';
import { sha256Script, type Sha256Blocks } from './sha256-blocks.js';
import { sha256Wasm } from './sha256-wasm.js';
import { PADDING, SHA256_INITIAL_STATE } from './sha256.js';

// Hashing is synchronous, so one of each will do for all calls. Places in its words:
const INITIAL = 0;
const STATE = 8;
/** The block that is hashed. */
const BLOCK = 16;
/** A digest and the padding of 32 bytes: the block of the second SHA-256. */
const DIGEST = 32;

let made: Sha256Blocks | undefined;

/** Made when it is first needed, which takes some milliseconds. */
const sha256 = (): Sha256Blocks => (made ??= prepared(fastest()));

const fastest = (): Sha256Blocks => {
  try {
    return sha256Wasm();
  } catch {
    return sha256Script(); // there is no WebAssembly, or a page's policy forbids it
  }
};

const prepared = (blocks: Sha256Blocks): Sha256Blocks => {
  const { words } = blocks;
  words.set(SHA256_INITIAL_STATE, INITIAL);
  words[DIGEST + 8] = PADDING;
  words[DIGEST + 15] = 8 * 32;
  return blocks;
};

const tail = new Uint8Array(128);
const tailView = new DataView(tail.buffer);

/**
 * Double SHA-256, the hash of block headers, transactions and merkle nodes. Several times as fast as a general
 * implementation on short messages; leaves its input behind in memory, so it isn't for secrets.
 *
 * @param bytes fewer than 2^29
 * @returns 32 bytes in wire order (a little-endian integer; explorers show them reversed)
 */
export const doubleSha256 = (bytes: Uint8Array): Uint8Array => {
  const blocks = sha256();
  const whole = bytes.length & ~63;
  const rest = bytes.length - whole;
  for (let index = 0; index < rest; index++) tail[index] = bytes[whole + index]!;
  const padded = rest < 56 ? 64 : 128;
  tail[rest] = 0x80;
  tail.fill(0, rest + 1, padded - 4);
  tailView.setUint32(padded - 4, bytes.length * 8);
  let from = INITIAL;
  for (let offset = 0; offset < whole; offset += 64) {
    load(blocks, bytes, offset, BLOCK, 16);
    blocks.compress(from, BLOCK, STATE);
    from = STATE;
  }
  load(blocks, tail, 0, BLOCK, 16);
  if (padded === 128) {
    blocks.compress(from, BLOCK, STATE);
    from = STATE;
    load(blocks, tail, 64, BLOCK, 16);
  }
  blocks.compress(from, BLOCK, DIGEST);
  blocks.compress(INITIAL, DIGEST, STATE);
  return bytesAt(blocks, STATE);
};

/**
 * Double SHA-256 of two hashes, one after the other: a node of the merkle tree.
 *
 * @param left 32 bytes
 * @param right 32 bytes
 * @returns 32 bytes in wire order
 */
export const doubleSha256Pair = (left: Uint8Array, right: Uint8Array): Uint8Array =>
  foldSha256(left, [right]);

/**
 * {@link doubleSha256Pair} of a hash and the first of others, of what that is and the second, and so on: a merkle path.
 *
 * @param hash 32 bytes
 * @param others 32 bytes each
 * @returns 32 bytes in wire order, newly allocated
 */
export const foldSha256 = (hash: Uint8Array, others: readonly Uint8Array[]): Uint8Array => {
  const blocks = sha256();
  load(blocks, hash, 0, BLOCK, 8);
  for (const other of others) {
    load(blocks, other, 0, BLOCK + 8, 8);
    blocks.compress(INITIAL, BLOCK, DIGEST);
    blocks.compressPadding(DIGEST, DIGEST);
    blocks.compress(INITIAL, DIGEST, BLOCK);
  }
  return bytesAt(blocks, BLOCK);
};

/** Writes so many big-endian words from `offset` of the bytes to a place. */
const load = (
  { words }: Sha256Blocks,
  bytes: Uint8Array,
  offset: number,
  to: number,
  count: number,
): void => {
  for (let index = to, at = offset; index < to + count; index++, at += 4) {
    words[index] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }
};

const bytesAt = ({ words }: Sha256Blocks, place: number): Uint8Array => {
  const bytes = new Uint8Array(32);
  putState(words, place, bytes);
  return bytes;
};

/**
 * A SHA-256 state as a digest.
 *
 * @returns 32 bytes, newly allocated
 */
export const stateBytes = (words: Int32Array): Uint8Array => {
  const bytes = new Uint8Array(32);
  putState(words, 0, bytes);
  return bytes;
};

const putState = (words: Int32Array, place: number, bytes: Uint8Array): void => {
  for (let index = 0; index < 8; index++) {
    const word = words[place + index]!;
    bytes[4 * index] = word >>> 24;
    bytes[4 * index + 1] = word >>> 16;
    bytes[4 * index + 2] = word >>> 8;
    bytes[4 * index + 3] = word;
  }
};

/**
 * A hash the way explorers and RPC show it.
 *
 * @param hash bytes in wire order
 * @returns lower-case hex of the reversed bytes
 */
export const toDisplayHex = (hash: Uint8Array): string => {
  let hex = '';
  for (let index = hash.length - 1; index >= 0; index--)
    hex += (hash[index] ?? 0).toString(16).padStart(2, '0');
  return hex;
};

/**
 * The inverse of {@link toDisplayHex}.
 *
 * @param hex 64 hex digits, either case
 * @returns 32 bytes in wire order
 * @throws Sv2Error `invalid-hash`
 */
export const fromDisplayHex = (hex: string): Uint8Array => {
  if (!/^[0-9a-fA-F]{64}$/.test(hex)) {
    throw new Sv2Error('invalid-hash', `a hash must be 64 hex digits, got "${hex.slice(0, 80)}"`);
  }
  return Uint8Array.from({ length: 32 }, (_, index) =>
    parseInt(hex.slice(62 - 2 * index, 64 - 2 * index), 16),
  );
};
