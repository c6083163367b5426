import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  addFractions,
  fraction,
  networkWorkOf,
  parseFraction,
  pplnsWindow,
  shareCredits,
  slotsOf,
  SLOT_LENGTH,
  takeWholeSatoshis,
  wholePart,
  windowOver,
  type ShareRecord,
  type SlotWork,
} from '../../src/index.js';
import { seeded, shareOf } from './support.js';

const users = fc.constantFrom('a', 'b', 'c', '__proto__');
const anyShare = fc
  .tuple(users, fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 5_000 }), fc.nat(SLOT_LENGTH - 1))
  .map(([user, slot, difficulty, offset]) =>
    shareOf(user, { time: slot * SLOT_LENGTH + offset, difficulty }),
  );
const anyShares = fc.array(anyShare, { maxLength: 40 });
const anyLength = fc.oneof(fc.bigInt(1n, 10n ** 14n), fc.constant(null));

/** Each user's part of a window, exactly, whatever the scale. */
const parts = (slots: Iterable<SlotWork>, length: bigint | null) => {
  const { contributions } = windowOver(slots, length);
  const total = contributions.reduce((sum, { weight }) => sum + weight, 0n);
  return contributions.map(({ user, weight }) => [user, fraction(weight, total)]);
};

describe('a window', () => {
  it('reaches back over whole slots; of the oldest the same part of everybody counts', () => {
    const slots = [
      { slot: 9, user: 'a', shares: 1, work: 100n },
      { slot: 8, user: 'a', shares: 1, work: 30n },
      { slot: 8, user: 'b', shares: 3, work: 90n },
      { slot: 7, user: 'c', shares: 1, work: 1_000n },
    ];
    const window = windowOver(slots, 160n);
    expect(window).toMatchObject({ newestSlot: 9, oldestSlot: 8, partOfOldest: fraction(1n, 2n), scale: 2n });
    expect(window.contributions).toEqual([
      { user: 'a', shares: 2, work: 130n, weight: 230n },
      { user: 'b', shares: 3, work: 90n, weight: 90n },
    ]);
  });

  it('weighs exactly its length in hashes once there is as much, and all there is until then', () => {
    fc.assert(
      fc.property(anyShares, anyLength, (records, length) => {
        const slots = slotsOf(records);
        const all = slots.reduce((sum, { work }) => sum + work, 0n);
        const { contributions, scale } = windowOver(slots, length);
        const weight = contributions.reduce((sum, contribution) => sum + contribution.weight, 0n);
        expect(weight).toBe(scale * (length === null || all < length ? all : length));
      }),
      seeded,
    );
  });

  it('moves nothing when records of a slot come in another order, or a record is split', () => {
    fc.assert(
      fc.property(anyShares, anyLength, fc.integer(), fc.nat(), (records, length, seed, which) => {
        const shuffled = [...records].sort(
          (one, other) => ((one.nonce ^ seed) % 7) - ((other.nonce ^ seed) % 5),
        );
        expect(windowOver(slotsOf(shuffled), length)).toEqual(windowOver(slotsOf(records), length));
        const slots = slotsOf(records);
        const split = slots.flatMap((entry, index) => {
          if (index !== which % slots.length) return [entry];
          const half = entry.work / 3n;
          return [
            { ...entry, shares: 0, work: half },
            { ...entry, work: entry.work - half },
          ];
        });
        expect(windowOver([...split].reverse(), length)).toEqual(windowOver(slots, length));
      }),
      seeded,
    );
  });

  it('gives users who swap their names what the other had', () => {
    const swap = (record: ShareRecord): ShareRecord => ({
      ...record,
      user: record.user === 'a' ? 'b' : record.user === 'b' ? 'a' : record.user,
    });
    fc.assert(
      fc.property(anyShares, anyLength, (records, length) => {
        fc.pre(records.length > 0);
        const before = Object.fromEntries(parts(slotsOf(records), length)) as Record<string, unknown>;
        const after = Object.fromEntries(parts(slotsOf(records.map(swap)), length)) as Record<
          string,
          unknown
        >;
        expect([after['a'], after['b'], after['c']]).toEqual([before['b'], before['a'], before['c']]);
      }),
      seeded,
    );
  });

  it('of multiples of the network difficulty is exact', () => {
    const networkWork = networkWorkOf(0x17030000);
    expect(pplnsWindow(parseFraction('2.5'), networkWork)).toBe((networkWork * 5n) / 2n);
    expect(pplnsWindow(parseFraction('0.000000001'), 1n)).toBe(1n);
    expect(() => windowOver([], 0n)).toThrow(expect.objectContaining({ code: 'out-of-range' }));
    for (const bad of ['', '-1', '1e3', '1.', '.5', '1234567890', 'four'])
      expect(() => parseFraction(bad)).toThrow(expect.objectContaining({ code: 'invalid-number' }));
  });
});

describe('pay per share', () => {
  it("is worth exactly its part of a block's reward, whole satoshis taken out and the rest kept", () => {
    const records = [
      shareOf('a', { difficulty: 1 }),
      shareOf('a', { difficulty: 1 }),
      shareOf('b', { difficulty: 1 }),
    ];
    const credits = shareCredits(records, () => 1_001n, 100);
    // at difficulty 1 a share is a whole block; 1 % is kept
    expect(credits.get('a')).toEqual(fraction(2n * 1_001n * 99n, 100n));
    const { satoshis, rest } = takeWholeSatoshis(credits);
    expect(satoshis.get('a')).toBe(1_981n);
    expect(rest.get('a')).toEqual(fraction(98n, 100n));
    expect(wholePart(fraction(-1n, 3n))).toBe(-1n);
  });

  it('adds up to the same in any order and in any pieces, over changes of difficulty', () => {
    fc.assert(
      fc.property(anyShares, fc.nat(40), fc.bigInt(0n, 5n * 10n ** 9n), (records, cut, reward) => {
        const mixed = records.map((record, index) => ({
          ...record,
          nbits: index % 3 === 0 ? 0x1b0404cb : 0x1d00ffff,
        }));
        const rewardAt = ({ time }: { readonly time: number }) => reward + BigInt(time % 7);
        const whole = shareCredits(mixed, rewardAt, 30);
        const pieces = shareCredits(
          mixed.slice(0, cut),
          rewardAt,
          30,
          shareCredits(mixed.slice(cut), rewardAt, 30),
        );
        expect(new Map([...pieces].sort())).toEqual(new Map([...whole].sort()));
        for (const [user, credit] of whole) {
          const { satoshis, rest } = takeWholeSatoshis(new Map([[user, credit]]));
          expect(addFractions(fraction(satoshis.get(user) ?? 0n), rest.get(user) ?? fraction(0n))).toEqual(
            credit,
          );
        }
      }),
      seeded,
    );
  });

  it('takes no share of what makes no sense', () => {
    expect(() => shareCredits([shareOf('a')], () => -1n)).toThrow('reward');
    expect(() => shareCredits([], () => 1n, 10_001)).toThrow('basis points');
  });
});
