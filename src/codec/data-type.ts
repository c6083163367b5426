import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

/**
 * One data type of spec §3.1: how values of `T` lie on the wire.
 *
 * `size` checks the value (so that nothing is allocated for a bad one) and `write` then trusts it.
 */
export interface DataType<T> {
  /** The specification's name, such as `U32` or `SEQ0_255[U256]`. */
  readonly name: string;
  /** Bytes of the shortest encoding. */
  readonly minSize: number;
  /** Bytes of the longest encoding. */
  readonly maxSize: number;
  /** What kind of value it is; lets tools (docs, generators, JSON) walk a schema. */
  readonly kind: DataKind;
  /** Encoded bytes of a value; throws CodecError if the value is outside the type. */
  size(value: T): number;
  /** Writes a value that `size` has accepted. */
  write(writer: Writer, value: T): void;
  /** Reads a value; throws CodecError on truncated or inconsistent input. */
  read(reader: Reader): T;
}

/** The structure of a data type. Lengths are in bytes, counts in elements. */
export type DataKind =
  | { readonly is: 'boolean' }
  | { readonly is: 'integer'; readonly max: number }
  | { readonly is: 'bigint'; readonly max: bigint }
  | { readonly is: 'float' }
  | { readonly is: 'text'; readonly maxLength: number }
  | { readonly is: 'bytes'; readonly minLength: number; readonly maxLength: number }
  | { readonly is: 'option'; readonly of: DataType<unknown> }
  | { readonly is: 'sequence'; readonly of: DataType<unknown>; readonly maxCount: number };

/** The TypeScript type of a data type's values. */
export type ValueOf<D> = D extends DataType<infer T> ? T : never;
