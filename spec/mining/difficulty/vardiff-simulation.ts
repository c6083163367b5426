import { targetToBigInt } from '../../../src/bitcoin/target.js';
import { startVardiff, stepVardiff } from '../../../src/mining/difficulty/vardiff.js';
import type { VardiffState } from '../../../src/mining/difficulty/vardiff-state.js';

// Looking up globals is slow inside Jest's module contexts, and the simulation does it millions of times.
const { exp, imul, log, max, min } = Math;

/** What decides on the difficulty of one simulated channel. Times are in milliseconds. */
export interface Controller {
  /** The chance of one hash to be a share, by the target that is set now. */
  chance(): number;
  /** A share of a job that was sent while `chance()` was this. */
  share(now: number, chance: number): void;
  tick(now: number): void;
}

/** One simulated channel. */
export interface Scenario {
  readonly seed: number;
  readonly minutes: number;
  /** Hashes per second after so many milliseconds. */
  readonly hashrate: (now: number) => number;
  /** Milliseconds until a new target is in the job that the miner works on; default 0. */
  readonly delay?: number;
  /** Milliseconds between ticks; default 5,000. */
  readonly tickEvery?: number;
}

/** What came of it. */
export interface Run {
  /** When shares were found. */
  readonly shares: readonly number[];
  /** When the target changed, and to what chance per hash. */
  readonly changes: readonly { readonly now: number; readonly from: number; readonly to: number }[];
}

/** A small random number generator (mulberry32), uniform in (0, 1]. */
export const randomOf = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = imul(seed ^ (seed >>> 15), seed | 1);
  mixed ^= mixed + imul(mixed ^ (mixed >>> 7), mixed | 61);
  return (((mixed ^ (mixed >>> 14)) >>> 0) + 1) / 2 ** 32;
};

/**
 * Mines: hashes are independent trials, so the time to the next share is exponential in the hashes done times
 * the chance of each, however often target and hashrate change on the way.
 */
export const simulate = (controller: Controller, scenario: Scenario): Run => {
  const { seed, minutes, hashrate, delay = 0, tickEvery = 5_000 } = scenario;
  const random = randomOf(seed);
  const shares: number[] = [];
  const changes: { now: number; from: number; to: number }[] = [];
  const end = minutes * 60_000;
  let chance = controller.chance();
  let working = chance; // of the job that the miner has
  let adoptAt = Infinity;
  let untilShare = -log(random());
  for (let now = 0, nextTick = tickEvery; now < end;) {
    const perMillisecond = (hashrate(now) * working) / 1000;
    const shareAt = now + untilShare / perMillisecond;
    const until = min(nextTick, adoptAt, end);
    if (shareAt <= until) {
      now = shareAt;
      untilShare = -log(random());
      shares.push(now);
      controller.share(now, working);
    } else {
      untilShare -= (until - now) * perMillisecond;
      now = until;
      if (now === adoptAt) [working, adoptAt] = [chance, Infinity];
      if (now === nextTick) {
        controller.tick(now);
        nextTick += tickEvery;
      }
    }
    if (controller.chance() === chance) continue;
    changes.push({ now, from: chance, to: controller.chance() });
    chance = controller.chance();
    if (delay === 0) working = chance;
    else adoptAt = min(adoptAt, now + delay);
  }
  return { shares, changes };
};

/** The controller under test, started at a nominal hashrate. */
export const vardiffController = (nominalHashrate: number, sharesPerMinute: number): Controller => {
  let state = startVardiff({ now: 0, nominalHashrate, sharesPerMinute });
  let chance = chanceOf(state.target);
  const difficulties = new Map([[chance, state.difficulty]]);
  const moveTo = (next: VardiffState): void => {
    if (next.target !== state.target) {
      chance = chanceOf(next.target);
      difficulties.set(chance, next.difficulty);
    }
    state = next;
  };
  return {
    chance: () => chance,
    share: (now, ofJob) =>
      moveTo(stepVardiff(state, { type: 'share', now, difficulty: difficulties.get(ofJob)! })),
    tick: (now) => moveTo(stepVardiff(state, { type: 'tick', now })),
  };
};

const chanceOf = (target: Uint8Array): number => (Number(targetToBigInt(target)) + 1) / 2 ** 256;

/**
 * ckpool's rule, for comparison, written from what its `add_submit` and `decay_time` do (stratifier.c,
 * libckpool.c): an exponentially weighted share rate over 5 minutes, looked at with every share once 240
 * seconds or 72 shares have passed since the last change; between 0.5 and 1.33 times the optimal rate (0.15
 * to 0.4 shares a second around 0.3) nothing changes, beyond it the difficulty becomes the optimal one.
 *
 * @param timeScale 1 keeps ckpool's own times; 18 / sharesPerMinute stretches them so that they hold as many
 *   shares as at ckpool's own 18 shares a minute
 */
export const ckpoolController = (
  nominalHashrate: number,
  sharesPerMinute: number,
  timeScale: number,
): Controller => {
  const optimal = sharesPerMinute / 60;
  const period = 300 * timeScale;
  const weightOf = (seconds: number): number => 1 - exp(-min(seconds / period, 36));
  let difficulty = nominalHashrate / optimal; // in hashes
  let [rate, pending, sharesSinceChange] = [0, 0, 0]; // rate in hashes per second
  let [first, lastChange, lastDecay] = [Number.NaN, 0, -1e9];

  const decay = (now: number): void => {
    const seconds = max(now - lastDecay, 0.001);
    pending += difficulty;
    if (seconds < 0.05) return;
    const weight = weightOf(seconds);
    rate = (rate + (pending / seconds) * weight) / (1 + weight);
    pending = 0;
    lastDecay = now;
  };

  return {
    chance: () => 1 / difficulty,
    tick: () => undefined, // ckpool acts on shares only
    share(milliseconds) {
      const now = milliseconds / 1000;
      if (Number.isNaN(first)) first = lastChange = now;
      decay(now);
      sharesSinceChange++;
      const enoughShares = (72 / 18) * sharesPerMinute * timeScale;
      if (sharesSinceChange < enoughShares && now - lastChange < 240 * timeScale) return;
      const unbiased = rate / weightOf(max(now - first, 0.001));
      const ratio = unbiased / difficulty / optimal;
      if (ratio > 0.5 && ratio < 4 / 3) return;
      if (ratio < 1 && sharesSinceChange === 1) {
        lastChange = now; // back from an absence
        return;
      }
      difficulty = unbiased / optimal;
      lastChange = now;
      sharesSinceChange = 0;
    },
  };
};

/** The mean and the 5th, 50th and 95th percentile. */
export const summary = (values: readonly number[]) => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (quantile: number): number => sorted[Math.round(quantile * (sorted.length - 1))]!;
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    p5: at(0.05),
    median: at(0.5),
    p95: at(0.95),
  };
};

/** 1 … count. */
export const seeds = (count: number): readonly number[] =>
  Array.from({ length: count }, (_, index) => index + 1);
