import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  compareTargets,
  hashrateFromTarget,
  targetFromBigInt,
  targetFromDifficulty,
  targetFromHashrate,
} from '../../../src/bitcoin/target.js';
import { advanceVardiff, startVardiff, stepVardiff } from '../../../src/mining/difficulty/vardiff.js';
import type { VardiffOptions, VardiffState } from '../../../src/mining/difficulty/vardiff-state.js';

const HASHRATE = 1e12;

const start = (options: Partial<VardiffOptions> = {}): VardiffState =>
  startVardiff({ now: 0, nominalHashrate: HASHRATE, ...options });

/** Shares of the target set, so many milliseconds apart. */
const shares = (state: VardiffState, count: number, interval: number): VardiffState => {
  for (let index = 0; index < count; index++) {
    state = stepVardiff(state, { type: 'share', now: state.now + interval, difficulty: state.difficulty });
  }
  return state;
};

/** Time without shares, in ticks of 5 seconds. */
const silence = (state: VardiffState, seconds: number): VardiffState => {
  for (let elapsed = 0; elapsed < seconds; elapsed += 5) {
    state = stepVardiff(state, { type: 'tick', now: state.now + 5_000 });
  }
  return state;
};

/** A state whose target has proved right over 300 shares, one every 10 seconds. */
const settled = (options: Partial<VardiffOptions> = {}): VardiffState => shares(start(options), 300, 10_000);

describe('the target', () => {
  it('is that of the nominal hashrate at first', () => {
    expect(start().target).toEqual(targetFromHashrate(HASHRATE, 6));
    expect(start({ sharesPerMinute: 20 }).target).toEqual(targetFromHashrate(HASHRATE, 20));
    expect(start().hashrate).toBe(HASHRATE);
  });

  it('stays the same object as long as nothing calls for another', () => {
    const state = start();
    const later = shares(silence(state, 5), 10, 10_000);
    expect(later.target).toBe(state.target);
    expect(later).not.toBe(state);
  });

  it('gets harder after few shares of a flood, without waiting, and about right at once', () => {
    const state = start();
    const before = shares(state, 7, 10); // one in 10 ms: 1000 times too many
    expect(before.target).toBe(state.target);
    const after = shares(before, 1, 10);
    expect(after.hashrate / HASHRATE).toBeGreaterThan(500);
    expect(after.hashrate / HASHRATE).toBeLessThan(1500);
    expect(after.target).toEqual(targetFromHashrate(after.hashrate, 6));
  });

  it('gets easier and easier when there are no shares at all, a thousandfold within five minutes', () => {
    let state = start();
    const hashrates = [state.hashrate];
    for (let minute = 0; minute < 5; minute++) {
      state = silence(state, 61);
      expect(state.hashrate).toBeLessThan(hashrates.at(-1)!);
      hashrates.push(state.hashrate);
    }
    expect(state.hashrate).toBeLessThan(HASHRATE / 1000);
  });

  it('does not get easier than for the lowest hashrate', () => {
    const state = silence(start({ minHashrate: 1e9 }), 3600);
    expect(state.hashrate).toBe(1e9);
    expect(state.target).toEqual(targetFromHashrate(1e9, 6));
    expect(silence(state, 3600).target).toBe(state.target);
  });

  it('eases no further than 64 times for a miner that stops right after a flood has shown what it does', () => {
    const flooding = shares(start({ nominalHashrate: HASHRATE / 1e6 }), 8, 10);
    expect(flooding.hashrate).toBeGreaterThan(HASHRATE / 1e4);
    expect(silence(flooding, 12 * 3600).hashrate).toBeCloseTo(flooding.hashrate / 64, -1);
  });

  it('hardly eases for a miner that found shares and then stops, so that none flood in later', () => {
    const state = silence(settled(), 12 * 3600);
    expect(state.hashrate / HASHRATE).toBeCloseTo(1 / 64, 3);
    const corrected = shares(start(), 8, 10);
    expect(silence(corrected, 12 * 3600).hashrate).toBeCloseTo(corrected.hashrate / 64);
  });

  it('eases no further for shares that came just before the silence', () => {
    for (const count of [0, 1, 2, 4, 8]) {
      const state = shares(settled(), count, 20_000);
      expect(silence(state, 12 * 3600).hashrate / HASHRATE).toBeCloseTo(1 / 64, 3);
    }
  });

  it('goes on getting easier for a miner that finds a share now and then', () => {
    let state = settled();
    for (let hour = 0; hour < 6; hour++) state = shares(silence(state, 1200), 1, 5_000);
    expect(state.hashrate).toBeLessThan(HASHRATE / 100);
  });

  it('hardly follows shares that a stalled connection held back', () => {
    const state = settled();
    let after = silence(state, 60);
    for (let index = 0; index < 100; index++) {
      after = stepVardiff(after, { type: 'share', now: after.now, difficulty: state.difficulty });
    }
    expect(after.hashrate / HASHRATE).toBeLessThan(25);
    expect(after.hashrate / HASHRATE).toBeGreaterThan(0.5);
  });

  it('takes back a drift that is too slow to be a change', () => {
    let state = settled();
    for (let count = 0; count < 3000; count++) {
      state = shares(state, 1, (10_000 / 1.4) * (state.hashrate / HASHRATE));
    }
    expect(state.hashrate / HASHRATE).toBeCloseTo(1.4, 1);
  });
});

