import { describe, expect, it, test } from '@jest/globals';
import { isDeepStrictEqual } from 'node:util';
import {
  B0_16M,
  B0_255,
  B0_32,
  B0_64K,
  BOOL,
  CodecError,
  F32,
  MAC,
  OPTION,
  PUBKEY,
  Reader,
  SEQ0_255,
  SEQ0_64K,
  SIGNATURE,
  STR0_255,
  U16,
  U24,
  U256,
  U32,
  U64,
  U8,
  Writer,
  type DataType,
} from '../../src/codec/index.js';

function encode<T>(type: DataType<T>, value: T): Uint8Array {
  const bytes = new Uint8Array(type.size(value));
  const writer = new Writer(bytes);
  type.write(writer, value);
  expect(writer.offset).toBe(bytes.length);
  return bytes;
}

function decode<T>(type: DataType<T>, bytes: readonly number[] | Uint8Array): T {
  const reader = new Reader(Uint8Array.from(bytes));
  const value = type.read(reader);
  expect(reader.remaining).toBe(0);
  return value;
}

const bytes = (...values: number[]) => Uint8Array.from(values);
const filled = (length: number) => new Uint8Array(length).fill(0xab);

/** Jest takes seconds to compare 16 MiB. */
const same = (a: unknown, b: unknown) =>
  a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) === 0 : isDeepStrictEqual(a, b);

function codecError(work: () => unknown): CodecError {
  try {
    work();
  } catch (error) {
    if (error instanceof CodecError) return error;
    throw error;
  }
  throw new Error('expected a CodecError, nothing was thrown');
}

/** Value and encoding, worked out by hand from the table of spec §3.1. */
const encodings: readonly (readonly [DataType<never>, unknown, Uint8Array])[] = [
  [BOOL, true, bytes(1)],
  [BOOL, false, bytes(0)],
  [U8, 0xfe, bytes(0xfe)],
  [U16, 0x0102, bytes(2, 1)],
  [U16, 0xffff, bytes(0xff, 0xff)],
  [U24, 0x010203, bytes(3, 2, 1)],
  [U24, 0xffffff, bytes(0xff, 0xff, 0xff)],
  [U32, 0x01020304, bytes(4, 3, 2, 1)],
  [U32, 0xffffffff, bytes(0xff, 0xff, 0xff, 0xff)],
  [U64, 0x0102030405060708n, bytes(8, 7, 6, 5, 4, 3, 2, 1)],
  [U64, 0xffffffffffffffffn, filled(8).fill(0xff)],
  [F32, 1, bytes(0, 0, 0x80, 0x3f)],
  [F32, -0, bytes(0, 0, 0, 0x80)],
  [F32, Infinity, bytes(0, 0, 0x80, 0x7f)],
  [F32, NaN, bytes(0, 0, 0xc0, 0x7f)],
  [U256, filled(32), filled(32)],
  [PUBKEY, filled(32), filled(32)],
  [SIGNATURE, filled(64), filled(64)],
  [MAC, filled(16), filled(16)],
  [STR0_255, '', bytes(0)],
  [STR0_255, 'Sv2', bytes(3, 0x53, 0x76, 0x32)],
  [STR0_255, 'ü€😀', bytes(9, 0xc3, 0xbc, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80)],
  [B0_32, bytes(7, 8), bytes(2, 7, 8)],
  [B0_255, bytes(7, 8), bytes(2, 7, 8)],
  [B0_64K, bytes(7, 8), bytes(2, 0, 7, 8)],
  [B0_16M, bytes(7, 8), bytes(2, 0, 0, 7, 8)],
  [OPTION(U16), null, bytes(0)],
  [OPTION(U16), 0x0102, bytes(1, 2, 1)],
  [SEQ0_255(U16), [], bytes(0)],
  [SEQ0_255(U16), [1, 2], bytes(2, 1, 0, 2, 0)],
  [SEQ0_64K(U8), [1, 2, 3], bytes(3, 0, 1, 2, 3)],
  [SEQ0_64K(B0_16M), [bytes(), bytes(5, 6)], bytes(2, 0, 0, 0, 0, 2, 0, 0, 5, 6)],
] as never;

test.each(encodings.map(([type, value, encoded]) => [type.name, value, encoded, type] as const))(
  '%s %p is %p',
  (_, value, encoded, type) => {
    expect(encode(type, value as never)).toEqual(encoded);
    expect(decode(type, encoded)).toEqual(value);
  },
);

