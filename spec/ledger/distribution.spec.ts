import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex, hexToBytes } from '../../src/codec/hex.js';
import {
  addCosts,
  apportion,
  distribute,
  divideBlock,
  dustLimit,
  isWithin,
  outputCost,
  type DistributionRules,
  type Distribution,
} from '../../src/index.js';
import { anyBalances, anyValue, anyWeights, scriptOf, seeded, weightsOf } from './support.js';

const reserve = scriptOf(1_000);
const roomy = { weight: 400_000, sigops: 10_000, count: 1_000 };
const plain: DistributionRules = { reserve, minimumPayout: 0n, limits: roomy };
const none = new Map<string, bigint>();
const sum = (amounts: Iterable<bigint>): bigint => [...amounts].reduce((total, amount) => total + amount, 0n);
const paidTo = ({ payments }: Distribution, script: Uint8Array): bigint =>
  payments.find((payment) => payment.script === bytesToHex(script))?.paid ?? 0n;

/** Who waits though there would be room, where everybody else has got all that is due. */
const leftOut = ({ payments, outputs }: Distribution, { minimumPayout, limits }: DistributionRules) => {
  const own = payments.filter(({ script }) => script !== bytesToHex(reserve));
  if (own.some(({ paid, before, earned }) => paid > 0n && paid < before + earned)) return [];
  const used = outputs
    .filter(({ scriptPubKey }) => bytesToHex(scriptPubKey) !== bytesToHex(reserve))
    .map(({ scriptPubKey }) => outputCost(scriptPubKey))
    .reduce(addCosts, outputCost(reserve));
  return own.filter(({ script, paid, before, earned }) => {
    const scriptPubKey = hexToBytes(script);
    const due = before + earned;
    return (
      paid === 0n &&
      due >= minimumPayout &&
      due >= dustLimit(scriptPubKey) &&
      own.every((payment) => payment.after >= 0n) &&
      isWithin(addCosts(used, outputCost(scriptPubKey)), limits)
    );
  });
};

const anyRules = fc
  .record({
    donation: fc.option(fc.integer({ min: 0, max: 300 }), { nil: undefined }),
    fee: fc.option(fc.integer({ min: 0, max: 10_000 - 300 }), { nil: undefined }),
    minimumPayout: fc.bigInt(0n, 2_000_000n),
    weight: fc.integer({ min: 200, max: 8_000 }),
    sigops: fc.integer({ min: 4, max: 80 }),
    count: fc.integer({ min: 1, max: 30 }),
  })
  .map(({ donation, fee, minimumPayout, weight, sigops, count }): DistributionRules => ({
    ...(donation === undefined ? {} : { donation: { basisPoints: donation, scriptPubKey: scriptOf(1_001) } }),
    ...(fee === undefined ? {} : { fee: { basisPoints: fee, scriptPubKey: scriptOf(1_002) } }),
    reserve,
    minimumPayout,
    limits: { weight, sigops, count },
  }));

describe('an amount is divided by weights', () => {
  it('to the last satoshi, the largest remainders first, of equal ones the first by key', () => {
    const weights = new Map([
      ['c', 1n],
      ['a', 1n],
      ['b', 1n],
    ]);
    expect([...apportion(11n, weights)].sort()).toEqual([
      ['a', 4n],
      ['b', 4n],
      ['c', 3n],
    ]);
  });

  it('with nothing lost, nobody a satoshi from the exact part, whatever their order', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 1n << 60n), anyWeights, (amount, weights) => {
        const all = weightsOf(weights);
        const total = sum(weights);
        fc.pre(total > 0n);
        const parts = apportion(amount, all);
        expect(sum(parts.values())).toBe(amount);
        for (const [key, weight] of all) {
          const off = (parts.get(key) ?? 0n) * total - amount * weight;
          expect(off < total && off > -total).toBe(true);
        }
        const reversed = apportion(amount, new Map([...all].reverse()));
        expect(Object.fromEntries(reversed)).toEqual(Object.fromEntries(parts));
      }),
      seeded,
    );
  });

  it('unless there is nobody to have it', () => {
    expect(() => apportion(1n, new Map())).toThrow(expect.objectContaining({ code: 'out-of-range' }));
    expect(() => apportion(1n, new Map([['a', -1n]]))).toThrow(
      expect.objectContaining({ code: 'out-of-range' }),
    );
    expect(apportion(0n, new Map([['a', 0n]])).get('a')).toBe(0n);
  });
});

