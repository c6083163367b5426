import { sha256 } from '@noble/hashes/sha2.js';
import { Sv2Error } from '../codec/errors.js';

/**
 * Double SHA-256, the hash of block headers, transactions and merkle nodes.
 *
 * @param bytes any number of bytes
 * @returns 32 bytes in wire order (a little-endian integer; explorers show them reversed)
 */
export const doubleSha256 = (bytes: Uint8Array): Uint8Array => sha256(sha256(bytes));

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
