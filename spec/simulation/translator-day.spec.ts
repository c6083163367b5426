import { describe, expect, it } from '@jest/globals';
import { translatorDay } from './translator-day.js';

/** The first seed; others with `FIRST_SEED`. */
const seed = Number(process.env['FIRST_SEED'] ?? 1);
const day = 86_400;

describe(`24 hours of a translator whose miners come and go, whose pools die and return, seed ${seed}`, () => {
  it.each(['aggregate', 'pass-through'] as const)(
    '%s: no share is answered true and lost without a word, and sums agree',
    (mode) => {
      const counts = translatorDay(seed, day, mode);
      // eslint-disable-next-line no-console -- what a failure is to be repeated with
      console.info(`seed ${seed}, ${mode}: ${JSON.stringify(counts)}`);
      const { answeredTrue, onlyTold, lost, credited, forwarded, kept, accepted, rejected, unanswered } =
        counts;
      expect(onlyTold + lost + credited).toBe(answeredTrue);
      expect(forwarded + kept).toBe(credited);
      expect(accepted + rejected + unanswered).toBe(forwarded);
      // what the invariants are about has happened
      expect(counts.switches).toBeGreaterThan(8);
      expect(counts.miners).toBeGreaterThan(40);
      expect(accepted).toBeGreaterThan(500);
      expect(rejected + unanswered).toBeGreaterThan(0);
      expect(counts.refused['22']).toBeGreaterThan(10);
    },
    3_600_000, // only to end what is stuck
  );
});