describe('shares of a job with another target', () => {
  it('count by their work: a flood of easy ones confirms the target that it led to', () => {
    const old = start();
    const state = shares(old, 8, 10);
    let flooded = state;
    for (let index = 0; index < 1000; index++) {
      flooded = stepVardiff(flooded, {
        type: 'share',
        now: flooded.now + 10,
        difficulty: old.difficulty,
      });
    }
    expect(flooded.target).toBe(state.target);
    expect(flooded.current.shares).toBeCloseTo((1000 * old.difficulty) / state.difficulty, 6);
  });

  it('cannot hide a flood behind them, whatever they are mixed with', () => {
    const old = start();
    let state = shares(old, 8, 10);
    const { hashrate } = state;
    for (let index = 0; index < 100; index++) {
      state = stepVardiff(state, { type: 'share', now: state.now + 1, difficulty: old.difficulty });
      state = stepVardiff(state, { type: 'share', now: state.now + 1, difficulty: state.difficulty });
    }
    expect(state.hashrate).toBeGreaterThan(100 * hashrate);
  });

  it('are one share at most, however hard', () => {
    const state = start();
    const after = stepVardiff(state, { type: 'share', now: 1, difficulty: 1e6 * state.difficulty });
    expect(after.current.shares).toBe(1);
  });
});

describe('rejected shares', () => {
  it('show that a miner is alive: its target is not eased as if it were silent', () => {
    let state = settled();
    const { target } = state;
    for (let minute = 0; minute < 60; minute++) {
      state = stepVardiff(silence(state, 60), { type: 'rejected', now: state.now + 60_000 });
    }
    expect(state.target).toBe(target);
    expect(silence(state, 1200).target).not.toBe(target);
  });

  it('show that of a new miner as well, whose target nobody has tried yet', () => {
    let state = start();
    const { target } = state;
    for (let minute = 0; minute < 10; minute++) {
      state = stepVardiff(silence(state, 50), { type: 'rejected', now: state.now + 50_000 });
    }
    expect(state.target).toBe(target);
  });

  it('hide no flood', () => {
    let state = start();
    for (let index = 0; index < 10; index++) {
      state = stepVardiff(shares(state, 1, 10), { type: 'rejected', now: state.now + 20 });
    }
    expect(state.hashrate).toBeGreaterThan(100 * HASHRATE);
  });
});

describe('time without a job', () => {
  it("is nobody's silence", () => {
    let state = start();
    for (let second = 0; second < 3600; second += 5) {
      state = stepVardiff(state, { type: 'idle', now: state.now + 5_000 });
    }
    expect(state.target).toEqual(start().target);
    expect(silence(state, 50).target).toBe(state.target);
  });
});

