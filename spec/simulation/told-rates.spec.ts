import { describe, expect, it } from '@jest/globals';
import { splitWork } from './work-split.js';

/** The first seed; others with `FIRST_SEED`. */
const seed = Number(process.env['FIRST_SEED'] ?? 1);

/** Hashes per second of three miners, and of all of them. */
const hashRates = [30, 30, 30];
const all = 90;

describe(`the hash rate that a pool is told of for half an hour, seed ${seed}`, () => {
  // an upstream target for 120 shares a minute is one for a twentieth of the hash rate where 6 are wanted
  it.each([
    ['as both want as many shares', 6, 6, 1, 120],
    ['as the pool wants twenty times as many', 6, 120, 1, 30],
    ['as the pool wants a tenth', 60, 6, 1, 120],
    ['though miners say a tenth', 6, 120, 0.1, 60],
    ['though miners say a tenth where the pool wants few', 60, 6, 0.1, 120],
    ['though miners say a hundredth', 240, 120, 0.01, 60],
    ['though miners say a hundred times as much', 6, 120, 100, 180],
    ['though miners say ten thousand times as much', 240, 120, 1e4, 180],
  ])(
    'is what they do, %s (%d and %d a minute)',
    (_, sharesPerMinute, poolSharesPerMinute, factor, settled) => {
      const { told } = splitWork(1_800, {
        ...{ seed, weights: [1], hashRates, poolSharesPerMinute, proxy: { sharesPerMinute } },
        nominal: (hashRate) => factor * hashRate,
      });
      const factors = told.map(({ second, hashRate }) => ({ second, times: hashRate / all }));
      const late = factors.filter(({ second }) => second >= settled);
      expect(late.filter(({ times }) => times < 0.6 || times > 1.6)).toEqual([]);
      const last = factors.at(-1)?.times ?? factor; // what it was opened with is not told again
      expect(last).toBeGreaterThan(0.75);
      expect(last).toBeLessThan(1.33);
      // nor does it go up and down
      expect(told.length).toBeLessThan(20);
    },
    120_000,
  );
});
