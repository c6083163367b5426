import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { doubleSha256 } from '../../src/bitcoin/index.js';
import { sha256d, sha256dPair } from '../../src/mining/sha256d.js';

describe('sha256d', () => {
  it('is double SHA-256 at every length up to four blocks', () => {
    for (let length = 0; length <= 256; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 31 + length) & 0xff);
      expect(sha256d(bytes)).toEqual(doubleSha256(bytes));
    }
  });

  it('is double SHA-256 of any bytes, views included', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat(100), (bytes, start) => {
        const view = bytes.subarray(start);
        expect(sha256d(view)).toEqual(doubleSha256(view));
      }),
      { seed: 42, numRuns: 200 },
    );
  });

  it('hashes pairs of hashes', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(hash, hash, (left, right) => {
        expect(sha256dPair(left, right)).toEqual(doubleSha256(Uint8Array.of(...left, ...right)));
      }),
      { seed: 42, numRuns: 200 },
    );
  });
});
