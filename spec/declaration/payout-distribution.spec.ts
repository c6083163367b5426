import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { TxOut } from '../../src/bitcoin/index.js';
import { checkDistributedOutputs, distributedOutputs } from '../../src/declaration/index.js';
import {
  distributionIdOf,
  distributionMessage,
  distributionOf,
  distributionTlv,
  SetPayoutDistribution,
} from '../../src/declaration/payout-messages.js';
import { codeOf } from '../bitcoin/support.js';
import {
  answer,
  blockTemplate,
  clientJob,
  connected,
  declaration,
  declaratorWith,
  detailsOf,
  NOW,
  otherScript,
  poolScript,
  sentTo,
  tokenOf,
} from './support.js';

const amount = fc.oneof(fc.bigInt({ min: 0n, max: 10n }), fc.bigInt({ min: 0n, max: 2n ** 63n }));
const output = (value: fc.Arbitrary<bigint>): fc.Arbitrary<TxOut> =>
  fc.record({ value, scriptPubKey: fc.uint8Array({ minLength: 1, maxLength: 34 }) });
const distribution = fc
  .tuple(
    output(amount),
    fc.array(fc.tuple(output(amount), fc.integer({ min: 0, max: 0xffff_ffff })), { maxLength: 20 }),
    fc.array(output(fc.bigInt({ min: 0n, max: 50_000n })), { maxLength: 3 }),
  )
  .map(([poolPayout, miners, additionalOutputs]) => ({
    poolPayout,
    payouts: miners.map(([payout]) => payout),
    dustLimits: miners.map(([, limit]) => limit),
    additionalOutputs,
  }));
const value = fc.bigInt({ min: 1n, max: 2_100_000_000_000_000n });

describe('a payout distribution', () => {
  it("sums to the template's value exactly, in order, without dust: 3,000 with seed 14", () => {
    let made = 0;
    fc.assert(
      fc.property(distribution, value, (given, total) => {
        const { poolPayout, payouts, dustLimits, additionalOutputs } = given;
        const fixed = additionalOutputs.reduce((sum, each) => sum + each.value, 0n);
        const weights = payouts.reduce((sum, each) => sum + each.value, poolPayout.value);
        if (fixed >= total || weights === 0n) {
          expect(codeOf(() => distributedOutputs(given, total))).toBe('invalid-payout-distribution');
          return;
        }
        made += 1;
        const outputs = distributedOutputs(given, total);
        expect(outputs.reduce((sum, each) => sum + each.value, 0n)).toBe(total);
        const [first, ...rest] = outputs;
        expect(first?.scriptPubKey).toBe(poolPayout.scriptPubKey);
        // the pool never has less than its part
        expect(first!.value * weights).toBeGreaterThanOrEqual(poolPayout.value * (total - fixed));
        expect(rest.slice(rest.length - additionalOutputs.length)).toEqual(additionalOutputs);
        const paid = rest.slice(0, rest.length - additionalOutputs.length);
        let at = 0;
        for (const [index, payout] of payouts.entries()) {
          const exact = payout.value * (total - fixed);
          const isDust = exact < BigInt(dustLimits[index]!) * weights || exact < weights;
          if (isDust) continue;
          const got = paid[at++];
          expect(got?.scriptPubKey).toBe(payout.scriptPubKey);
          // floor, by another way than a division
          expect(got!.value * weights).toBeLessThanOrEqual(exact);
          expect((got!.value + 1n) * weights).toBeGreaterThan(exact);
        }
        expect(at).toBe(paid.length);
        expect(codeOf(() => checkDistributedOutputs(outputs, given, total))).toBeNull();
      }),
      { seed: 14, numRuns: 3000 },
    );
    expect(made).toBeGreaterThan(2000);
  });

  it('is refused when an output has another value, another place, or another beside it', () => {
    const given = {
      poolPayout: { value: 1n, scriptPubKey: poolScript },
      payouts: [{ value: 3n, scriptPubKey: otherScript }],
      dustLimits: [546],
      additionalOutputs: [{ value: 0n, scriptPubKey: Uint8Array.of(0x6a) }],
    };
    const [pool, miner, additional] = distributedOutputs(given, 10_000n) as [TxOut, TxOut, TxOut];
    const check = (...outputs: TxOut[]) => codeOf(() => checkDistributedOutputs(outputs, given, 10_000n));
    expect([pool.value, miner.value, additional.value]).toEqual([2_500n, 7_500n, 0n]);
    expect(check(pool, miner, additional, { ...additional, value: 0n })).toBeNull();
    const refused = 'invalid-payout-distribution';
    expect(check(miner, pool, additional)).toBe(refused);
    expect(check({ ...pool, value: 2_501n }, { ...miner, value: 7_499n }, additional)).toBe(refused);
    expect(check(pool, miner)).toBe(refused);
    expect(check(pool, miner, additional, miner)).toBe(refused);
  });

  it('is the same after it was sent, and named by 8 bytes', () => {
    fc.assert(
      fc.property(distribution, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (given, id) => {
        const message = SetPayoutDistribution.decode(
          SetPayoutDistribution.encode(distributionMessage(id, given)),
        );
        expect(distributionOf(message)).toEqual(given);
        expect(distributionIdOf({ tlvs: [distributionTlv(id)] })).toBe(id);
      }),
      { seed: 15, numRuns: 200 },
    );
  });
});

