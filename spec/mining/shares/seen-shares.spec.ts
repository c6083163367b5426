import { describe, expect, it } from '@jest/globals';
import { sha256 } from '@noble/hashes/sha2.js';
import { seenShares } from '../../../src/mining/shares/seen-shares.js';

/** The hash of a number: every bit of it random, the topmost too. */
const hashOf = (number: number): Uint8Array =>
  sha256(Uint8Array.of(number & 0xff, (number >> 8) & 0xff, (number >> 16) & 0xff));

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

describe('the memory for duplicate shares', () => {
  it('keeps every share, and takes no other for one, far beyond what a channel should find', () => {
    const seen = seenShares();
    const kept = numbers(0, 100_000);
    let doubted = 0;
    for (const number of kept) {
      if (seen.has(hashOf(number))) doubted++;
      seen.add(hashOf(number));
    }
    expect(doubted).toBe(0);
    expect(seen.size).toBe(kept.length);
    expect(kept.filter((number) => !seen.has(hashOf(number)))).toEqual([]);
    expect(numbers(100_000, 150_000).filter((number) => seen.has(hashOf(number)))).toEqual([]);
  });

  it('takes no bytes before the first share, 128 for the first thirteen, and 15 at most for each of many', () => {
    const seen = seenShares();
    expect(seen.byteLength).toBe(0);
    for (const number of numbers(0, 50_000)) {
      seen.add(hashOf(number));
      if (number === 12) expect(seen.byteLength).toBe(128);
      if (number >= 9) expect(seen.byteLength / seen.size).toBeLessThan(15);
    }
    seen.clear();
    expect([seen.size, seen.byteLength]).toEqual([0, 0]);
    expect(seen.has(hashOf(1))).toBe(false);
  });

  it('tells apart hashes that differ in any one bit, and knows one of zeros', () => {
    const zeros = new Uint8Array(32);
    const seen = seenShares();
    expect(seen.has(zeros)).toBe(false);
    seen.add(zeros);
    expect(seen.has(zeros)).toBe(true);
    seen.add(zeros);
    expect(seen.size).toBe(1);
    const base = seenShares();
    base.add(hashOf(1));
    for (let bit = 0; bit < 256; bit++) {
      const other = hashOf(1).map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      expect(base.has(other)).toBe(false);
    }
  });

  it('refuses hashes that are not 32 bytes', () => {
    const seen = seenShares();
    for (const call of [seen.has, seen.add]) {
      for (const length of [0, 31, 33]) {
        expect(() => call(new Uint8Array(length))).toThrow(
          expect.objectContaining({ code: 'invalid-length' }),
        );
      }
    }
  });
});
