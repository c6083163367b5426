import { describe, expect, it } from '@jest/globals';
import { proxyDay } from './proxy-day.js';

/** The first seed; others with `FIRST_SEED`. */
const seed = Number(process.env['FIRST_SEED'] ?? 1);
const day = 86_400;

describe(`24 hours of a proxy whose miners come and go, whose pools die and return, seed ${seed}`, () => {
  it.each(['aggregate', 'pass-through'] as const)(
    '%s: no share is credited here and lost upstream without a word, and sums agree',
    (mode) => {
      const counts = proxyDay(seed, day, mode);
      // eslint-disable-next-line no-console -- what a failure is to be repeated with
      console.info(`seed ${seed}, ${mode}: ${JSON.stringify(counts)}`);
      const { credited, forwarded, kept, accepted, rejected, unanswered, work, upstreamWork } = counts;
      expect(forwarded + kept).toBe(credited);
      expect(accepted + rejected + unanswered).toBe(forwarded);
      // what the invariants are about has happened
      expect(counts.switches).toBeGreaterThan(20);
      expect(counts.miners).toBeGreaterThan(50);
      expect(accepted).toBeGreaterThan(1_000);
      expect(unanswered).toBeGreaterThan(0);
      // a target here that is harder than the upstream's, or an easier one that is not forwarded, would show
      expect(Math.abs(upstreamWork / work - 1)).toBeLessThan(0.1);
    },
    600_000,
  );
});
