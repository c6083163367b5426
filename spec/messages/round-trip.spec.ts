import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { messageCreators, type MessageCreator } from '../../src/messages/index.js';
import { CodecError } from '../../src/codec/index.js';
import { messageArbitrary, tlvsArbitrary } from '../../src/testing/arbitraries.js';

const settings = { seed: 42, numRuns: 40 };

/** Messages with or without TLVs. */
const withTlvs = (creator: MessageCreator) =>
  fc
    .tuple(messageArbitrary(fc, creator), fc.option(tlvsArbitrary(fc), { nil: undefined }))
    .map(([message, tlvs]) => creator(message as never, tlvs));

describe.each(messageCreators.map((creator) => [creator.type, creator] as const))('%s', (_, creator) => {
  it('survives value → bytes → value', () => {
    fc.assert(
      fc.property(withTlvs(creator), (message) => {
        const payload = creator.encode(message as never);
        expect(creator.decode(payload)).toEqual(message);
        expect(creator.size(message as never)).toBe(payload.length);
      }),
      settings,
    );
  });

  it('survives bytes → value → bytes', () => {
    fc.assert(
      fc.property(withTlvs(creator), (message) => {
        const payload = creator.encode(message as never);
        expect(creator.encode(creator.decode(payload) as never)).toEqual(payload);
      }),
      settings,
    );
  });

  it('refuses to be cut short anywhere, naming message, field and a place inside', () => {
    fc.assert(
      fc.property(messageArbitrary(fc, creator), (message) => {
        const payload = creator.encode(message as never);
        for (let length = 0; length < payload.length; length++) {
          const error = codecErrorOf(() => creator.decode(payload.subarray(0, length)));
          expect(['truncated', 'length-out-of-bounds']).toContain(error.code);
          expect(error.place.message).toBe(creator.type);
          expect(Object.keys(creator.schema.fields)).toContain(error.place.field?.replace(/\[.*/, ''));
          expect(error.place.offset).toBeLessThanOrEqual(length);
        }
      }),
      { seed: 42, numRuns: 3 },
    );
  });

  it('refuses bytes after its last field that are not TLVs', () => {
    const payload = smallest(creator);
    for (const tail of [[0], [0, 2, 1, 0], [0, 2, 1, 0, 1], [0, 2, 1, 0, 0, 9]]) {
      const error = codecErrorOf(() => creator.decode(Uint8Array.of(...payload, ...tail)));
      expect(error).toMatchObject({ code: 'trailing-bytes', place: { message: creator.type } });
    }
    expect(creator.decode(payload)).not.toHaveProperty('tlvs');
  });

  it('decodes or throws a CodecError when any byte is another', () => {
    fc.assert(
      fc.property(withTlvs(creator), fc.nat(), fc.integer({ min: 1, max: 255 }), (message, place, flip) => {
        const payload = creator.encode(message as never);
        const at = place % payload.length;
        payload[at] = (payload[at] as number) ^ flip;
        try {
          // encoding puts TLVs in order, hence bytes are compared, not values
          const encoded = creator.encode(creator.decode(payload) as never);
          expect(creator.encode(creator.decode(encoded) as never)).toEqual(encoded);
        } catch (error) {
          if (!(error instanceof CodecError)) throw error;
        }
      }),
      settings,
    );
  });
});

function smallest(creator: MessageCreator): Uint8Array {
  return creator.encode(creator.decode(new Uint8Array(creator.schema.minSize)) as never);
}

function codecErrorOf(work: () => unknown): CodecError {
  try {
    work();
  } catch (error) {
    if (error instanceof CodecError) return error;
    throw error;
  }
  throw new Error('expected a CodecError, nothing was thrown');
}
