import { CodecError } from './codec-error.js';
import type { DataType, ValueOf } from './data-type.js';
import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

/** Fields in wire order. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a schema mixes data types of any value
export type Fields = Readonly<Record<string, DataType<any>>>;

/** The values of `F`, one property per field. */
export type FieldValues<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };

/** Reads and writes the fields of one message, in order. */
export interface StructCodec<F extends Fields> {
  /** Bytes of the smallest encoding. */
  readonly minSize: number;
  /** Bytes of the largest encoding (it may exceed what a frame can hold). */
  readonly maxSize: number;
  /** Encoded bytes; throws CodecError naming the field if a value is missing or out of range. */
  size(values: FieldValues<F>): number;
  /** Writes values that `size` has accepted. */
  write(writer: Writer, values: FieldValues<F>): void;
  /** Reads all fields into `target`, in order; throws CodecError naming field and offset. */
  read(reader: Reader, target: Record<string, unknown>): void;
}

/**
 * Compiles fields into a codec.
 * @param message the name used in errors
 * @param fields the fields in wire order
 */
export function structCodec<F extends Fields>(message: string, fields: F): StructCodec<F> {
  const names = Object.keys(fields);
  const types = names.map((name) => fields[name] as DataType<unknown>);
  const sum = (of: 'minSize' | 'maxSize') => types.reduce((total, type) => total + type[of], 0);
  const fail = (error: unknown, index: number, offset?: number): unknown =>
    error instanceof CodecError
      ? error.at({ message, field: names[index] as string, ...(offset === undefined ? {} : { offset }) })
      : error;

  return {
    minSize: sum('minSize'),
    maxSize: sum('maxSize'),
    size(values) {
      let size = 0;
      for (let index = 0; index < names.length; index++) {
        const value = values[names[index] as string];
        try {
          if (value === undefined)
            throw new CodecError(
              'missing-field',
              `missing, expected ${(types[index] as DataType<unknown>).name}`,
            );
          size += (types[index] as DataType<unknown>).size(value);
        } catch (error) {
          throw fail(error, index);
        }
      }
      return size;
    },
    write(writer, values) {
      for (let index = 0; index < names.length; index++) {
        (types[index] as DataType<unknown>).write(writer, values[names[index] as string]);
      }
    },
    read(reader, target) {
      let index = 0;
      try {
        for (; index < names.length; index++) {
          target[names[index] as string] = (types[index] as DataType<unknown>).read(reader);
        }
      } catch (error) {
        throw fail(error, index, reader.offset);
      }
    },
  };
}