describe('a target that somebody wants', () => {
  it('is set as it is, and measured from there', () => {
    const wanted = targetFromDifficulty(123_456);
    const given = wanted.slice();
    const state = stepVardiff(settled(), { type: 'set', now: 1, target: given });
    given.fill(0);
    expect(state.target).toEqual(wanted);
    expect(state.hashrate).toBe(hashrateFromTarget(wanted, 6));
    expect(shares(state, 8, 10).hashrate).toBeGreaterThan(100 * state.hashrate);
  });

  it('is no easier than the channel accepts', () => {
    const maxTarget = targetFromDifficulty(2000);
    const state = stepVardiff(start({ maxTarget }), {
      type: 'set',
      now: 1,
      target: targetFromDifficulty(10),
    });
    expect(state.target).toEqual(maxTarget);
  });
});

describe('another share rate', () => {
  it('makes another target for the same hashrate, and keeps what is known', () => {
    const state = settled();
    const half = stepVardiff(state, { type: 'update', now: state.now, sharesPerMinute: 3 });
    expect(half.hashrate).toBe(state.hashrate);
    expect(half.target).toEqual(targetFromHashrate(state.hashrate, 3));
    expect(half.current).toEqual(state.current);
    expect(shares(half, 300, 20_000).target).toBe(half.target);
  });

  it('makes no other target at a bound, and another hashrate that it stands for', () => {
    const minTarget = targetFromHashrate(1e9, 6);
    const state = start({ minTarget });
    const half = stepVardiff(state, { type: 'update', now: 0, sharesPerMinute: 3 });
    expect(half.target).toBe(state.target);
    expect(half.hashrate / state.hashrate).toBeCloseTo(1 / 2, 6);
  });
});

describe('bounds', () => {
  it('never exceed what the channel accepts, nor change again and again when it would take that', () => {
    const maxTarget = targetFromDifficulty(2000);
    const state = start({ maxTarget, nominalHashrate: 1e3 });
    expect(state.target).toEqual(maxTarget);
    expect(state.hashrate).toBe(hashrateFromTarget(maxTarget, 6));
    const later = silence(state, 3600);
    expect(later.target).toBe(state.target);
  });

  it('never fall below the hardest target', () => {
    const minTarget = targetFromDifficulty(500);
    const state = shares(start({ minTarget }), 100, 1);
    expect(state.target).toEqual(minTarget);
    expect(shares(state, 1000, 1).target).toBe(state.target);
  });

  it('give way to the channel where they contradict each other', () => {
    const maxTarget = targetFromDifficulty(2000);
    expect(start({ maxTarget, minTarget: targetFromDifficulty(10) }).target).toEqual(maxTarget);
  });

  it('are not changed by a caller who reuses the bytes', () => {
    const [maxTarget, minTarget] = [targetFromDifficulty(2000), targetFromDifficulty(3000)];
    const state = start({ maxTarget, minTarget, nominalHashrate: 1 });
    maxTarget.fill(0);
    minTarget.fill(0xff);
    expect(state.target).toEqual(targetFromDifficulty(2000));
    expect(shares(state, 100, 1).target).toEqual(targetFromDifficulty(3000));
    const moved = [targetFromDifficulty(20), targetFromDifficulty(30)] as const;
    const updated = stepVardiff(state, { type: 'update', now: 1, maxTarget: moved[0], minTarget: moved[1] });
    moved[0].fill(0);
    moved[1].fill(0xff);
    expect(silence(updated, 3600).target).toEqual(targetFromDifficulty(20));
    expect(shares(updated, 100, 1).target).toEqual(targetFromDifficulty(30));
  });

  it('are moved by updates', () => {
    const maxTarget = targetFromDifficulty(1e9);
    const bounded = stepVardiff(settled(), { type: 'update', now: 1, maxTarget });
    expect(bounded.target).toEqual(maxTarget);
    const minTarget = targetFromDifficulty(1);
    const eased = stepVardiff(settled(), { type: 'update', now: 1, minTarget });
    expect(eased.target).toEqual(minTarget);
  });
});

