import { expect, it } from '@jest/globals';
import { templateDivision } from '../../../src/roles/pool/template-division.js';
import { planOf, scriptOf, weightsOf } from '../../ledger/support.js';
import { bytesToHex } from '../../../src/codec/hex.js';

it('a template is divided once, until its value, the work or what is owed is another', () => {
  const { rules } = planOf('pplns');
  const divide = templateDivision(rules);
  const work = (weights: readonly bigint[]) => ({
    ...{ windowWork: null, payTo: new Map(), weights: weightsOf(weights) },
    window: {
      ...{ newestSlot: null, oldestSlot: null, scale: 1n, contributions: [] },
      partOfOldest: { numerator: 1n, denominator: 1n },
    },
  });
  const [first, second] = [work([1n, 2n]), work([3n])];
  const none = new Map<string, bigint>();
  const owed = new Map([
    [bytesToHex(scriptOf(0)), 70_000n],
    [bytesToHex(rules.reserve), -70_000n],
  ]);
  const before = divide(1_000_000n, first, none);
  expect(divide(1_000_000n, first, none)).toBe(before);
  const others = [
    divide(1_000_000n, second, none),
    divide(2_000_000n, second, none),
    divide(2_000_000n, second, owed),
  ];
  expect(new Set([before, ...others]).size).toBe(4);
  const totals = others.map((division) =>
    division.outputsWithin(rules.limits).reduce((sum, { value }) => sum + value, 0n),
  );
  expect(totals).toEqual([1_000_000n, 2_000_000n, 2_000_000n]);
});
