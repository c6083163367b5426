import { CodecError } from './codec-error.js';

const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Bytes as lower-case hex digits. */
export function bytesToHex(bytes: Uint8Array): string {
  let hex = '';
  for (const byte of bytes) hex += digits[byte] as string;
  return hex;
}

/**
 * Bytes as a string that is another for other bytes, to be the key of a Map: a character for each. Made and looked up in a tenth of
 * the time that hex takes, whose string is put together of 32 pieces first.
 * @param bytes some dozens
 */
export const bytesKey = (bytes: Uint8Array): string =>
  // it takes anything like an array; spread, they would become an array of numbers first
  String.fromCharCode.apply(null, bytes as unknown as number[]);

/**
 * Hex digits as bytes.
 * @param hex an even number of digits, of either case
 * @throws CodecError `value-out-of-range`
 */
export function hexToBytes(hex: string): Uint8Array {
  if (hex.length % 2 !== 0 || /[^0-9a-f]/i.test(hex)) {
    throw new CodecError(
      'value-out-of-range',
      `expected an even number of hex digits, got ${hex.length} characters`,
    );
  }
  return Uint8Array.from({ length: hex.length / 2 }, (_, index) =>
    parseInt(hex.slice(2 * index, 2 * index + 2), 16),
  );
}