describe('updates of the nominal hashrate', () => {
  it('and of bounds that change nothing leave what was measured as it was, and the time', () => {
    const state = settled();
    const { options, ...measured } = stepVardiff(state, {
      type: 'update',
      now: state.now + 5_000,
      nominalHashrate: HASHRATE,
      minTarget: targetFromDifficulty(1e12),
    });
    expect(options.minTarget).toEqual(targetFromDifficulty(1e12));
    expect({ ...measured, options: state.options }).toEqual(state);
  });

  it('set the target of the new one', () => {
    const state = stepVardiff(settled(), { type: 'update', now: 1, nominalHashrate: 3e12 });
    expect(state.target).toEqual(targetFromHashrate(3e12, 6));
  });

  it('change in proportion what was measured: a client that said a tenth goes on being off by that', () => {
    const measured = shares(start(), 8, 1_000);
    expect(measured.hashrate / HASHRATE).toBeGreaterThan(5);
    const state = stepVardiff(measured, { type: 'update', now: measured.now, nominalHashrate: 2 * HASHRATE });
    expect(state.hashrate / measured.hashrate).toBeCloseTo(2, 6);
  });

  it('count as they are for a channel that was silent: nothing was measured', () => {
    const state = stepVardiff(silence(start(), 3600), { type: 'update', now: 0, nominalHashrate: 2e14 });
    expect(state.target).toEqual(targetFromHashrate(2e14, 6));
    const back = stepVardiff(silence(settled(), 3600), { type: 'update', now: 0, nominalHashrate: 2e14 });
    expect(back.target).toEqual(targetFromHashrate(2e14, 6));
  });

  it('are no news as long as they are small, and add up', () => {
    let state = settled();
    const { target } = state;
    for (const nominalHashrate of [1.1e12, 1e12, 0.9e12, 1.2e12]) {
      state = stepVardiff(state, { type: 'update', now: state.now, nominalHashrate });
      expect(state.target).toBe(target);
    }
    state = stepVardiff(state, { type: 'update', now: state.now, nominalHashrate: 1.3e12 });
    expect(state.target).toEqual(targetFromHashrate(1.3e12, 6));
  });

  it('stop no flood from being noticed, however often they come', () => {
    let state = start();
    for (let index = 0; index < 400; index++) {
      const nominalHashrate = index % 2 === 0 ? 2 * HASHRATE : HASHRATE;
      state = stepVardiff(shares(state, 1, 10), { type: 'update', now: state.now + 10, nominalHashrate });
    }
    expect(state.hashrate).toBeGreaterThan(100 * HASHRATE);
  });

  it('are no news when they repeat it: what was measured counts more', () => {
    const measured = shares(start(), 8, 10);
    const state = stepVardiff(measured, { type: 'update', now: 1, nominalHashrate: HASHRATE });
    expect(state.target).toBe(measured.target);
  });
});

describe('absurd nominal hashrates', () => {
  it.each([0, -0, -1, -1e30, 1e-30, 5e-324, Number.NaN, Infinity, -Infinity])(
    'starts %d at the lowest hashrate',
    (nominalHashrate) => {
      const state = start({ nominalHashrate });
      expect(state.target).toEqual(targetFromHashrate(1, 6));
      expect(shares(state, 8, 10).hashrate).toBeGreaterThan(100);
      const updated = stepVardiff(settled(), { type: 'update', now: 1, nominalHashrate });
      expect(updated.target).toEqual(targetFromHashrate(1, 6));
    },
  );

  it.each([1e30, 3.4e38, Number.MAX_VALUE])('starts %d at a target that eases', (nominalHashrate) => {
    const state = start({ nominalHashrate });
    expect(state.hashrate).toBeLessThanOrEqual(2 ** 128);
    expect(silence(state, 3600).hashrate).toBeLessThan(1e9);
  });
});

describe('the clock', () => {
  it('may step back: time goes on from there', () => {
    const state = settled();
    const back = stepVardiff(state, { type: 'tick', now: state.now - 86_400_000 });
    expect(back.target).toBe(state.target);
    expect(back.now).toBe(state.now - 86_400_000);
    const later = shares(back, 50, 10_000);
    expect(later.target).toBe(state.target);
    expect(shares(back, 100, 10).hashrate).toBeGreaterThan(10 * HASHRATE);
    expect(silence(back, 1800).hashrate).toBeLessThan(HASHRATE / 2);
  });

  it('may jump ahead, as after a suspended machine: nobody could mine then', () => {
    const state = start();
    expect(stepVardiff(state, { type: 'tick', now: 8 * 3600 * 1000 }).hashrate).toBeGreaterThan(
      HASHRATE / 20,
    );
    const right = settled();
    const ahead = stepVardiff(right, { type: 'tick', now: right.now + 8 * 3600 * 1000 });
    expect(ahead.target).toBe(right.target);
    expect(shares(ahead, 300, 10_000).target).toBe(right.target);
  });

  it('may stand still', () => {
    const state = shares(start(), 10, 0);
    expect(state.hashrate / HASHRATE).toBeGreaterThan(1);
    expect(state.hashrate / HASHRATE).toBeLessThan(1000);
  });
});

