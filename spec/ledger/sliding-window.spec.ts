import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { slidingWindow, windowOver, type SlotWork } from '../../src/index.js';
import { seeded } from './support.js';

const anyEntry = fc.record({
  slot: fc.integer({ min: 0, max: 8 }),
  user: fc.constantFrom('a', 'b', 'c', 'd', '__proto__'),
  shares: fc.integer({ min: 0, max: 3 }),
  work: fc.oneof(fc.constant(0n), fc.bigInt(1n, 50n), fc.bigInt(1n, 1n << 80n)),
});

const anyStep = fc.oneof(
  { weight: 4, arbitrary: fc.array(anyEntry, { maxLength: 4 }) },
  { weight: 4, arbitrary: fc.oneof(fc.bigInt(1n, 400n), fc.bigInt(1n, 1n << 82n)) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 8 }) },
);

describe('a window that is kept up to date', () => {
  it('is the one over all work, whatever was added, asked for and forgotten before', () => {
    let partial = 0;
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
        const window = slidingWindow();
        let all: SlotWork[] = [];
        for (const step of steps) {
          if (typeof step === 'bigint') {
            const right = windowOver(all, step);
            expect(window.over(step)).toEqual(right);
            if (right.scale > 1n) partial += 1;
          } else if (typeof step === 'number') {
            window.forgetBefore(step);
            all = all.filter(({ slot }) => slot >= step);
          } else {
            window.add(step);
            all.push(...step);
          }
        }
        expect(windowOver(window.slots(), 1n << 90n)).toEqual(windowOver(all, 1n << 90n));
      }),
      { ...seeded, numRuns: 1_000 },
    );
    expect(partial).toBeGreaterThan(300);
  });

  it('is refused without any length, as over all work', () => {
    expect(() => slidingWindow().over(0n)).toThrow('a window must be above 0 hashes, got 0');
  });
});
