import { Sv2Error } from '../codec/errors.js';
import { decodeCompactSize, encodeCompactSize } from './compact-size.js';

/** Reads Bitcoin's consensus serialisation from front to back. Byte strings it returns are views. */
export interface ConsensusReader {
  /** How many bytes were read so far. */
  readonly offset: () => number;
  readonly u8: (field: string) => number;
  readonly u32: (field: string) => number;
  readonly u64: (field: string) => bigint;
  readonly bytes: (length: number, field: string) => Uint8Array;
  /** A CompactSize and that many bytes. */
  readonly varBytes: (field: string) => Uint8Array;
  /** A CompactSize that counts items of at least `minSize` bytes each; the items must fit in what is left. */
  readonly count: (minSize: number, field: string) => number;
  /** Throws `trailing-bytes` unless everything was read. */
  readonly end: () => void;
}

/**
 * A reader over bytes. Everything it reads is checked against what is left first, and its errors (Sv2Error
 * `truncated`, `trailing-bytes`, `non-canonical-compact-size`, `out-of-range`) name subject, field and offset.
 *
 * @param source the bytes to read
 * @param subject what they are, for errors
 */
export const createConsensusReader = (source: Uint8Array, subject: string): ConsensusReader => {
  const view = new DataView(source.buffer, source.byteOffset, source.length);
  let offset = 0;

  const take = (length: number, field: string): number => {
    if (length > source.length - offset) {
      throw new Sv2Error(
        'truncated',
        `${subject}: ${field} at offset ${offset} needs ${length} bytes, ${source.length - offset} are left`,
        { field, offset },
      );
    }
    offset += length;
    return offset - length;
  };
  const compactSize = (field: string): number => {
    try {
      const { value, size } = decodeCompactSize(source, offset);
      offset += size;
      return value;
    } catch (cause) {
      if (!(cause instanceof Sv2Error)) throw cause;
      throw new Sv2Error(
        cause.code,
        `${subject}: ${field}: ${cause.message}`,
        { ...cause.detail, field, offset },
        cause,
      );
    }
  };
  const bytes = (length: number, field: string): Uint8Array => {
    const start = take(length, field);
    return source.subarray(start, offset);
  };

  return {
    offset: () => offset,
    u8: (field) => view.getUint8(take(1, field)),
    u32: (field) => view.getUint32(take(4, field), true),
    u64: (field) => view.getBigUint64(take(8, field), true),
    bytes,
    varBytes: (field) => bytes(compactSize(field), field),
    count: (minSize, field) => {
      const count = compactSize(field);
      if (count * minSize > source.length - offset) {
        throw new Sv2Error(
          'truncated',
          `${subject}: ${count} ${field} need at least ${count * minSize} bytes, ${source.length - offset} are left`,
          { field, offset },
        );
      }
      return count;
    },
    end: () => {
      if (offset === source.length) return;
      throw new Sv2Error(
        'trailing-bytes',
        `${subject}: ${source.length - offset} bytes after its end at offset ${offset}`,
        {
          offset,
        },
      );
    },
  };
};

/**
 * A U32 as 4 bytes, little-endian.
 *
 * @throws Sv2Error `out-of-range`, naming the field
 */
export const u32Bytes = (value: number, field: string): Uint8Array => {
  if (value >>> 0 !== value) {
    throw new Sv2Error('out-of-range', `${field} must be an unsigned 32-bit integer, got ${value}`, {
      field,
      value,
    });
  }
  return Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
};

/**
 * A U64 as 8 bytes, little-endian.
 *
 * @throws Sv2Error `out-of-range`, naming the field
 */
export const u64Bytes = (value: bigint, field: string): Uint8Array => {
  if (BigInt.asUintN(64, value) !== value) {
    throw new Sv2Error('out-of-range', `${field} must be an unsigned 64-bit integer, got ${value}`, {
      field,
      value,
    });
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
};

/** Bytes behind their length as CompactSize. */
export const varBytes = (bytes: Uint8Array): Uint8Array =>
  concatBytes([encodeCompactSize(bytes.length), bytes]);

/** All parts in one new array. */
export const concatBytes = (parts: readonly Uint8Array[]): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
};

/** Whether two byte strings are equal. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);
