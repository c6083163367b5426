import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DataType } from '../../src/codec/data-type.js';
import { decodeText } from '../../src/codec/text.js';
import type { Tlv } from '../../src/codec/tlv.js';
import { messageCreators, type MessageCreator } from '../../src/messages/index.js';
import { messageArbitrary } from '../../src/testing/arbitraries.js';
import { ratio, repeated } from './processor-time.js';

/** What a message may cost beside a valid one of the same type and length. */
const limit = 5;

/** Bytes of text that are hard to read, repeated to fill a field. */
const texts = {
  'no UTF-8 at all': [0xff],
  'sequences without their second byte': [0xc3, 0x41],
  'sequences cut at the last byte': [0xf0, 0x9f, 0x98],
  'first bytes only': [0xf0],
  surrogates: [0xed, 0xa0, 0x80],
  'the longest sequences': [0xf0, 0x9f, 0x98, 0x80],
};
const ascii = [0x61];

const filled = (pattern: readonly number[], length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => pattern[index % pattern.length] as number);

/** A value of the type that is as long as is usual or more, with text of these bytes. */
function value({ kind }: DataType<unknown>, text: readonly number[]): unknown {
  switch (kind.is) {
    case 'boolean':
      return true;
    case 'integer':
      return 1;
    case 'bigint':
      return 1n;
    case 'float':
      return 1;
    case 'text':
      return decodeText(filled(text, kind.maxLength));
    case 'bytes':
      return new Uint8Array(Math.min(kind.maxLength, 255));
    case 'option':
      return value(kind.of, text);
    case 'sequence':
      return Array.from({ length: Math.min(kind.maxCount, 100) }, () => value(kind.of, text));
  }
}

function payload({ schema, encode }: MessageCreator, text = ascii, tlvs?: readonly Tlv[]): Uint8Array {
  const fields = Object.entries(schema.fields as Record<string, DataType<unknown>>);
  const values = Object.fromEntries(fields.map(([name, type]) => [name, value(type, text)]));
  return encode((tlvs === undefined ? values : { ...values, tlvs }) as never);
}

const tlv = (length: number): Tlv => ({ extensionType: 2, fieldType: 1, value: new Uint8Array(length) });

/** The same TLVs in the byte order of the reference implementation. */
function littleEndian(bytes: Uint8Array, from: number): Uint8Array {
  const swapped = bytes.slice();
  for (let at = from; at < bytes.length;) {
    const length = ((bytes[at + 3] as number) << 8) | (bytes[at + 4] as number);
    swapped.set([bytes[at + 1] as number, bytes[at] as number], at);
    swapped.set([bytes[at + 4] as number, bytes[at + 3] as number], at + 3);
    at += 5 + length;
  }
  return swapped;
}

const hasText = ({ schema }: MessageCreator): boolean =>
  Object.values(schema.fields as Record<string, DataType<unknown>>).some(({ kind }) => kind.is === 'text');

const reading = (creator: MessageCreator, bytes: Uint8Array) => repeated(() => void creator.decode(bytes));

const named = messageCreators.map((creator) => [creator.type, creator] as const);

describe(`reading costs at most ${limit} times what a valid message of the same type and length does`, () => {
  test.each(named.filter(([, creator]) => hasText(creator)))('%s, whatever its text', async (_, creator) => {
    const valid = payload(creator);
    for (const pattern of Object.values(texts)) {
      const hard = payload(creator, pattern);
      expect(hard.length).toBe(valid.length);
      expect(await ratio(reading(creator, hard), reading(creator, valid), limit)).toBeLessThanOrEqual(limit);
    }
  });

  test.each(named)('%s, however its TLVs are cut', async (_, creator) => {
    const { length } = payload(creator);
    const one = payload(creator, ascii, [tlv(6 * 5 - 5)]);
    const most = payload(
      creator,
      ascii,
      Array.from({ length: 6 }, () => tlv(0)),
    );
    expect(most.length).toBe(one.length);
    for (const hard of [most, littleEndian(most, length), littleEndian(one, length)]) {
      expect(await ratio(reading(creator, hard), reading(creator, one), limit)).toBeLessThanOrEqual(limit);
    }
  });

  test('any, with some bytes changed', async () => {
    const seed = 42;
    for (const [, creator] of named) {
      const samples = fc.sample(
        fc.tuple(messageArbitrary(fc, creator), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 })),
        { seed, numRuns: 40 },
      );
      const pairs = samples.flatMap(([message, changes]) => {
        const valid = creator.encode(message as never);
        const changed = valid.slice();
        for (const [at, byte] of changes) if (valid.length > 0) changed[at % valid.length] = byte;
        try {
          creator.decode(changed);
          return [{ valid, changed }];
        } catch {
          return []; // ends its connection: see cost-of-serving.spec.ts
        }
      });
      expect(pairs.length).toBeGreaterThan(5);
      const all = (which: 'valid' | 'changed') =>
        repeated(() => {
          for (const pair of pairs) creator.decode(pair[which]);
        });
      expect(await ratio(all('changed'), all('valid'), limit)).toBeLessThanOrEqual(limit);
    }
  });
});
