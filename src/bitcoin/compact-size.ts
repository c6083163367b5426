import { Sv2Error } from '../codec/errors.js';

/** A decoded CompactSize and the bytes it took. */
export interface CompactSize {
  readonly value: number;
  /** 1, 3, 5 or 9. */
  readonly size: number;
}

/**
 * Encodes a number as CompactSize: one byte below 0xfd, else 0xfd, 0xfe or 0xff and 2, 4 or 8 bytes,
 * little-endian.
 *
 * @param value a whole number, 0 … 2^53 − 1
 * @returns 1, 3, 5 or 9 bytes
 * @throws Sv2Error `out-of-range`
 */
export const encodeCompactSize = (value: number): Uint8Array => {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new Sv2Error(
      'out-of-range',
      `a CompactSize must be a whole number from 0 to 2^53 − 1, got ${value}`,
      { value },
    );
  }
  if (value < 0xfd) return Uint8Array.of(value);
  if (value <= 0xffff) return Uint8Array.of(0xfd, value & 0xff, value >>> 8);
  const bytes = new Uint8Array(value <= 0xffffffff ? 5 : 9);
  const view = new DataView(bytes.buffer);
  bytes[0] = value <= 0xffffffff ? 0xfe : 0xff;
  if (bytes.length === 5) view.setUint32(1, value, true);
  else view.setBigUint64(1, BigInt(value), true);
  return bytes;
};

/**
 * Decodes a CompactSize.
 *
 * @param bytes where it is
 * @param offset where it starts
 * @throws Sv2Error `truncated`; `non-canonical-compact-size` when fewer bytes would have done;
 *   `out-of-range` above 2^53 − 1
 */
export const decodeCompactSize = (bytes: Uint8Array, offset = 0): CompactSize => {
  const first = bytes[offset];
  const size = first === undefined || first < 0xfd ? 1 : first === 0xfd ? 3 : first === 0xfe ? 5 : 9;
  if (first === undefined || offset + size > bytes.length) {
    throw new Sv2Error(
      'truncated',
      `a CompactSize at offset ${offset} needs ${size} bytes, ${Math.max(0, bytes.length - offset)} are left`,
      { offset },
    );
  }
  if (size === 1) return { value: first, size };
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset + 1, size - 1);
  const value =
    size === 3
      ? view.getUint16(0, true)
      : size === 5
        ? view.getUint32(0, true)
        : Number(view.getBigUint64(0, true));
  if (value > Number.MAX_SAFE_INTEGER) {
    throw new Sv2Error('out-of-range', `the CompactSize at offset ${offset} is above 2^53 − 1`, { offset });
  }
  if (value < (size === 3 ? 0xfd : size === 5 ? 0x1_0000 : 0x1_0000_0000)) {
    throw new Sv2Error(
      'non-canonical-compact-size',
      `the CompactSize ${value} at offset ${offset} takes ${size} bytes, more than it needs`,
      {
        offset,
        value,
        size,
      },
    );
  }
  return { value, size };
};
