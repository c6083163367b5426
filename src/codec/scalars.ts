import { CodecError } from './codec-error.js';
import type { DataType } from './data-type.js';
import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

function unsigned(
  name: string,
  size: number,
  write: (writer: Writer, value: number) => void,
  read: (reader: Reader) => number,
): DataType<number> {
  const max = 2 ** (8 * size) - 1;
  return {
    name,
    minSize: size,
    maxSize: size,
    kind: { is: 'integer', max },
    size(value) {
      if (!(Number.isInteger(value) && value >= 0 && value <= max)) {
        throw new CodecError(
          'value-out-of-range',
          `expected an integer from 0 to ${max}, got ${String(value)}`,
        );
      }
      return size;
    },
    write,
    read,
  };
}

/** 1 byte, unsigned (spec §3.1). */
export const U8 = unsigned(
  'U8',
  1,
  (writer, value) => writer.u8(value),
  (reader) => reader.u8(),
);

/** 2 bytes, unsigned, little-endian (spec §3.1). */
export const U16 = unsigned(
  'U16',
  2,
  (writer, value) => writer.u16(value),
  (reader) => reader.u16(),
);

/** 3 bytes, unsigned, little-endian (spec §3.1). */
export const U24 = unsigned(
  'U24',
  3,
  (writer, value) => writer.u24(value),
  (reader) => reader.u24(),
);

/** 4 bytes, unsigned, little-endian (spec §3.1). */
export const U32 = unsigned(
  'U32',
  4,
  (writer, value) => writer.u32(value),
  (reader) => reader.u32(),
);

const maxU64 = 2n ** 64n - 1n;

/** 8 bytes, unsigned, little-endian, as a bigint (spec §3.1). */
export const U64: DataType<bigint> = {
  name: 'U64',
  minSize: 8,
  maxSize: 8,
  kind: { is: 'bigint', max: maxU64 },
  size(value) {
    if (!(typeof value === 'bigint' && value >= 0n && value <= maxU64)) {
      throw new CodecError(
        'value-out-of-range',
        `expected a bigint from 0 to ${maxU64}, got ${String(value)}`,
      );
    }
    return 8;
  },
  write: (writer, value) => writer.u64(value),
  read: (reader) => reader.u64(),
};

/** 4 bytes, IEEE 754 single, little-endian (used by spec §5.3.2 for hash rates in hashes per second). */
export const F32: DataType<number> = {
  name: 'F32',
  minSize: 4,
  maxSize: 4,
  kind: { is: 'float' },
  size(value) {
    if (typeof value !== 'number') {
      throw new CodecError('wrong-value-type', `expected a number, got ${typeof value}`);
    }
    if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
      throw new CodecError(
        'value-out-of-range',
        `expected a number that fits an IEEE 754 single, got ${value}`,
      );
    }
    return 4;
  },
  write: (writer, value) => writer.f32(value),
  read: (reader) => reader.f32(),
};

/** 1 byte of which only the least significant bit counts (spec §3.1). */
export const BOOL: DataType<boolean> = {
  name: 'BOOL',
  minSize: 1,
  maxSize: 1,
  kind: { is: 'boolean' },
  size(value) {
    if (typeof value !== 'boolean') {
      throw new CodecError('wrong-value-type', `expected true or false, got ${String(value)}`);
    }
    return 1;
  },
  write: (writer, value) => writer.u8(value ? 1 : 0),
  read: (reader) => (reader.u8() & 1) === 1,
};
