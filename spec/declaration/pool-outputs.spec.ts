import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { TxOut } from '../../src/bitcoin/index.js';
import { leastPayout } from '../../src/declaration/index.js';
import { checkPoolOutputs } from '../../src/declaration/pool-outputs.js';
import { codeOf } from '../bitcoin/support.js';

const script = (number: number): Uint8Array => Uint8Array.of(0x51, number);
const output: fc.Arbitrary<TxOut> = fc.record({
  value: fc.bigInt({ min: 0n, max: 1000n }),
  scriptPubKey: fc.integer({ min: 0, max: 3 }).map(script),
});

describe("the pool's outputs", () => {
  it('are there in any order, each counted once, with what they must have: 2,000 with seed 12', () => {
    let accepted = 0;
    const required = fc.array(output, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(
        fc.array(output, { maxLength: 6 }),
        required,
        fc.bigInt({ min: 0n, max: 2000n }),
        fc.constantFrom(0, 0.25, 0.5, 1),
        (outputs, wanted, value, minPoolShare) => {
          const [first, ...others] = wanted as [TxOut, ...TxOut[]];
          const code = codeOf(() =>
            checkPoolOutputs(outputs, { outputs: [first, ...others], minPoolShare }, value),
          );
          // by another way: an output of one's own for each, and in sum for each script
          const total = outputs.reduce((sum, each) => sum + each.value, 0n);
          const rest = others.reduce((left, each) => left - each.value, total > value ? total : value);
          const payout = leastPayout(rest > 0n ? rest : 0n, minPoolShare);
          const needed = [{ ...first, value: payout > first.value ? payout : first.value }, ...others];
          const of = (list: readonly TxOut[], number: number) =>
            list.filter(({ scriptPubKey }) => scriptPubKey[1] === number);
          const sum = (list: readonly TxOut[]) => list.reduce((all, each) => all + each.value, 0n);
          const isPaid = [0, 1, 2, 3].every(
            (number) =>
              of(outputs, number).length >= of(needed, number).length &&
              sum(of(outputs, number)) >= sum(of(needed, number)),
          );
          expect(code === null).toBe(isPaid);
          if (isPaid) accepted += 1;
        },
      ),
      { seed: 12, numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(50);
  });

  it('get their part rounded up', () => {
    expect(leastPayout(1000n)).toBe(1000n);
    expect(leastPayout(1001n, 0.5)).toBe(501n);
    expect(leastPayout(1001n, 0)).toBe(0n);
  });
});
