import { CodecError } from './codec-error.js';
import type { DataType } from './data-type.js';
import type { Reader } from './reader.js';
import type { Writer } from './writer.js';
import { decodeText, encodeText } from './text.js';

type PrefixSize = 1 | 2 | 3;

/** Writes a length or count in 1, 2 or 3 bytes. */
export function writePrefix(writer: Writer, prefixSize: PrefixSize, value: number): void {
  if (prefixSize === 1) writer.u8(value);
  else if (prefixSize === 2) writer.u16(value);
  else writer.u24(value);
}

/** Reads a length or count of 1, 2 or 3 bytes. */
export function readPrefix(reader: Reader, prefixSize: PrefixSize): number {
  return prefixSize === 1 ? reader.u8() : prefixSize === 2 ? reader.u16() : reader.u24();
}

function checkBytes(value: Uint8Array, minLength: number, maxLength: number): void {
  if (!(value instanceof Uint8Array)) {
    throw new CodecError('wrong-value-type', `expected a Uint8Array, got ${typeof value}`);
  }
  if (value.length < minLength || value.length > maxLength) {
    const expected = minLength === maxLength ? `${maxLength}` : `${minLength} to ${maxLength}`;
    throw new CodecError('value-out-of-range', `expected ${expected} bytes, got ${value.length}`);
  }
}

function fixedBytes(name: string, length: number): DataType<Uint8Array> {
  return {
    name,
    minSize: length,
    maxSize: length,
    kind: { is: 'bytes', minLength: length, maxLength: length },
    size(value) {
      checkBytes(value, length, length);
      return length;
    },
    write: (writer, value) => writer.put(value),
    read: (reader) => reader.take(length),
  };
}

/** Takes `length` bytes after a length prefix that was at `prefixOffset`, saying which of the two is wrong. */
function takePrefixed(reader: Reader, prefixOffset: number, length: number, maxLength: number): Uint8Array {
  if (length > maxLength) {
    throw new CodecError('length-out-of-bounds', `length ${length} exceeds the limit of ${maxLength}`, {
      offset: prefixOffset,
    });
  }
  if (length > reader.remaining) {
    throw new CodecError(
      'length-out-of-bounds',
      `length ${length} runs past the end, ${reader.remaining} bytes are left`,
      {
        offset: prefixOffset,
      },
    );
  }
  return reader.take(length);
}

function prefixedBytes(name: string, prefixSize: PrefixSize, maxLength: number): DataType<Uint8Array> {
  return {
    name,
    minSize: prefixSize,
    maxSize: prefixSize + maxLength,
    kind: { is: 'bytes', minLength: 0, maxLength },
    size(value) {
      checkBytes(value, 0, maxLength);
      return prefixSize + value.length;
    },
    write(writer, value) {
      writePrefix(writer, prefixSize, value.length);
      writer.put(value);
    },
    read(reader) {
      const start = reader.offset;
      return takePrefixed(reader, start, readPrefix(reader, prefixSize), maxLength);
    },
  };
}

/** 32 bytes, a little-endian integer or a raw SHA-256 output (spec §3.1). */
export const U256 = fixedBytes('U256', 32);

/** 32 bytes, the x coordinate of a secp256k1 point (spec §3.1, BIP 340). */
export const PUBKEY = fixedBytes('PUBKEY', 32);

/** 64 bytes, a Schnorr signature (spec §3.1, BIP 340). */
export const SIGNATURE = fixedBytes('SIGNATURE', 64);

/** 16 bytes, a message authentication code (spec §3.1). */
export const MAC = fixedBytes('MAC', 16);

/** 0 to 32 bytes behind a 1-byte length (spec §3.1). */
export const B0_32 = prefixedBytes('B0_32', 1, 32);

/** 0 to 255 bytes behind a 1-byte length (spec §3.1). */
export const B0_255 = prefixedBytes('B0_255', 1, 255);

/** 0 to 65,535 bytes behind a 2-byte length (spec §3.1). */
export const B0_64K = prefixedBytes('B0_64K', 2, 0xffff);

/** 0 to 16,777,215 bytes behind a 3-byte length (spec §3.1). */
export const B0_16M = prefixedBytes('B0_16M', 3, 0xffffff);

/**
 * 0 to 255 bytes of text behind a 1-byte length (spec §3.1). Bytes that are not UTF-8 survive a round trip
 * (see `decodeText`).
 */
export const STR0_255: DataType<string> = {
  name: 'STR0_255',
  minSize: 1,
  maxSize: 256,
  kind: { is: 'text', maxLength: 255 },
  size(value) {
    if (typeof value !== 'string') {
      throw new CodecError('wrong-value-type', `expected a string, got ${typeof value}`);
    }
    const { length } = encodeText(value);
    if (length > 255)
      throw new CodecError('value-out-of-range', `expected at most 255 bytes of text, got ${length}`);
    return 1 + length;
  },
  write(writer, value) {
    const bytes = encodeText(value);
    writer.u8(bytes.length);
    writer.put(bytes);
  },
  read: (reader) => decodeText(takePrefixed(reader, reader.offset, reader.u8(), 255)),
};
