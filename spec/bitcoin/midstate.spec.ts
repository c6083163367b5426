import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  blockHash,
  compareTargets,
  createHeaderHasher,
  targetFromBigInt,
  targetToBigInt,
} from '../../src/bitcoin/index.js';
import { codeOf } from './support.js';

const header = fc.uint8Array({ minLength: 80, maxLength: 80 });
const withNonce = (base: Uint8Array, nonce: number): Uint8Array => {
  const changed = base.slice();
  new DataView(changed.buffer).setUint32(76, nonce, true);
  return changed;
};

describe('the header hasher', () => {
  it('hashes as double SHA-256 does, for any header and nonce', () => {
    fc.assert(
      fc.property(header, fc.nat(0xffffffff), (base, nonce) => {
        expect(createHeaderHasher(base).hash(nonce)).toEqual(blockHash(withNonce(base, nonce)));
      }),
      { seed: 42, numRuns: 300 },
    );
  });

  it('finds the first nonce at or below the target, as a plain loop does', () => {
    const targets = fc
      .tuple(fc.nat(12), fc.bigInt({ min: 1n, max: (1n << 244n) - 1n }))
      .map(([bits, low]) => targetFromBigInt(((1n << 256n) >> BigInt(bits)) - low));
    fc.assert(
      fc.property(header, fc.nat(0xffffffff - 300), targets, (base, start, target) => {
        let expected: number | null = null;
        for (let nonce = start; nonce < start + 300 && expected === null; nonce++) {
          if (compareTargets(blockHash(withNonce(base, nonce)), target) <= 0) expected = nonce;
        }
        expect(createHeaderHasher(base).search(start, 300, target)).toBe(expected);
      }),
      { seed: 42, numRuns: 40 },
    );
  });

  it('takes a target that the hash equals, and none that is one below', () => {
    const base = new Uint8Array(80).fill(9);
    const hash = blockHash(withNonce(base, 5));
    const hasher = createHeaderHasher(base);
    expect(hasher.search(5, 1, hash)).toBe(5);
    expect(hasher.search(5, 1, targetFromBigInt(targetToBigInt(hash) - 1n))).toBeNull();
  });

  it('keeps a copy: changing the header or its own results changes nothing', () => {
    const base = new Uint8Array(80).fill(3);
    const hasher = createHeaderHasher(base);
    const hash = hasher.hash(1);
    base.fill(0);
    hash.fill(0);
    expect(hasher.hash(1)).toEqual(blockHash(withNonce(new Uint8Array(80).fill(3), 1)));
  });

  it('stops after the last nonce and does nothing for an empty range', () => {
    const hasher = createHeaderHasher(new Uint8Array(80));
    const [first, last] = [hasher.hash(0), hasher.hash(0xffffffff)];
    expect(compareTargets(first, last)).toBeLessThan(0);
    expect(hasher.search(0xffffffff, 1000, first)).toBeNull(); // wrapped around, it would find nonce 0
    expect(hasher.search(0xffffffff, 1000, new Uint8Array(32).fill(0xff))).toBe(0xffffffff);
    expect(hasher.search(0, 0, new Uint8Array(32).fill(0xff))).toBeNull();
  });

  it('checks its inputs', () => {
    expect(codeOf(() => createHeaderHasher(new Uint8Array(79)))).toBe('invalid-length');
    const hasher = createHeaderHasher(new Uint8Array(80));
    expect(codeOf(() => hasher.search(0, 1, new Uint8Array(31)))).toBe('invalid-length');
    for (const nonce of [-1, 2 ** 32, 0.5])
      expect(codeOf(() => hasher.search(nonce, 1, new Uint8Array(32)))).toBe('out-of-range');
  });
});
