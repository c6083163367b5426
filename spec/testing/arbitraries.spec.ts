import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeText, F32, OPTION, SEQ0_64K, STR0_255, U16 } from '../../src/codec/index.js';
import {
  creatorByNumbers,
  messageCreators,
  NewTemplate,
  SubmitSharesStandard,
} from '../../src/messages/index.js';
import {
  messageArbitrary,
  tlvsArbitrary,
  unknownMessageArbitrary,
  valueArbitrary,
} from '../../src/testing/arbitraries.js';

describe('arbitrary messages', () => {
  it('are typed by their creator and go where fast-check wants an arbitrary', () => {
    fc.assert(
      fc.property(messageArbitrary(fc, SubmitSharesStandard), (share) => {
        const nonce: number = share.nonce;
        expect(nonce).toBeLessThan(2 ** 32);
        expect(SubmitSharesStandard.match(share)).toBe(true);
      }),
      { seed: 42 },
    );
  });

  it('can all be encoded and have exactly the fields of their schema', () => {
    for (const creator of messageCreators) {
      for (const message of fc.sample(messageArbitrary(fc, creator), { seed: 42, numRuns: 5 })) {
        expect(Object.keys(message)).toEqual(['type', ...Object.keys(creator.schema.fields)]);
        expect(() => creator.size(message as never)).not.toThrow();
      }
    }
  });

  it('shrink to the smallest counterexample', () => {
    const result = fc.check(
      fc.property(messageArbitrary(fc, NewTemplate), (template) => template.templateId < 1000n),
      { seed: 42 },
    );
    expect(result.counterexample?.[0]).toMatchObject({ templateId: 1000n, version: 0, merklePath: [] });
  });

  it('of unknown types are of none that is known', () => {
    for (const { extensionType, messageType } of fc.sample(unknownMessageArbitrary(fc), { seed: 42 })) {
      expect(creatorByNumbers(extensionType, messageType)).toBeUndefined();
    }
  });
});

describe('arbitrary values', () => {
  const sample = <T>(type: Parameters<typeof valueArbitrary<T>>[1]) =>
    fc.sample(valueArbitrary(fc, type), { seed: 42, numRuns: 300 });

  it('of text have what is UTF-8 and what is not', () => {
    const texts = sample(STR0_255);
    const escaped = texts.filter((text) => /[\uDC80-\uDCFF]/.test(text) && encodeText(text).length > 0);
    expect(escaped.length).toBeGreaterThan(50);
    expect(texts.filter((text) => /\p{L}/u.test(text)).length).toBeGreaterThan(50);
  });

  it('of F32 have NaN and infinities, of OPTION null, of sequences the empty one', () => {
    expect(sample(F32).some(Number.isNaN)).toBe(true);
    expect(sample(F32)).toEqual(expect.arrayContaining([Infinity, -Infinity, -0]));
    expect(sample(OPTION(U16))).toContain(null);
    expect(sample(SEQ0_64K(U16))).toContainEqual([]);
  });

  it('of TLVs are ordered by extension type', () => {
    for (const tlvs of fc.sample(tlvsArbitrary(fc), { seed: 42 })) {
      const types = tlvs.map(({ extensionType }) => extensionType);
      expect(types).toEqual([...types].sort((a, b) => a - b));
      expect(types.length).toBeGreaterThan(0);
    }
  });
});
