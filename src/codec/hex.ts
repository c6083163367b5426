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

/** More than any digit is worth. */
const none = 16;

/** What a character is worth as a digit, by its code. */
const worth = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase());
  return digit === -1 ? none : digit;
});

/**
 * Hex digits as bytes. A table: by `parseInt` of each pair it took ten times as long or more, and was a third of what a cluster's core did for its
 * fronts.
 * @param hex an even number of digits, of either case
 * @throws CodecError `value-out-of-range`
 */
export function hexToBytes(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length >>> 1);
  let all = hex.length % 2 === 0 ? 0 : none;
  for (let index = 0; index < bytes.length; index++) {
    const high = worth[hex.charCodeAt(2 * index)] ?? none;
    const low = worth[hex.charCodeAt(2 * index + 1)] ?? none;
    all |= high | low;
    bytes[index] = (high << 4) | low;
  }
  if (all >= none) {
    throw new CodecError(
      'value-out-of-range',
      `expected an even number of hex digits, got ${hex.length} characters`,
    );
  }
  return bytes;
}
