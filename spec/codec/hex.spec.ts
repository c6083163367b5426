import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bytesKey, bytesToHex, hexToBytes } from '../../src/codec/hex.js';

test('hex digits are those of Node.js, both ways, in either case', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const hex = Buffer.from(bytes).toString('hex');
      expect(bytesToHex(bytes)).toBe(hex);
      expect(hexToBytes(hex)).toEqual(bytes);
      expect(hexToBytes(hex.toUpperCase())).toEqual(bytes);
    }),
    { seed: 42 },
  );
});

test.each([
  '0',
  'abc',
  '0g',
  'G0',
  '/0',
  ':0',
  '@0',
  '`0',
  ' 0',
  '0x00',
  '1 ',
  '00 ',
  'é0',
  '0\u{ff11}',
  '\u{10000}',
])('%j are no hex digits of bytes', (hex) => {
  expect(() => hexToBytes(hex)).toThrow(/^expected an even number of hex digits, got \d+ characters$/);
});

test('the keys of bytes are the same only for the same bytes', () => {
  const few = fc.uint8Array({ maxLength: 3, max: 2 });
  fc.assert(
    fc.property(few, few, fc.uint8Array({ maxLength: 64 }), (one, other, any) => {
      expect(bytesKey(one) === bytesKey(other)).toBe(bytesToHex(one) === bytesToHex(other));
      expect(bytesKey(any)).toHaveLength(any.length);
    }),
    { seed: 42, numRuns: 1_000 },
  );
});
