/** The room that templates are to leave for payouts, and what a coinbase is within that firmware can hash. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { buildCoinbase, coinbaseTag } from '../../../src/bitcoin/coinbase.js';
import { coinbaseOutputConstraints } from '../../../src/bitcoin/script.js';
import {
  freezePayout,
  freezeSolo,
  payToOf,
  type DistributionRules,
  type SlotWork,
} from '../../../src/index.js';
import { limitsWithin, roomOf } from '../../../src/roles/pool/payout-room.js';
import { coinbaseSizes } from '../../../src/roles/translator/miner-classes.js';
import { addresses, addressOf, planOf, scriptOf, seeded } from '../../ledger/support.js';
import { template } from '../../mining/support.js';

const anyRules = fc
  .record({
    cuts: fc.constantFrom([], ['fee'], ['donation'], ['fee', 'donation']),
    reserve: fc.integer({ min: 900, max: 903 }),
    other: fc.integer({ min: 950, max: 953 }),
    minimumPayout: fc.constantFrom(0n, 5_000n),
  })
  .map(({ cuts, reserve, other, minimumPayout }): DistributionRules => ({
    ...{ reserve: scriptOf(reserve), minimumPayout },
    limits: { weight: 26_000, sigops: 800, count: 200 },
    ...Object.fromEntries(
      cuts.map((cut, index) => [cut, { basisPoints: 100, scriptPubKey: scriptOf(other + 4 * index) }]),
    ),
  }));

const anyUser = fc
  .tuple(
    fc.oneof(fc.constantFrom(...addresses), fc.nat(300).map(addressOf)),
    fc.constantFrom('', 'sri/solo/', 'sri/donate/2.5/', 'sri/donate/100/'),
  )
  .map(([address, form]) => `${form}${address}`);

const anyValue = fc.oneof(fc.bigInt(0n, 20_000n), fc.constant(312_500_000n));

describe('the room for payouts', () => {
  it('is enough for a block of any payee alone, and not for another output beside', () => {
    let tightest = Infinity;
    fc.assert(
      fc.property(anyRules, anyUser, anyValue, (rules, user, value) => {
        const payee = { user, payTo: payToOf(user, { rules }) };
        const state = { value, networkWork: 1n, balances: new Map<string, bigint>(), until: [] };
        const { outputs } = freezeSolo(payee, { rules }, state).distribution;
        const [needed, room] = [coinbaseOutputConstraints(outputs), roomOf({ mode: 'solo', rules })];
        const left = room.coinbaseOutputMaxAdditionalSize - needed.coinbaseOutputMaxAdditionalSize;
        expect(left).toBeGreaterThanOrEqual(0);
        expect(needed.coinbaseOutputMaxAdditionalSigops).toBeLessThanOrEqual(
          room.coinbaseOutputMaxAdditionalSigops,
        );
        tightest = Math.min(tightest, left);
      }),
      seeded,
    );
    expect(tightest).toBe(0);
  });

  it('is that of the limits for work that is shared out, unless one payee alone needs more', () => {
    const { rules } = planOf('pplns');
    expect(roomOf({ mode: 'pplns', rules })).toEqual({
      coinbaseOutputMaxAdditionalSize: 6_500,
      coinbaseOutputMaxAdditionalSigops: 800,
    });
    const narrow = { ...rules, limits: { weight: 4, sigops: 0, count: 1 } };
    expect(roomOf({ mode: 'pplns', rules: narrow })).toEqual(roomOf({ mode: 'solo', rules }));
  });
});

describe('a coinbase', () => {
  it.each(coinbaseSizes)(
    'is no longer than %d bytes for firmware that can hash no more, and nearly so long',
    (size) => {
      const plan = planOf('pplns');
      const slots = Array.from({ length: 400 }, (_, user): SlotWork => ({
        ...{ slot: 1, user: addressOf(user), shares: 1, work: BigInt(1_000 + user) },
      }));
      const own = template(1, { coinbaseTxValueRemaining: 312_500_000n });
      const limits = limitsWithin(plan.rules, size, own);
      const state = { value: own.coinbaseTxValueRemaining, networkWork: 1_000_000n, since: [], until: [] };
      const { outputs } = freezePayout(
        { ...plan, rules: { ...plan.rules, limits } },
        { ...state, slots, balances: new Map() },
      ).distribution;
      const { coinbaseTxPrefix, coinbaseTxSuffix } = buildCoinbase(own, {
        ...{ tag: coinbaseTag('x'.repeat(55)), fullExtranonceSize: 32, payoutOutputs: outputs },
      }).stripped;
      const length = coinbaseTxPrefix.length + 32 + coinbaseTxSuffix.length;
      expect(length).toBeLessThanOrEqual(size);
      // outputs are of 31 bytes; that of the reserve has its room, and an extranonce the longest push
      const isFull = length > size - own.coinbaseTxOutputs.length - 2 * 43 - 40;
      expect(isFull || outputs.length === plan.rules.limits.count).toBe(true);
    },
  );
});
