import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { emptyAccount, payeeAccounts, type LedgerAccount, type StoredBlock } from 'rx-sv2';

const address = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const script = '0014751e76e8199196d454941c45d1b3a323f1433bd6';
const reserve = '51';

const account = (user: string, accepted: number, worker = ''): LedgerAccount => ({
  ...emptyAccount(user, worker),
  ...{ accepted, difficultySum: 10 * accepted, bestDifficulty: accepted, lastShareAt: accepted },
});

/** A block that pays so much, and carries forward so much. */
const block = (
  state: StoredBlock['state'],
  payments: readonly (readonly [script: string, paid: bigint, change: bigint])[],
): StoredBlock => ({
  ...{ hash: 'aa', height: 1, state, confirmations: 1 },
  changes: new Map(payments.map(([to, , change]) => [to, change])),
  statement: { payments: payments.map(([to, paid]) => ({ script: to, paid: String(paid) })) } as never,
});

describe('the accounts of payees', () => {
  it('put the workers of an address together, and with them what it is owed and was paid', () => {
    const accounts = [
      account(`${address}.one`, 3),
      account(`${address}.two`, 5, 'rig'),
      account(`sri/solo/${address}/three`, 1),
      account('no address', 7),
    ];
    const blocks = [
      block('booked', [
        [script, 100n, 5n],
        [reserve, 50n, -5n],
      ]),
      block('found', [[script, 30n, 0n]]),
      block('reversed', [[script, 1_000n, 9n]]),
    ];
    expect(payeeAccounts(accounts, blocks)).toEqual([
      {
        ...{ payee: address, script, workers: 3, accepted: 9, rejected: 0, difficultySum: 90 },
        ...{ bestDifficulty: 5, blocksFound: 0, lastShareAt: 5, owed: 5n, pending: 30n, paid: 100n },
      },
      {
        ...{ payee: reserve, script: reserve, workers: 0, accepted: 0, rejected: 0, difficultySum: 0 },
        ...{ bestDifficulty: 0, blocksFound: 0, lastShareAt: 0, owed: -5n, pending: 0n, paid: 50n },
      },
      {
        ...{ payee: 'no address', script: null, workers: 1, accepted: 7, rejected: 0, difficultySum: 70 },
        ...{ bestDifficulty: 7, blocksFound: 0, lastShareAt: 7, owed: 0n, pending: 0n, paid: 0n },
      },
    ]);
    const [ofMainnet] = payeeAccounts([account(`${address}.one`, 3)], [], ['mainnet']);
    expect(ofMainnet?.script).toBeNull();
  });

  it('lose no satoshi and make none: what they have is what the blocks pay', () => {
    const scripts = fc.constantFrom(script, reserve, '52');
    const payment = fc.tuple(scripts, fc.bigInt(0n, 10n ** 9n), fc.constant(0n));
    const state = fc.constantFrom('found' as const, 'booked' as const, 'reversed' as const);
    fc.assert(
      fc.property(fc.array(fc.tuple(state, fc.array(payment, { maxLength: 4 }))), (given) => {
        const blocks = given.map(([is, payments]) => block(is, payments));
        const payees = payeeAccounts([account(`${address}.a`, 1), account('x', 1)], blocks);
        const total = payees.reduce((sum, { pending, paid }) => sum + pending + paid, 0n);
        const expected = given
          .filter(([is]) => is !== 'reversed')
          .flatMap(([, payments]) => payments)
          .reduce((sum, [, paid]) => sum + paid, 0n);
        expect(total).toBe(expected);
        expect(new Set(payees.map((payee) => payee.script ?? payee.payee)).size).toBe(payees.length);
      }),
    );
  });
});
