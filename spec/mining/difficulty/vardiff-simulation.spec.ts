import { describe, expect, it } from '@jest/globals';
import {
  ckpoolController,
  seeds,
  simulate,
  summary,
  vardiffController,
  type Controller,
  type Run,
} from './vardiff-simulation.js';

const HASHRATE = 1e14;
const SHARES_PER_MINUTE = 6;
const MINUTE = 60_000;

/** The chance per hash that was set at a time. */
const chanceAt = (run: Run, now: number, initial: number): number =>
  run.changes.filter((change) => change.now <= now).at(-1)?.to ?? initial;

/** Over seeds: the share rate by the target at 10 minutes, and that of the shares found in minutes 10 to 20. */
const convergence = ({ factor = 1, count = 200, delay = 0, sharesPerMinute = SHARES_PER_MINUTE }) => {
  const runs = seeds(count).map((seed) => {
    const controller = vardiffController(HASHRATE * factor, sharesPerMinute);
    const initial = controller.chance();
    const run = simulate(controller, { seed, minutes: 20, hashrate: () => HASHRATE, delay });
    return {
      rate: (HASHRATE * chanceAt(run, 10 * MINUTE, initial) * 60) / sharesPerMinute,
      realised: run.shares.filter((now) => now > 10 * MINUTE).length / 10 / sharesPerMinute,
    };
  });
  return { rate: summary(runs.map((run) => run.rate)), realised: summary(runs.map((run) => run.realised)) };
};

/** Shows the whole result when one of its figures is out of range. */
const expectWithin = (
  result: object,
  figures: Record<string, [value: number, low: number, high: number]>,
) => {
  const outside = Object.entries(figures).filter(
    ([, [value, low, high]]) => !(value >= low && value <= high),
  );
  expect({ outside, result: outside.length === 0 ? undefined : result }).toEqual({
    outside: [],
    result: undefined,
  });
};

describe('after ten minutes', () => {
  // Over seeds 1 to 200, as a share of the configured rate: mean and [5th, 95th percentile] by the target at 10
  // minutes, and mean of the shares realised in minutes 10 to 20, when this was written:
  //    0.001: 0.97 [0.64, 1.29] 0.99       1: 0.96 [0.66, 1.18] 0.99      10: 0.97 [0.63, 1.30] 0.98
  //    0.01:  0.97 [0.66, 1.29] 0.99                                     100: 0.98 [0.64, 1.36] 0.98
  //    0.1:   0.97 [0.66, 1.29] 0.99                                    1000: 0.99 [0.54, 1.41] 0.97
  it.each([0.001, 0.01, 0.1, 1, 10, 100, 1000])(
    'a miner whose nominal hashrate is %d times its own has the configured share rate',
    (factor) => {
      const { rate, realised } = convergence({ factor });
      expectWithin(
        { rate, realised },
        {
          mean: [rate.mean, 0.9, 1.1],
          realisedMean: [realised.mean, 0.9, 1.1],
          p5: [rate.p5, 0.5, 1],
          p95: [rate.p95, 1, 1.5],
        },
      );
    },
  );

  // Until a miner has a job with an easier target, it looks slower than it is: so the rate comes out higher.
  it.each([0.001, 1, 1000])(
    'so has one that starts %d times off and takes 30 s to turn to a new target',
    (factor) => {
      const { rate, realised } = convergence({ factor, count: 50, delay: 30_000 });
      expectWithin(
        { rate, realised },
        { mean: [rate.mean, 0.8, 1.25], realisedMean: [realised.mean, 0.85, 1.15] },
      );
    },
  );

  it.each([1, 60])('so has one with %d shares a minute configured', (sharesPerMinute) => {
    const { rate, realised } = convergence({ count: 50, sharesPerMinute });
    expectWithin(
      { rate, realised },
      { mean: [rate.mean, 0.9, 1.1], realisedMean: [realised.mean, 0.9, 1.1] },
    );
  });
});

describe('in a steady state', () => {
  /** Changes, and their sizes in powers of two, from the third to the 20th hour of 60 steady miners. */
  const restlessness = (start: (nominalHashrate: number) => Controller) => {
    let [changes, octaves] = [0, 0];
    for (const seed of seeds(60)) {
      const controller = start(HASHRATE * [0.001, 0.1, 1, 3, 10][seed % 5]!);
      const run = simulate(controller, {
        seed,
        minutes: 20 * 60,
        hashrate: () => HASHRATE,
        tickEvery: 30_000,
      });
      for (const { now, from, to } of run.changes) {
        if (now < 120 * MINUTE) continue;
        changes++;
        octaves += Math.abs(Math.log2(to / from));
      }
    }
    const hours = 60 * 18;
    return { perHour: changes / hours, octavesPerHour: octaves / hours, octavesPerChange: octaves / changes };
  };

  // When this was written, over seeds 1 to 300: 0.0013 changes and 0.0009 octaves an hour, against 0.17 and 0.10
  // with ckpool's own times and 0.0089 and 0.0043 with stretched ones.
  it('is no more restless than ckpool, with its times as they are and with its times stretched', () => {
    const ours = restlessness((nominal) => vardiffController(nominal, SHARES_PER_MINUTE));
    const ckpool = restlessness((nominal) => ckpoolController(nominal, SHARES_PER_MINUTE, 1));
    const stretched = restlessness((nominal) =>
      ckpoolController(nominal, SHARES_PER_MINUTE, 18 / SHARES_PER_MINUTE),
    );
    const baseline = Math.min(ckpool.perHour, stretched.perHour);
    const octaves = Math.min(ckpool.octavesPerHour, stretched.octavesPerHour);
    expectWithin(
      { ours, ckpool, stretched },
      {
        perHour: [ours.perHour, 0, baseline],
        octavesPerHour: [ours.octavesPerHour, 0, octaves],
      },
    );
  });
});

describe('when the hashrate changes after a steady hour', () => {
  /** Minutes until the target is within a factor of 1.41 of the right one. */
  const minutesToFollow = (factor: number) => {
    const changeAt = 60 * MINUTE;
    return summary(
      seeds(50).map((seed) => {
        const controller = vardiffController(HASHRATE, SHARES_PER_MINUTE);
        const hashrate = (now: number): number => (now < changeAt ? HASHRATE : HASHRATE * factor);
        const run = simulate(controller, { seed, minutes: 120, hashrate, tickEvery: 10_000 });
        const right = SHARES_PER_MINUTE / 60 / (HASHRATE * factor);
        const found = run.changes.find(
          ({ now, to }) => now > changeAt && Math.abs(Math.log2(to / right)) < 0.5,
        );
        return ((found?.now ?? Infinity) - changeAt) / MINUTE;
      }),
    );
  };

  // Median and 95th percentile, in minutes, when this was written: doubled 4 and 11, halved 13 and 24, tenfold
  // 0.6 and 5, a tenth 7 and 19; with ckpool's rule 6 and 11, 13 and 33, 7 and 16, 31 and never.
  it.each([
    [2, 6, 15],
    [0.5, 16, 30],
    [10, 1, 12],
    [0.1, 10, 25],
  ])('follows a factor of %d: half of them in %d minutes, 95 %% in %d', (factor, median, p95) => {
    const minutes = minutesToFollow(factor);
    expectWithin(minutes, { median: [minutes.median, 0, median], p95: [minutes.p95, 0, p95] });
  });
});
