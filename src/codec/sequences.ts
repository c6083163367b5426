import { readPrefix, writePrefix } from './bytes.js';
import { CodecError } from './codec-error.js';
import type { DataType } from './data-type.js';
import type { Reader } from './reader.js';

/** Checks that `count` elements of at least `minSize` bytes can still follow, before anything is allocated. */
function checkCount(reader: Reader, offset: number, count: number, minSize: number): void {
  if (count * minSize > reader.remaining) {
    throw new CodecError(
      'length-out-of-bounds',
      `${count} elements need at least ${count * minSize} bytes, ${reader.remaining} are left`,
      { offset },
    );
  }
}

function inElement(error: unknown, index: number): unknown {
  return error instanceof CodecError ? error.at({ field: `[${index}]` }) : error;
}

function sequence<T>(name: string, prefixSize: 1 | 2, of: DataType<T>): DataType<readonly T[]> {
  const maxCount = 2 ** (8 * prefixSize) - 1;
  return {
    name: `${name}[${of.name}]`,
    minSize: prefixSize,
    maxSize: prefixSize + maxCount * of.maxSize,
    kind: { is: 'sequence', of: of, maxCount },
    size(value) {
      if (!Array.isArray(value))
        throw new CodecError('wrong-value-type', `expected an array, got ${typeof value}`);
      if (value.length > maxCount) {
        throw new CodecError(
          'value-out-of-range',
          `expected at most ${maxCount} elements, got ${value.length}`,
        );
      }
      let size = prefixSize as number;
      let index = 0;
      try {
        for (; index < value.length; index++) size += of.size(value[index] as T);
      } catch (error) {
        throw inElement(error, index);
      }
      return size;
    },
    write(writer, value) {
      writePrefix(writer, prefixSize, value.length);
      for (const element of value) of.write(writer, element);
    },
    read(reader) {
      const start = reader.offset;
      const count = readPrefix(reader, prefixSize);
      checkCount(reader, start, count, of.minSize);
      const elements = new Array<T>(count);
      let index = 0;
      try {
        for (; index < count; index++) elements[index] = of.read(reader);
      } catch (error) {
        throw inElement(error, index);
      }
      return elements;
    },
  };
}

/** 0 to 255 elements behind a 1-byte count (spec §3.1). */
export const SEQ0_255 = <T>(of: DataType<T>): DataType<readonly T[]> => sequence('SEQ0_255', 1, of);

/** 0 to 65,535 elements behind a 2-byte count (spec §3.1). */
export const SEQ0_64K = <T>(of: DataType<T>): DataType<readonly T[]> => sequence('SEQ0_64K', 2, of);

/** A value or `null`, as a sequence of at most one element behind a 1-byte count (spec §3.1). */
export function OPTION<T>(of: DataType<T>): DataType<T | null> {
  return {
    name: `OPTION[${of.name}]`,
    minSize: 1,
    maxSize: 1 + of.maxSize,
    kind: { is: 'option', of: of },
    size: (value) => (value === null ? 1 : 1 + of.size(value)),
    write(writer, value) {
      writer.u8(value === null ? 0 : 1);
      if (value !== null) of.write(writer, value);
    },
    read(reader) {
      const start = reader.offset;
      const count = reader.u8();
      if (count > 1) {
        throw new CodecError('length-out-of-bounds', `an OPTION holds 0 or 1 elements, got ${count}`, {
          offset: start,
        });
      }
      return count === 0 ? null : of.read(reader);
    },
  };
}
