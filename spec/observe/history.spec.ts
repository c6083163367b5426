import { describe, expect, it } from '@jest/globals';
import { history, type SavedHistory } from 'rx-sv2/observe';

const minute = 60_000;
const day = 1_440 * minute;

describe('history', () => {
  it('has a mean for each minute, and null where nothing was seen', () => {
    const past = history(['hashRate', 'miners']);
    past.note({ hashRate: 1, miners: 5 }, 0);
    past.note({ hashRate: 3, miners: 5 }, 30_000);
    past.note({ hashRate: 8, miners: 7 }, 3 * minute + 1);
    expect(past.series('hashRate', 0, 4 * minute)).toEqual({
      from: 0,
      step: minute,
      values: [2, null, null, 8, null],
    });
    expect(past.series('miners', 2 * minute, 3 * minute)).toEqual({
      from: 2 * minute,
      step: minute,
      values: [null, 7],
    });
  });

  it('has a day by the minute, and 90 days by ten minutes', () => {
    const past = history(['x']);
    for (let at = 0; at < 100 * day; at += 10 * minute) past.note({ x: at / day }, at);
    const now = 100 * day - 1;
    const today = past.series('x', now - day + minute, now);
    expect(today).toMatchObject({ step: minute, from: 99 * day + minute });
    const quarter = past.series('x', 0, now);
    expect(quarter).toMatchObject({ step: 10 * minute, from: 10 * day });
    expect(quarter.values).toHaveLength(12_960);
    expect(quarter.values[0]).toBeCloseTo(10);
    expect(quarter.values.at(-1)).toBeCloseTo(100, 1);
    expect(quarter.values).not.toContain(null);
  });

  it('forgets what is older, also after a long time of nothing', () => {
    const past = history(['x'], [{ step: 1_000, slots: 3 }]);
    past.note({ x: 1 }, 0);
    past.note({ x: 2 }, 2_000);
    expect(past.series('x', 0, 2_000).values).toEqual([1, null, 2]);
    past.note({ x: 3 }, 3_000);
    expect(past.series('x', 0, 3_000)).toEqual({ from: 1_000, step: 1_000, values: [null, 2, 3] });
    past.note({ x: 4 }, 3_000_000);
    expect(past.series('x', 0, 3_000_000).values).toEqual([null, null, 4]);
    expect(past.series('x', 0, 3_002_000).values).toEqual([4, null, null]);
    expect(past.series('x', 0, 9_000_000).values).toEqual([null, null, null]);
  });

  it('does not mind a clock that is set back, nor what is no number', () => {
    const past = history(['x'], [{ step: 1_000, slots: 3 }]);
    past.note({ x: 1 }, 5_000);
    past.note({ x: 3 }, 1_000);
    past.note({ x: NaN }, 6_000);
    expect(past.series('x', 4_000, 6_000).values).toEqual([null, 2, null]);
  });

  it('is the same after it was saved and read', () => {
    const past = history(['x', 'y']);
    for (let at = 0; at < 2 * day; at += 7 * minute) past.note({ x: at, y: at % 5 }, at);
    const saved = JSON.parse(JSON.stringify(past.save())) as SavedHistory;
    const read = history(['x', 'y'], undefined, saved);
    for (const since of [0, 1.5 * day])
      expect(read.series('x', since, 2 * day)).toEqual(past.series('x', since, 2 * day));
    expect(history(['z', 'x'], undefined, saved).series('z', 0, day).values).not.toContain(0);
  });

  it('takes nothing wrong from what was saved', () => {
    const saved = {
      version: 1,
      rings: [
        {
          step: 1_000,
          newest: 4,
          values: { x: [1, 'two', null, Infinity, 5, ...Array.from({ length: 9 }, () => 9)] },
        },
        { step: 77, newest: 1, values: {} },
        { step: 1_000, newest: 1e300, values: {} },
      ],
    } as unknown as SavedHistory;
    const read = history(['x'], [{ step: 1_000, slots: 3 }], saved);
    expect(read.series('x', 0, 4_000).values).toEqual([9, 9, 9]);
    expect(history(['x'], undefined, { version: 2, rings: [] } as never).series('x', 0, 0).values).toEqual([
      null,
    ]);
  });
});
