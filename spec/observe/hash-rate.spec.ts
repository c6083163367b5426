import { describe, expect, it, test } from '@jest/globals';
import { filter, map, mergeMap, range, repeat, take, timer } from 'rxjs';
import { Sv2Error, type PoolOutcome } from 'rx-sv2';
import { hashRate, type HashRates, type WindowName } from 'rx-sv2/observe';
import { marbles } from 'rx-sv2/testing';
import { poissonInterval } from '../../src/observe/poisson.js';
import { workWindows } from '../../src/observe/windows.js';
import { randomOf } from '../simulation/random.js';
import { share } from './support.js';

const perDifficulty = 2 ** 32;
const minute = 60_000;

describe('the interval of a count', () => {
  // Garwood 1936, as printed in tables of exact Poisson limits
  test.each([
    [0, 0, 3.689],
    [1, 0.0253, 5.572],
    [2, 0.242, 7.225],
    [5, 1.623, 11.668],
    [10, 4.795, 18.39],
    [20, 12.217, 30.888],
    [50, 37.111, 65.919],
    [100, 81.364, 121.627],
    [1_000, 938.97, 1063.95],
  ])('of %d', (count, low, high) => {
    const interval = poissonInterval(count);
    expect(Math.abs(interval[0] - low)).toBeLessThan(0.0005 + low * 0.0005);
    expect(Math.abs(interval[1] - high)).toBeLessThan(0.0005 + high * 0.0005);
  });
});

/** Shares as they come to a miner of so many hashes per second, by the seed. */
function* sharesOf(hashesPerSecond: number, difficulties: (index: number) => number, seed: number) {
  const random = randomOf(seed);
  let now = 0;
  for (let index = 0; ; index++) {
    const difficulty = difficulties(index);
    now += ((-Math.log(1 - random()) * difficulty * perDifficulty) / hashesPerSecond) * 1_000;
    yield { now, difficulty };
  }
}

describe('the interval beside a hash rate', () => {
  test.each([
    ['six shares a minute', () => 1, 6],
    ['one share in a minute', () => 1, 1],
    ['a share in five minutes', () => 1, 0.2],
    ['shares of difficulties that change', (index: number) => [1, 2, 4][index % 3] as number, 4],
  ])('holds the true rate in at least 94 of 100 cases: %s', (_, difficulties, sharesPerMinute) => {
    const truth = (sharesPerMinute * perDifficulty) / 60;
    const windows = workWindows(['5m']);
    let held = 0;
    const runs = 1_000;
    for (let seed = 1; seed <= runs; seed++) {
      const sums = windows.create(0);
      const end = 13 * minute;
      for (const { now, difficulty } of sharesOf(truth, difficulties, seed)) {
        if (now > end) break;
        windows.add(sums, difficulty, now);
      }
      const { low, high } = windows.rates(sums, end, difficulties(0))['5m'];
      if (low <= truth && truth <= (high ?? Infinity)) held += 1;
    }
    expect(held / runs).toBeGreaterThan(0.94);
  });

  it('is no wider than it must be: after a thousand shares a tenth', () => {
    const windows = workWindows(['1h']);
    const sums = windows.create(0);
    for (let index = 0; index < 1_000; index++) windows.add(sums, 8, index * 3_600);
    const { value, low, high } = windows.rates(sums, 3_600_000, 8)['1h'];
    expect(value).toBeCloseTo((8 * perDifficulty) / 3.6, -6);
    expect(low / value).toBeGreaterThan(0.93);
    expect((high ?? Infinity) / value).toBeLessThan(1.07);
  });

  it('says how little silence says: at most as much as would be seen once in forty cases', () => {
    const windows = workWindows(['1m']);
    const none = windows.rates(windows.create(0), minute, 1_000)['1m'];
    expect(none).toMatchObject({ value: 0, low: 0, seconds: 60 });
    expect(none.high).toBeCloseTo((3.689 * 1_000 * perDifficulty) / 60, -12);
    expect(windows.rates(windows.create(0), minute, 0)['1m'].high).toBeNull();
  });
});

