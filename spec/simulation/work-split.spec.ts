import { describe, expect, it } from '@jest/globals';
import { splitWork, type SplitSimulation } from './work-split.js';
import { randomOf } from './random.js';

/** The first seed; others with `FIRST_SEED`. */
const seed = Number(process.env['FIRST_SEED'] ?? 1);

const three = [12, 3, 0.7];
/** From 0.3 to 15 H/s, most of them small. */
const many = (count: number): number[] => {
  const random = randomOf(seed);
  return Array.from({ length: count }, () => 0.3 * 50 ** (random() ** 2));
};

const partsOf = (work: readonly number[]): number[] => {
  const sum = work.reduce((all, one) => all + one, 0);
  return work.map((one) => one / sum);
};

/** Each part is what it was to be, give or take 2 of 100 of all. */
const expectParts = (work: readonly number[], parts: readonly number[]): void =>
  partsOf(work).forEach((part, index) =>
    expect([index, Math.abs(part - (parts[index] as number)) < 0.02 ? parts[index] : part]).toEqual([
      index,
      parts[index],
    ]),
  );

/** What was worked between two moments. */
const since = (work: readonly number[], before: readonly number[]): number[] =>
  work.map((one, index) => one - (before[index] as number));

describe(`an hour of work split by weight, seed ${seed}`, () => {
  it.each(['aggregate', 'pass-through'] as const)(
    'three unlike miners, %s',
    (mode) => {
      const { work, lost, moves } = splitWork(3_600, { seed, mode, weights: [70, 30], hashRates: three });
      expectParts(work, [0.7, 0.3]);
      expect(lost).toBe(0);
      expect(moves).toBeLessThan(3 * 120);
    },
    120_000,
  );

  it('three hundred unlike miners, few of which are moved', () => {
    const { work, expected, lost, moves, accepted } = splitWork(3_600, {
      ...{ seed, weights: [70, 30], hashRates: many(300) },
      proxy: { sharesPerMinute: 2 }, // a third of what is usual: a third of the time
    });
    expectParts(work, [0.7, 0.3]);
    expect(lost).toBe(0);
    expect(moves).toBeLessThan(600);
    // nor is any of it lost by moving
    const all = (parts: readonly number[]): number => parts.reduce((sum, part) => sum + part, 0);
    expect(Math.abs(all(work) / expected - 1)).toBeLessThan(0.05);
    expect(Math.abs(all(accepted) / all(work) - 1)).toBeLessThan(0.15);
  }, 300_000);

  it('three hundred unlike miners whose channels pass through, who all say the same of themselves, and of whom a tenth is pinned', () => {
    const hashRates = many(300);
    const isPinned = (index: number): boolean => index % 10 === 0;
    const { work, expected, lost, moves } = splitWork(3_600, {
      ...{ seed, mode: 'pass-through', weights: [70, 30], hashRates, poolSharesPerMinute: 3 },
      nominal: () => 1,
      proxy: { pinnedTo: (user) => (isPinned(Number(/\d+/.exec(user)?.[0])) ? 1 : undefined) },
    });
    const [free, pinned] = hashRates.reduce(
      ([others, own], rate, index) => (isPinned(index) ? [others, own + rate] : [others + rate, own]),
      [0, 0] as readonly [number, number],
    );
    expectParts(work, partsOf([0.7 * free, 0.3 * free + pinned]));
    expect(lost).toBe(0);
    expect(moves).toBeLessThan(600);
    const all = work.reduce((sum, part) => sum + part, 0);
    expect(Math.abs(all / expected - 1)).toBeLessThan(0.05);
  }, 300_000);

  it('a pool that is away: the others have its part meanwhile, and it has that again when it is back', () => {
    const marks: Record<number, number[]> = {};
    const { work, lost, expected } = splitWork(7_200, {
      ...{ seed, weights: [60, 30, 10], hashRates: many(12) },
      each(second, simulation) {
        if (second === 2_400) simulation.die(0);
        if (second === 4_000) simulation.comeBack(0);
        if ([2_400, 2_460, 4_000, 4_059, 4_080].includes(second)) marks[second] = [...simulation.work];
      },
    });
    const at = (second: number): readonly number[] => marks[second] as number[];
    expectParts(at(2_400), [0.6, 0.3, 0.1]);
    expectParts(since(at(4_000), at(2_460)), [0, 0.75, 0.25]);
    // it has to last for a minute first, and what was worked meanwhile is not made up for
    expect(since(at(4_059), at(4_000))[0]).toBe(0);
    expectParts(since(work, at(4_080)), [0.6, 0.3, 0.1]);
    expect(lost).toBeLessThan(expected / 1_000);
  }, 120_000);

  it('a pool without a weight has work only while no other has', () => {
    const marks: number[][] = [];
    const { work } = splitWork(1_800, {
      ...{ seed, weights: [1, 0], hashRates: three },
      each(second, simulation) {
        if (second === 600) simulation.die(0);
        if (second === 1_200) simulation.comeBack(0);
        if (second === 600 || second === 1_260) marks.push([...simulation.work]);
      },
    });
    const [before, back] = marks as [number[], number[]];
    expectParts(before, [1, 0]);
    expectParts(since(back, before), [0, 1]);
    expectParts(since(work, back), [1, 0]);
  }, 120_000);

  it('a pinned miner works where it is pinned to, which the weights of the others are not about', () => {
    const pinned = (userIdentity: string): number | undefined =>
      userIdentity === 'user0.rig' ? 1 : undefined;
    let before: number[] = [];
    const [large, ...small] = many(8).sort((a, b) => b - a) as [number, ...number[]];
    const run = (simulation: SplitSimulation, second: number): void => {
      if (second === 3_600) before = [...simulation.work];
      if (second === 3_600) simulation.die(1);
    };
    const { work } = splitWork(4_200, {
      ...{ seed, weights: [50, 50], hashRates: [large, ...small], proxy: { pinnedTo: pinned } },
      each: (second, simulation) => run(simulation, second),
    });
    const half = small.reduce((sum, rate) => sum + rate, 0) / 2;
    const parts = partsOf([half, half + large]);
    partsOf(before).forEach((part, index) =>
      expect(Math.abs(part - (parts[index] as number))).toBeLessThan(0.04),
    );
    // and elsewhere rather than nowhere
    expectParts(since(work, before), [1, 0]);
  }, 120_000);
});
