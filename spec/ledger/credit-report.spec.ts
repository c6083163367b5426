import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  creditReport,
  targetFromDifficulty,
  workOf,
  networkWorkOf,
  type ShareRecord,
} from '../../src/index.js';
import { addressOf, seeded, shareOf } from './support.js';

const hour = 3_600_000;
const start = 1_764_000_000_000;
const subsidyNow = 312_500_000n;

describe('what shares were worth', () => {
  it('is a block for the work of a block, with its fees and less the fee of the pool', async () => {
    const user = `${addressOf(1)}.rig`;
    const records = [shareOf(user), shareOf('bob', { difficulty: 0.5 })];
    // the work of a difficulty is a whole number of hashes: of half of it less than half
    expect(await creditReport(records)).toEqual([
      {
        ...{ user, address: addressOf(1), shares: 1 },
        work: workOf(targetFromDifficulty(1)),
        satoshis: subsidyNow,
      },
      expect.objectContaining({ user: 'bob', address: null, shares: 1, satoshis: 156_249_999n }),
    ]);
    const terms = { blockFees: 10_000_000n, basisPoints: 200 };
    const [first] = await creditReport(records, terms);
    expect(first?.satoshis).toBe(((subsidyNow + 10_000_000n) * 98n) / 100n);
  });

  it('is of the time that is asked for: from its beginning to before its end', async () => {
    const records = [0, 1, 2, 3].map((index) => shareOf('alice', { time: start + index * hour }));
    const [credit] = await creditReport(records, { since: start + hour, until: start + 3 * hour });
    expect(credit).toMatchObject({ shares: 2, satoshis: 2n * subsidyNow });
  });

  it('goes by the subsidy and the difficulty that each share was for', async () => {
    const records = [
      shareOf('alice', { height: 1_049_999 }),
      shareOf('alice', { height: 1_050_000 }),
      shareOf('alice', { height: 1_050_000, nbits: 0x1c7fff80 }), // twice the difficulty
    ];
    const [credit] = await creditReport(records);
    const halved = subsidyNow / 2n;
    const work = workOf(targetFromDifficulty(1));
    expect(credit?.satoshis).toBe(subsidyNow + halved + (halved * work) / networkWorkOf(0x1c7fff80));
  });

  it('of a share whose height is not known goes by the one before it, or the first that is', async () => {
    const heights = [0, 1_049_999, 0, 1_050_000, 0];
    const records = heights.map((height) => shareOf('alice', { height }));
    const [credit] = await creditReport(records);
    // the first goes by the last height that is known
    expect(credit?.satoshis).toBe(2n * subsidyNow + (3n * subsidyNow) / 2n);
    await expect(creditReport([shareOf('alice', { height: 0 })])).rejects.toThrow(
      expect.objectContaining({ code: 'no-height' }),
    );
    expect(await creditReport([])).toEqual([]);
  });

  it('is nothing for what proves nothing', async () => {
    const missed = shareOf('alice', { hash: new Uint8Array(32).fill(0xff) });
    expect(await creditReport([missed])).toEqual([]);
  });

  it('of all users is never more than their work was worth, and not a satoshi each less', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('alice', 'bob', 'carol'), fc.integer({ min: 1, max: 1_000_000 })), {
          minLength: 1,
          maxLength: 30,
        }),
        fc.integer({ min: 0, max: 10_000 }),
        async (all, basisPoints) => {
          const records: ShareRecord[] = all.map(([user, parts]) =>
            shareOf(user, { difficulty: parts / 1_000 }),
          );
          const credits = await creditReport(records, { basisPoints });
          const work = records.reduce((sum, { target }) => sum + workOf(target), 0n);
          const denominator = networkWorkOf(0x1d00ffff) * 10_000n;
          const whole = work * subsidyNow * BigInt(10_000 - basisPoints);
          const sum = credits.reduce((total, { satoshis }) => total + satoshis, 0n);
          expect(sum * denominator).toBeLessThanOrEqual(whole);
          expect((sum + BigInt(credits.length)) * denominator).toBeGreaterThan(whole);
          const reversed = await creditReport([...records].reverse(), { basisPoints });
          expect(reversed).toEqual(credits);
        },
      ),
      seeded,
    );
  });
});