describe('under any events', () => {
  const frozen = (state: VardiffState): VardiffState =>
    Object.freeze({
      ...state,
      current: Object.freeze({ ...state.current }),
      faster: Object.freeze({ ...state.faster }),
      slower: Object.freeze({ ...state.slower }),
    });

  it('keeps to its bounds and to finite numbers, and leaves earlier states alone', () => {
    const double = fc.oneof(fc.double(), fc.double({ min: 0, max: 1e20, noNaN: true }));
    const target = fc.bigInt({ min: 1n, max: (1n << 256n) - 1n }).map(targetFromBigInt);
    const now = fc.oneof(
      { weight: 5, arbitrary: fc.double({ min: 0, max: 1e7, noNaN: true }) },
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    const event = fc.oneof(
      { weight: 4, arbitrary: fc.record({ type: fc.constant('share' as const), now }) },
      { weight: 2, arbitrary: fc.record({ type: fc.constant('tick' as const), now }) },
      fc.record({ type: fc.constant('update' as const), now, nominalHashrate: double }),
      fc.record({ type: fc.constant('update' as const), now, maxTarget: target, minTarget: target }),
    );
    const options = fc.record({
      now,
      nominalHashrate: double,
      maxTarget: target,
      sharesPerMinute: fc.double({ min: 0.001, max: 1e6, noNaN: true }),
    });
    fc.assert(
      fc.property(options, fc.array(event, { maxLength: 100 }), (chosen, events) => {
        let state = startVardiff(chosen);
        let usedUp = startVardiff(chosen);
        for (const each of events) {
          const before = frozen(state);
          const event = each.type === 'share' ? { ...each, difficulty: before.difficulty } : each;
          state = stepVardiff(before, event);
          usedUp = advanceVardiff(usedUp, event);
          expect(usedUp).toEqual(state);
          expect(compareTargets(state.target, state.options.maxTarget)).toBeLessThanOrEqual(0);
          expect(Number.isFinite(state.hashrate) && state.hashrate > 0).toBe(true);
          for (const { shares: counted, expected } of [state.current, state.faster, state.slower]) {
            expect(counted >= 0 && expected >= 0 && Number.isFinite(expected)).toBe(true);
          }
        }
      }),
      { seed: 42, numRuns: 300 },
    );
  });
});

describe('refusals', () => {
  it.each([
    ['invalid-time', { now: Number.NaN }],
    ['invalid-hashrate', { minHashrate: 0 }],
    ['invalid-hashrate', { minHashrate: Infinity }],
    ['invalid-shares-per-minute', { sharesPerMinute: 0 }],
    ['invalid-shares-per-minute', { sharesPerMinute: Number.NaN }],
    ['invalid-length', { maxTarget: new Uint8Array(31) }],
    ['invalid-length', { minTarget: new Uint8Array(0) }],
  ])('%s for %j', (code, options) => {
    expect(() => start(options)).toThrow(expect.objectContaining({ code }));
  });

  it('names a time that is none and a target that is none', () => {
    const state = start();
    expect(() => stepVardiff(state, { type: 'tick', now: Infinity })).toThrow(
      expect.objectContaining({ code: 'invalid-time' }),
    );
    expect(() => stepVardiff(state, { type: 'set', now: 1, target: new Uint8Array(1).fill(1) })).toThrow(
      expect.objectContaining({ code: 'invalid-length' }),
    );
    expect(() => stepVardiff(state, { type: 'set', now: 1, target: new Uint8Array(32) })).toThrow(
      expect.objectContaining({ code: 'invalid-target' }),
    );
  });
});