describe('a declared job of a client that has the extension', () => {
  const template = blockTemplate();
  const shared = (pool: bigint, miner: bigint) => ({
    poolPayout: { value: pool, scriptPubKey: poolScript },
    payouts: [{ value: miner, scriptPubKey: otherScript }],
    dustLimits: [546],
    additionalOutputs: [],
  });
  const first = shared(1n, 9n);
  const jobOf = (given: typeof first) =>
    clientJob(template, { payouts: (total) => distributedOutputs(given, total) });

  const setUp = () => {
    const declarator = declaratorWith(template);
    declarator.distribute(first, false, NOW);
    connected(declarator);
    const [told] = sentTo(declarator.negotiated(1, [3])) as unknown as [SetPayoutDistribution];
    expect(distributionOf(told)).toEqual(first);
    const declare = (given: typeof first, id: bigint | undefined, now = NOW) => {
      const message = declaration(jobOf(given), tokenOf(declarator).miningJobToken);
      const tlvs = id === undefined ? [] : [distributionTlv(id)];
      return declarator.handle(1, { ...message, tlvs }, now);
    };
    const codeFor = (...args: Parameters<typeof declare>) => {
      const { errorCode, errorDetails } = answer(declare(...args), 'DeclareMiningJob.Error');
      expect(detailsOf(errorDetails)).toMatch(/^(expected|the coinbase: expected) /);
      return errorCode;
    };
    return { declarator, declare, codeFor, id: told.distributionId };
  };

  it('is held to the distribution that it names', () => {
    const { declarator, declare, codeFor, id } = setUp();
    expect(tokenOf(declarator).coinbaseTxOutputs).toEqual(Uint8Array.of(0));
    answer(declare(first, id), 'DeclareMiningJob.Success');
    expect(codeFor(first, undefined)).toBe('invalid-payout-distribution');
    expect(codeFor(first, id + 1n)).toBe('stale-payout-distribution');
    expect(codeFor(shared(1n, 8n), id)).toBe('invalid-payout-distribution');
  });

  it('may be of the one before for a while, but not when a block has paid by that', () => {
    const { declarator, declare, codeFor, id } = setUp();
    declarator.distribute(shared(1n, 1n), false, NOW);
    answer(declare(first, id, NOW + 29_999), 'DeclareMiningJob.Success');
    expect(codeFor(first, id, NOW + 30_000)).toBe('stale-payout-distribution');
    answer(declare(shared(1n, 1n), id + 1n), 'DeclareMiningJob.Success');
    declarator.distribute(first, true, NOW);
    expect(codeFor(shared(1n, 1n), id + 1n)).toBe('stale-payout-distribution');
  });
});