describe('limits', () => {
  const seq = (length: number) => new Array<number>(length).fill(0);
  const lengths: readonly (readonly [DataType<never>, unknown, unknown])[] = [
    [B0_32, filled(32), filled(33)],
    [B0_255, filled(255), filled(256)],
    [B0_64K, filled(0xffff), filled(0x10000)],
    [B0_16M, filled(0xffffff), filled(0x1000000)],
    [STR0_255, 'x'.repeat(255), 'x'.repeat(256)],
    [STR0_255, '€'.repeat(85), '€'.repeat(86)],
    [SEQ0_255(U8), seq(255), seq(256)],
    [SEQ0_64K(U8), seq(0xffff), seq(0x10000)],
    [U256, filled(32), filled(31)],
    [U256, filled(32), filled(33)],
    [PUBKEY, filled(32), filled(33)],
    [SIGNATURE, filled(64), filled(65)],
    [MAC, filled(16), filled(15)],
    [U8, 255, 256],
    [U16, 0xffff, 0x10000],
    [U24, 0xffffff, 0x1000000],
    [U32, 0xffffffff, 0x100000000],
    [U64, 2n ** 64n - 1n, 2n ** 64n],
    [U8, 0, -1],
    [U32, 0, -1],
    [U64, 0n, -1n],
    [U16, 1, 1.5],
    [U32, 1, NaN],
    [F32, 3.4028234663852886e38, 3.5e38],
  ] as never;

  test.each(lengths.map(([type, inside, outside]) => [type.name, inside, outside, type] as const))(
    '%s takes a value at its limit and refuses the one beyond',
    (_, inside, outside, type) => {
      const encoded = encode(type, inside as never);
      expect(encoded.length).toBeLessThanOrEqual(type.maxSize);
      expect(same(decode(type, encoded), inside)).toBe(true);
      expect(codecError(() => type.size(outside as never)).code).toBe('value-out-of-range');
    },
  );

  test.each([
    [U8, '1'],
    [U64, 1],
    [F32, 1n],
    [BOOL, 1],
    [STR0_255, new Uint8Array(1)],
    [B0_32, '00'],
    [B0_32, [0]],
    [U256, undefined],
    [SEQ0_255(U8), new Uint8Array(1)],
  ] as unknown as readonly (readonly [DataType<never>, unknown])[])(
    '$name refuses a value of another kind',
    (type, value) => {
      expect(['wrong-value-type', 'value-out-of-range']).toContain(
        codecError(() => type.size(value as never)).code,
      );
    },
  );

  it('takes any length in the prefix of B0_32 up to 32 only', () => {
    expect(decode(B0_32, [32, ...filled(32)])).toEqual(filled(32));
    const error = codecError(() => decode(B0_32, [33, ...filled(33)]));
    expect(error).toMatchObject({ code: 'length-out-of-bounds', place: { offset: 0 } });
    expect(error.message).toBe('at byte 0: length 33 exceeds the limit of 32');
  });
});

describe('BOOL', () => {
  it('reads the least significant bit only', () => {
    for (let byte = 0; byte < 256; byte++) expect(decode(BOOL, [byte])).toBe(byte % 2 === 1);
  });
});

describe('OPTION', () => {
  it('refuses more than one element', () => {
    const error = codecError(() => decode(OPTION(U8), [2, 1, 1]));
    expect(error).toMatchObject({ code: 'length-out-of-bounds', place: { offset: 0 } });
  });
});

describe('sequences', () => {
  it('refuse a count that the rest cannot hold before they allocate', () => {
    const counts: readonly (readonly [DataType<unknown>, readonly number[]])[] = [
      [SEQ0_64K(U256), [0xff, 0xff, 1, 2, 3]],
      [SEQ0_64K(B0_16M), [0xff, 0xff, 0, 0, 0]],
      [SEQ0_255(U16), [2, 1, 0, 2]],
    ];
    for (const [type, input] of counts) {
      const error = codecError(() => decode(type, input));
      expect(error).toMatchObject({ code: 'length-out-of-bounds', place: { offset: 0 } });
    }
  });

  it('name the element that is wrong', () => {
    expect(codecError(() => SEQ0_255(U8).size([1, 2, 256]))).toMatchObject({ place: { field: '[2]' } });
    const nested = codecError(() => decode(SEQ0_64K(B0_16M), [2, 0, 1, 0, 0, 9, 4, 0, 0, 1]));
    expect(nested).toMatchObject({ code: 'length-out-of-bounds', place: { field: '[1]', offset: 6 } });
    expect(nested.message).toBe('[1] at byte 6: length 4 runs past the end, 1 bytes are left');
  });

  it('decode a large one whose elements are views of the input', () => {
    const input = new Uint8Array(2 + 32 * 0xffff).fill(0xff);
    const values = SEQ0_64K(U256).read(new Reader(input));
    expect(values).toHaveLength(0xffff);
    expect(values[0xfffe]?.buffer).toBe(input.buffer);
  });
});

describe('a reader', () => {
  it('says where the input ended', () => {
    const reader = new Reader(bytes(1, 2, 3));
    reader.u8();
    expect(codecError(() => reader.u32())).toMatchObject({ code: 'truncated', place: { offset: 1 } });
    expect(reader.offset).toBe(1);
    for (const read of ['u64', 'u24', 'f32'] as const)
      expect(codecError(() => reader[read]()).code).toBe('truncated');
    expect(reader.u16()).toBe(0x0302);
    expect(codecError(() => reader.u8())).toMatchObject({ place: { offset: 3 } });
  });
});
