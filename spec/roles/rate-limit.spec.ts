import { describe, expect, it } from '@jest/globals';
import { rateLimit } from '../../src/roles/rate-limit.js';

/** How many of so many are within it at that time. */
const count = (isWithin: (now: number) => boolean, tries: number, now: number): number =>
  Array.from({ length: tries }, () => isWithin(now)).filter(Boolean).length;

describe('a rate limit', () => {
  it('lets a burst pass, then so many a second, and no more after a rest than a burst', () => {
    const isWithin = rateLimit(10, 4);
    expect(count(isWithin, 50, 1_000)).toBe(10);
    expect(count(isWithin, 50, 1_249)).toBe(0);
    expect(count(isWithin, 50, 1_250)).toBe(1);
    expect(count(isWithin, 50, 2_250)).toBe(4);
    expect(count(isWithin, 50, 3_600_000)).toBe(10);
  });

  it('does not count what it did not let pass', () => {
    const isWithin = rateLimit(1, 1);
    count(isWithin, 1_000, 0);
    expect(isWithin(1_000)).toBe(true);
  });

  it('gives nothing for a clock that is put back, nor for the time that it then has twice', () => {
    const isWithin = rateLimit(10, 10);
    count(isWithin, 10, 10_000);
    expect(count(isWithin, 10, 0)).toBe(0);
    expect(count(isWithin, 10, 100)).toBe(1);
  });
});
