import { describe, expect, it } from '@jest/globals';
import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { doubleSha256, doubleSha256Pair, fromDisplayHex, toDisplayHex } from '../../src/bitcoin/index.js';
import { codeOf, hex } from './support.js';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('double SHA-256', () => {
  it('is SHA-256 of SHA-256, for every length around the block edges', () => {
    const message = Uint8Array.from({ length: 300 }, (_, index) => index * 31);
    for (let length = 0; length <= message.length; length++) {
      const bytes = message.subarray(message.length - length);
      expect(doubleSha256(bytes)).toEqual(sha256(sha256(bytes)));
    }
  });

  it('is so for large messages and any content', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000, size: 'max' }), (bytes) => {
        expect(doubleSha256(bytes)).toEqual(sha256(sha256(bytes)));
      }),
      { seed: 42, numRuns: 50 },
    );
  });

  it('of a pair is that of its concatenation', () => {
    fc.assert(
      fc.property(hash, hash, (left, right) => {
        expect(doubleSha256Pair(left, right)).toEqual(doubleSha256(Uint8Array.of(...left, ...right)));
      }),
      { seed: 42 },
    );
  });
});

describe('the display form of a hash', () => {
  it('is its reversed bytes in hex', () => {
    fc.assert(
      fc.property(hash, (value) => {
        expect(fromDisplayHex(toDisplayHex(value))).toEqual(value);
        expect(toDisplayHex(value)).toBe(hex(value.slice().reverse()));
      }),
      { seed: 42 },
    );
    for (const text of ['', '00', 'zz'.repeat(32), '0'.repeat(66)]) {
      expect(codeOf(() => fromDisplayHex(text))).toBe('invalid-hash');
    }
  });
});