describe('hashRate', () => {
  /** A share of difficulty 600 every ten seconds. */
  const steady = () => timer(10_000, 10_000).pipe(map((): PoolOutcome => share({ difficulty: 600 })));
  const ofSteady = (600 * perDifficulty) / 10;

  it('is there at once, and is the rate of those that were accepted', () => {
    marbles(({ expectObservable }) => {
      const rate$ = steady().pipe(
        hashRate({ interval: 60_000 }),
        map(({ '5m': { value } }) => Math.round((value / ofSteady) * 100)),
      );
      // the first share, then once a minute; a share that is due counts with those before
      expectObservable(rate$, '5m !').toBe('a 9999ms b 59999ms b 59999ms b 59999ms b 59999ms b', {
        a: 0,
        b: 100,
      });
    });
  });

  it('falls when they stop, in a minute over a minute, in a day over a day', () => {
    const rates: HashRates[] = [];
    marbles(({ flush }) => {
      const subscription = steady()
        .pipe(take(360), hashRate({ interval: 1_000 }))
        .subscribe((rate) => rates.push(rate));
      flush();
      subscription.unsubscribe();
    });
    const { '1m': shortest, '1h': hour } = rates.at(-1) as HashRates;
    expect(shortest.value / ofSteady).toBeCloseTo(1, 0);
    expect(hour.value / ofSteady).toBeCloseTo(1, 1);
    const windows = workWindows(['1m', '5m', '1h', '1d']);
    const sums = windows.create(0);
    for (let index = 1; index <= 360; index++) windows.add(sums, 600, index * 10_000 - 5_000);
    const after = (wait: number) => {
      const { '1m': m, '5m': f, '1h': h, '1d': d } = windows.rates(sums, 3_600_000 + wait, 600);
      return [m, f, h, d].map(({ value }) => Math.round((value / ofSteady) * 100));
    };
    expect(after(0)).toEqual([100, 100, 100, 100]);
    expect(after(70_000)).toEqual([0, 78, 98, 98]);
    expect(after(400_000)[1]).toBe(0);
    expect(after(4_000_000)[2]).toBe(0);
    expect(after(23 * 3_600_000)[3]).toBe(4);
    expect(after(27 * 3_600_000)).toEqual([0, 0, 0, 0]);
    expect(windows.isIdle(sums, 26 * 3_600_000)).toBe(false);
    expect(windows.isIdle(sums, 28 * 3_600_000)).toBe(true);
  });

  it('does not mind a clock that is set back, or far ahead', () => {
    const windows = workWindows(['1m']);
    const sums = windows.create(1e12);
    windows.add(sums, 600, 1e12 + 30_000);
    windows.add(sums, 600, 1e12 - 1e9);
    expect(windows.rates(sums, 1e12 + 60_000, 600)['1m'].value).toBeCloseTo((1_200 * perDifficulty) / 60, -6);
    windows.add(sums, 600, 1e13);
    const { value, seconds } = windows.rates(sums, 1e13, 600)['1m'];
    expect(value).toBeCloseTo((600 * perDifficulty) / seconds, -6);
  });

  it('takes as much memory after a million shares as after one, and as much time for each', () => {
    const windows = workWindows(['1m', '1d']);
    const sums = windows.create(0);
    windows.add(sums, 1, 0);
    const { cells } = sums;
    for (let index = 0; index < 1_000_000; index++) windows.add(sums, 1, index);
    expect(sums.cells).toBe(cells);
    expect(cells?.length).toBe(1 + 2 * 3 + 2 * 13 * 2);
  });

  it('leaves out what is worth nothing: a block that misses its share target', () => {
    marbles(({ expectObservable }) => {
      const rate$ = range(3).pipe(
        map((): PoolOutcome => ({ ...share(), difficulty: 0 })),
        hashRate(),
        map(({ '1m': { value, high } }) => [value, high]),
        filter(([value]) => value !== undefined),
      );
      expectObservable(rate$).toBe('(aaa|)', { a: [0, null] });
    });
  });

  it('is as it was for who comes late', () => {
    marbles(({ expectObservable }) => {
      const rate$ = steady().pipe(
        hashRate({ windows: ['1m'], interval: 1_000 }),
        map(({ '1m': { value } }) => value > 0),
      );
      expectObservable(rate$.pipe(mergeMap(() => [])), '20s !').toBe('');
      expectObservable(rate$.pipe(take(1)), '15s ^').toBe('15s (a|)', { a: true });
    });
  });

  test.each(['', '5', '5x', '-1m', '0s', 'm', '1e3m', '999d', '0.5s'])('refuses the window %j', (name) => {
    expect(() => hashRate({ windows: [name as WindowName] })).toThrow(Sv2Error);
    expect(() => hashRate({ windows: [name as WindowName] })).toThrow(
      /is no window, expected a number and s, m, h or d/,
    );
  });

  it('takes windows of one’s own', () => {
    marbles(({ expectObservable }) => {
      const rate$ = steady().pipe(
        hashRate({ windows: ['30s', '2h'] }),
        map((rates) => Object.keys(rates)),
        take(1),
        repeat(1),
      );
      expectObservable(rate$).toBe('(a|)', { a: ['30s', '2h'] });
    });
  });
});
