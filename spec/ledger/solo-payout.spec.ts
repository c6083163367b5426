import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex } from '../../src/codec/hex.js';
import { freezeSolo, type DistributionRules } from '../../src/index.js';
import { payToOf } from '../../src/ledger/payout-plan.js';
import { soloBalances, soloOutputs } from '../../src/ledger/solo-payout.js';
import { addresses, addressOf, anyValue, scriptOf, seeded } from './support.js';

const anyRules = fc
  .record({
    fee: fc.option(fc.integer({ min: 0, max: 5_000 })),
    donation: fc.option(fc.integer({ min: 0, max: 5_000 })),
    minimumPayout: fc.constantFrom(0n, 546n, 5_000n),
    reserve: fc.integer({ min: 900, max: 903 }),
  })
  .map(({ fee, donation, minimumPayout, reserve }): DistributionRules => ({
    reserve: scriptOf(reserve),
    minimumPayout,
    limits: { weight: 26_000, sigops: 800, count: 200 },
    ...(fee === null ? {} : { fee: { basisPoints: fee, scriptPubKey: scriptOf(reserve) } }),
    ...(donation === null ? {} : { donation: { basisPoints: donation, scriptPubKey: scriptOf(950) } }),
  }));

const anyUser = fc
  .tuple(
    fc.oneof(fc.constantFrom(...addresses), fc.integer({ min: 0, max: 300 }).map(addressOf)),
    fc.constantFrom('', '.rig', 'sri/solo/', 'sri/donate/2.5/', 'sri/donate/100/'),
  )
  .map(([address, form]) => (form.endsWith('/') ? `${form}${address}` : `${address}${form}`));

describe('a block of one payee alone', () => {
  it('pays the same whether its outputs are worked out whole or as those of a payee that is alike', () => {
    fc.assert(
      fc.property(
        anyRules,
        fc.array(fc.tuple(anyUser, fc.constantFrom(0n, 100n, 6_000n, -4_000n), fc.constantFrom(0n, 7_000n)), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.array(anyValue, { minLength: 1, maxLength: 3 }),
        (rules, users, values) => {
          const quick = soloOutputs(rules);
          for (const [user, balance, donated] of users) {
            for (const value of values) {
              const plan = { rules, networks: ['mainnet' as const, 'regtest' as const] };
              const payee = { user, payTo: payToOf(user, plan) };
              const all = new Map([
                ...payee.payTo.map(({ script }) => [script, balance] as const),
                [bytesToHex(scriptOf(950)), donated],
              ]);
              const whole = freezeSolo(payee, plan, { value, networkWork: 1n, balances: all, until: [] });
              const own = soloBalances(payee, rules, all);
              expect(quick(payee, value, own)).toEqual(whole.distribution.outputs);
              const { payments, outputs } = whole.distribution;
              expect(outputs.reduce((sum, output) => sum + output.value, 0n)).toBe(value);
              expect(payments.reduce((sum, { after }) => sum + after, 0n)).toBe(0n);
            }
          }
        },
      ),
      seeded,
    );
  });

  it('leaves alone what others are owed', () => {
    const rules: DistributionRules = {
      reserve: scriptOf(900),
      minimumPayout: 5_000n,
      limits: { weight: 26_000, sigops: 800, count: 200 },
    };
    const payee = { user: addressOf(1), payTo: payToOf(addressOf(1), { rules }) };
    const script = payee.payTo[0]?.script ?? '';
    const balances = new Map([
      [script, 10n],
      [bytesToHex(scriptOf(2)), 9_000n],
      [bytesToHex(rules.reserve), -9_010n],
    ]);
    expect([...soloBalances(payee, rules, balances)]).toEqual([
      [script, 10n],
      [bytesToHex(rules.reserve), -10n],
    ]);
  });
});
