import { describe, expect, it } from '@jest/globals';
import { simulate, type RunCounts } from './network.js';

/** How many seeds: more with `SEEDS=10000 npm run jest -- spec/simulation`, others with `FIRST_SEED`. */
const seeds = Number(process.env['SEEDS'] ?? 200);
const firstSeed = Number(process.env['FIRST_SEED'] ?? 1);

describe(`networks of the seeds ${firstSeed} to ${firstSeed + seeds - 1}`, () => {
  it('credit each share once and no more than it proves, and reject no honest one without a reason', () => {
    const total: RunCounts = { accepted: 0, explained: 0, repeated: 0, tips: 0, restarts: 0 };
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const counts = simulate(seed, 400);
      for (const name of Object.keys(total) as (keyof RunCounts)[]) total[name] += counts[name];
    }
    // what the invariants are about has happened
    expect(total.accepted).toBeGreaterThan(10 * seeds);
    expect(total.explained).toBeGreaterThan(seeds / 10);
    expect(total.repeated).toBeGreaterThan(seeds);
    expect(total.tips).toBeGreaterThan(2 * seeds);
    expect(total.restarts).toBeGreaterThan(seeds / 10);
  }, 600_000);
});
