import { describe, expect, it, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { PoolOutcome } from 'rx-sv2';
import {
  applyChange,
  changeOf,
  changes,
  poolFold,
  topN,
  type PoolState,
  type StateChange,
} from 'rx-sv2/observe';
import { marbles } from 'rx-sv2/testing';
import { closed, connected, disconnected, opened, rejectedShare, share, tip } from './support.js';

const seed = 42;

describe('topN', () => {
  const first = (count: number, rows: readonly number[]): readonly number[] => {
    let top: readonly number[] = [];
    marbles(({ cold, flush }) => {
      const subscription = cold<readonly number[]>('a', { a: rows })
        .pipe(topN(count, (row) => row))
        .subscribe((shown) => (top = shown));
      flush();
      subscription.unsubscribe();
    });
    return top;
  };

  it('is what sorting would give', () => {
    fc.assert(
      fc.property(fc.nat(5), fc.array(fc.integer()), (count, rows) => {
        expect(first(count, rows)).toEqual([...rows].sort((a, b) => b - a).slice(0, count));
      }),
      { seed },
    );
  });

  it('has those last that have no value, and those of equal value in their order', () => {
    expect(first(3, [NaN, 1, 2])).toEqual([2, 1, NaN]);
    const rows = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
    marbles(({ cold, expectObservable }) => {
      const top$ = cold('a', { a: rows }).pipe(topN(2, () => 1));
      expectObservable(top$).toBe('a', { a: rows.slice(0, 2) });
    });
  });
});

describe('changes', () => {
  const outcome: fc.Arbitrary<PoolOutcome> = fc
    .record({
      kind: fc.nat(6),
      clientId: fc.integer({ min: 1, max: 3 }),
      channelId: fc.integer({ min: 1, max: 3 }),
      worker: fc.constantFrom('', 'rig1', 'rig2'),
    })
    .map(({ kind, clientId, channelId, worker }): PoolOutcome => {
      const of = { clientId, channelId };
      const user = `user ${channelId}`;
      const kinds: (() => PoolOutcome)[] = [
        () => connected(clientId),
        () => disconnected(clientId),
        () => opened(user, of),
        () => closed(user, clientId, channelId),
        () => share({ ...of, userIdentity: user, worker }),
        () => rejectedShare('stale-share', worker, of),
        () => tip(channelId),
      ];
      return (kinds[kind] as () => PoolOutcome)();
    });

  const sorted = (state: PoolState): unknown =>
    Object.fromEntries(
      Object.entries(state).map(([name, value]: [string, unknown]) => [
        name,
        Array.isArray(value) ? value.map((row) => JSON.stringify(row)).sort() : value,
      ]),
    );

  it('lead from any state to the next, over JSON too', () => {
    fc.assert(
      fc.property(fc.array(fc.array(outcome, { maxLength: 4 }), { maxLength: 20 }), (turns) => {
        const fold = poolFold(0, { maxUsers: 2, maxWorkers: 3 });
        let now = 0;
        let state = fold.state(now);
        let shown = JSON.parse(JSON.stringify(state)) as PoolState;
        for (const turn of turns) {
          now += 3_000;
          for (const each of turn) fold.note(each, now);
          const next = fold.state(now);
          const change = JSON.parse(JSON.stringify(changeOf(state, next))) as StateChange;
          state = next;
          shown = applyChange(shown, change);
          expect(sorted(shown)).toEqual(sorted(JSON.parse(JSON.stringify(next)) as PoolState));
        }
      }),
      { seed, numRuns: 300 },
    );
  });

  it('are small: of many workers the one that delivered', () => {
    const fold = poolFold(0);
    fold.note(connected(), 0);
    for (let id = 1; id <= 500; id++) fold.note(opened(`user ${id}`, { channelId: id }), 0);
    const before = fold.state(0);
    fold.note(share({ channelId: 7 }), 1_000);
    const { rows, set } = changeOf(before, fold.state(1_000));
    expect(Object.entries(rows).map(([name, { put, gone }]) => [name, put.length, gone.length])).toEqual([
      ['clients', 1, 0],
      ['channels', 1, 0],
      ['users', 1, 0],
      ['workers', 1, 0],
    ]);
    expect(Object.keys(set).sort()).toEqual(['hashRate', 'shares', 'time']);
  });

  it('begin with the whole state', () => {
    marbles(({ cold, expectObservable }) => {
      const state$ = cold('a--b--(b|)', { a: { x: 1, users: [{ user: 'a' }] }, b: { x: 2, users: [] } });
      expectObservable(state$.pipe(changes())).toBe('A--B--(C|)', {
        A: { set: { x: 1, users: [{ user: 'a' }] }, rows: {} },
        B: { set: { x: 2 }, rows: { users: { put: [], gone: ['a'] } } },
        C: { set: {}, rows: {} },
      });
    });
  });

  test('names that remotes chose do no harm', () => {
    const before = { users: [{ user: '__proto__' }] };
    const after = { users: [{ user: 'constructor' }] };
    expect(applyChange(before, changeOf(before, after))).toEqual(after);
  });
});
