import { Sv2Error } from '../codec/errors.js';
import { PADDING, SHA256_INITIAL_STATE, compress, expandSchedule, rounds } from './sha256.js';

// Hashing is synchronous, so one of each will do for all calls.
const schedule = new Int32Array(64);
const state = new Int32Array(8);
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
  const whole = bytes.length & ~63;
  let from = SHA256_INITIAL_STATE;
  const block = (source: Uint8Array, offset: number): void => {
    load(source, offset, 0, 16);
    compress(from, schedule, state);
    from = state;
  };
  for (let offset = 0; offset < whole; offset += 64) block(bytes, offset);
  const rest = bytes.length - whole;
  const padded = rest < 56 ? 64 : 128;
  for (let index = 0; index < rest; index++) tail[index] = bytes[whole + index]!;
  tail[rest] = 0x80;
  tail.fill(0, rest + 1, padded - 4);
  tailView.setUint32(padded - 4, bytes.length * 8);
  for (let offset = 0; offset < padded; offset += 64) block(tail, offset);
  return hashOfState();
};

/**
 * Double SHA-256 of two hashes, one after the other: a node of the merkle tree.
 *
 * @param left 32 bytes
 * @param right 32 bytes
 * @returns 32 bytes in wire order
 */
export const doubleSha256Pair = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  load(left, 0, 0, 8);
  load(right, 0, 8, 16);
  expandSchedule(schedule);
  rounds(SHA256_INITIAL_STATE, schedule, state);
  rounds(state, PADDING_OF_64, state);
  return hashOfState();
};

/** The schedule of the block that pads a message of 64 bytes, which is always the same. */
const PADDING_OF_64 = new Int32Array(64);
PADDING_OF_64[0] = PADDING;
PADDING_OF_64[15] = 8 * 64;
expandSchedule(PADDING_OF_64);

/** Writes big-endian words from `offset` on into the schedule's words `from` to `to`. */
const load = (bytes: Uint8Array, offset: number, from: number, to: number): void => {
  for (let index = from, at = offset; index < to; index++, at += 4) {
    schedule[index] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }
};

/** The second SHA-256, over the state the first ended in. */
const hashOfState = (): Uint8Array => {
  for (let index = 0; index < 8; index++) schedule[index] = state[index]!;
  for (let index = 9; index < 15; index++) schedule[index] = 0;
  schedule[8] = PADDING;
  schedule[15] = 8 * 32;
  compress(SHA256_INITIAL_STATE, schedule, state);
  return stateBytes(state);
};

/**
 * A SHA-256 state as a digest.
 *
 * @returns 32 bytes, newly allocated
 */
export const stateBytes = (words: Int32Array): Uint8Array => {
  const bytes = new Uint8Array(32);
  for (let index = 0; index < 8; index++) {
    const word = words[index]!;
    bytes[4 * index] = word >>> 24;
    bytes[4 * index + 1] = word >>> 16;
    bytes[4 * index + 2] = word >>> 8;
    bytes[4 * index + 3] = word;
  }
  return bytes;
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