describe('a block is divided', () => {
  it('by work, after donation and fee', () => {
    const rules = {
      ...plain,
      donation: { basisPoints: 50, scriptPubKey: scriptOf(1_001) },
      fee: { basisPoints: 100, scriptPubKey: scriptOf(1_002) },
    };
    const result = distribute(312_500_001n, weightsOf([1n, 3n]), none, rules);
    expect(paidTo(result, scriptOf(1_001))).toBe(1_562_500n);
    expect(paidTo(result, scriptOf(1_002))).toBe(3_125_000n);
    expect(paidTo(result, scriptOf(0))).toBe(76_953_125n);
    expect(paidTo(result, scriptOf(1))).toBe(230_859_376n);
    expect(result.outputs.map(({ value }) => value)).toEqual([
      230_859_376n,
      76_953_125n,
      3_125_000n,
      1_562_500n,
    ]);
  });

  it('among all who are due the minimum', () => {
    const rules = { ...plain, minimumPayout: 5_000n };
    expect(distribute(10_000n, weightsOf([1n, 1n]), none, rules).outputs.map(({ value }) => value)).toEqual([
      5_000n,
      5_000n,
    ]);
  });

  it('without an output to the reserve that nobody would spend: the largest is paid ahead', () => {
    const result = distribute(1_000_100n, weightsOf([1_000_000n, 100n]), none, plain);
    expect(result.outputs).toEqual([{ value: 1_000_100n, scriptPubKey: scriptOf(0) }]);
    expect(result.payments.find(({ script }) => script === bytesToHex(scriptOf(0)))?.after).toBe(-100n);
  });

  it('that is worth less than is owed: in proportion, and those who would get too little wait, the smallest first', () => {
    const balances = new Map([
      [bytesToHex(scriptOf(0)), 10_000n],
      [bytesToHex(scriptOf(1)), 9_000n],
      [bytesToHex(scriptOf(2)), 8_000n],
      [bytesToHex(reserve), -27_000n],
    ]);
    const result = distribute(12_000n, none, balances, { ...plain, minimumPayout: 5_000n });
    expect([0, 1, 2].map((user) => paidTo(result, scriptOf(user)))).toEqual([6_316n, 5_684n, 0n]);
  });

  it('exactly, whatever the weights, balances and rules: nothing made up, nothing kept, within the limits', () => {
    fc.assert(
      fc.property(anyValue, anyWeights, anyBalances, anyRules, (value, weights, balances, rules) => {
        const { payments, outputs } = distribute(value, weightsOf(weights), balances, rules);
        expect(sum(outputs.map((output) => output.value))).toBe(value);
        expect(sum(payments.map(({ earned }) => earned))).toBe(value);
        expect(sum(payments.map(({ after }) => after))).toBe(0n);
        const costs = outputs.map(({ scriptPubKey }) => outputCost(scriptPubKey));
        expect(costs.length).toBeLessThanOrEqual(rules.limits.count);
        expect(costs.reduce((total, { weight }) => total + weight, 0)).toBeLessThanOrEqual(
          rules.limits.weight,
        );
        expect(costs.reduce((total, { sigops }) => total + sigops, 0)).toBeLessThanOrEqual(
          rules.limits.sigops,
        );
        for (const { script, paid } of payments) {
          if (paid === 0n || script === bytesToHex(reserve)) continue;
          expect(paid).toBeGreaterThanOrEqual(rules.minimumPayout);
        }
        for (const { value: amount, scriptPubKey } of outputs) {
          if (bytesToHex(scriptPubKey) === bytesToHex(reserve)) continue;
          expect(amount).toBeGreaterThanOrEqual(dustLimit(scriptPubKey));
        }
      }),
      seeded,
    );
  });

  it('alike, in whatever order users come and however work is split, and in whatever unit it is weighed', () => {
    fc.assert(
      fc.property(
        anyValue,
        anyWeights,
        anyBalances,
        anyRules,
        fc.bigInt(1n, 1n << 70n),
        (value, weights, balances, rules, unit) => {
          const all = weightsOf(weights);
          const result = distribute(value, all, balances, rules);
          const permuted = new Map([...all].reverse());
          expect(distribute(value, permuted, new Map([...balances].reverse()), rules)).toEqual(result);
          const inOtherUnits = new Map([...all].map(([script, weight]) => [script, weight * unit]));
          expect(distribute(value, inOtherUnits, balances, rules)).toEqual(result);
        },
      ),
      seeded,
    );
  });

  it('so that over many blocks everybody gets what was earned, but for what is still owed', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyValue, anyWeights), { maxLength: 12 }), anyRules, (blocks, rules) => {
        let balances = new Map<string, bigint>();
        const [earned, paid] = [new Map<string, bigint>(), new Map<string, bigint>()];
        for (const [value, weights] of blocks) {
          const { payments } = distribute(value, weightsOf(weights), balances, rules);
          balances = new Map(payments.map(({ script, after }) => [script, after]));
          for (const payment of payments) {
            earned.set(payment.script, (earned.get(payment.script) ?? 0n) + payment.earned);
            paid.set(payment.script, (paid.get(payment.script) ?? 0n) + payment.paid);
          }
        }
        for (const [script, amount] of earned)
          expect(amount - (paid.get(script) ?? 0n)).toBe(balances.get(script) ?? 0n);
      }),
      seeded,
    );
  });

  it('with what is too little carried forward, paid when it is enough, and owed by the reserve meanwhile', () => {
    const rules = { ...plain, minimumPayout: 1_000n };
    const weights = weightsOf([600n, 99_400n]);
    const first = distribute(100_000n, weights, none, rules);
    expect(paidTo(first, scriptOf(0))).toBe(0n);
    expect(paidTo(first, reserve)).toBe(600n);
    const balances = new Map(first.payments.map(({ script, after }) => [script, after]));
    const second = distribute(100_000n, weights, balances, rules);
    expect(paidTo(second, scriptOf(0))).toBe(1_193n); // 1,200 are due, and the reserve has been paid 600 of them
    expect(paidTo(second, scriptOf(1))).toBe(98_807n);
    expect(sum(second.payments.map(({ after }) => after))).toBe(0n);
  });

  it('among the largest when there is room for a few; the others wait', () => {
    const rules = { ...plain, limits: { ...roomy, count: 3 } };
    const result = distribute(1_000_000n, weightsOf([1n, 2n, 3n, 4n]), none, rules);
    expect(paidTo(result, scriptOf(3))).toBe(400_000n);
    expect(paidTo(result, scriptOf(2))).toBe(300_000n);
    expect(paidTo(result, reserve)).toBe(300_000n);
    expect(result.payments.find(({ script }) => script === bytesToHex(scriptOf(1)))?.after).toBe(200_000n);
  });

  it('once for outputs of several sizes, each as if it were the only one', () => {
    const anyLimits = fc.array(
      fc.record({
        weight: fc.integer({ min: 200, max: 8_000 }),
        sigops: fc.integer({ min: 4, max: 80 }),
        count: fc.integer({ min: 1, max: 30 }),
      }),
      { minLength: 2, maxLength: 5 },
    );
    fc.assert(
      fc.property(
        ...[anyValue, anyWeights, anyBalances, anyRules, anyLimits],
        (value, weights, balances, rules, sizes) => {
          const all = weightsOf(weights);
          const division = divideBlock(value, all, balances, rules);
          for (const limits of sizes) {
            const right = distribute(value, all, balances, { ...rules, limits });
            expect(division.outputsWithin(limits)).toEqual(right.outputs);
            expect(division.within(limits)).toEqual(right);
            expect(leftOut(right, { ...rules, limits })).toEqual([]);
          }
        },
      ),
      seeded,
    );
    const division = divideBlock(5_000n, weightsOf([1n, 2n]), none, plain);
    expect(() => division.outputsWithin({ ...roomy, count: 0 })).toThrow(
      expect.objectContaining({ code: 'no-room' }),
    );
  });

  it('to the reserve while nobody has delivered anything, and a block that is worth nothing has an output', () => {
    expect(distribute(5_000n, none, none, plain).outputs).toEqual([{ value: 5_000n, scriptPubKey: reserve }]);
    expect(distribute(0n, none, none, plain).outputs).toEqual([{ value: 0n, scriptPubKey: reserve }]);
  });

  it('not by rules that make no sense', () => {
    const failing = (rules: Partial<DistributionRules>, balances = none) =>
      expect(() => distribute(1n, none, balances, { ...plain, ...rules }));
    failing({ limits: { ...roomy, count: 0 } }).toThrow(expect.objectContaining({ code: 'no-room' }));
    failing({ fee: { basisPoints: 10_001, scriptPubKey: reserve } }).toThrow('basis points');
    failing({ fee: { basisPoints: 1.5, scriptPubKey: reserve } }).toThrow('basis points');
    failing({}, new Map([['00', 1n]])).toThrow('balances must sum to 0, got 1');
    const half = { basisPoints: 6_000, scriptPubKey: reserve };
    expect(() => distribute(100n, none, none, { ...plain, fee: half, donation: half })).toThrow(
      'donation and fee',
    );
  });
});

it("knows nodes' dust limits (Bitcoin Core, GetDustThreshold)", () => {
  expect([1, 2, 0, 3].map((number) => dustLimit(scriptOf(number)))).toEqual([546n, 540n, 294n, 330n]);
});
