import { describe, it } from '@jest/globals';
import {
  asyncScheduler,
  EMPTY,
  filter,
  map,
  merge,
  mergeMap,
  reduce,
  takeUntil,
  tap,
  timer,
  type Observable,
} from 'rxjs';
import { reports } from '../src/cli/report.js';
import { poolFold } from '../src/observe/pool-state.js';
import type { PoolOutcome } from '../src/roles/pool/pool.js';
import { marbles } from '../src/testing/index.js';
import { closed, connected, opened, share } from '../spec/observe/support.js';

/** The reports of a pool to which this happens: its lines up to the rates. */
const reported = (outcome$: Observable<PoolOutcome>): Observable<string> => {
  const fold = poolFold(asyncScheduler.now());
  const noted$ = outcome$.pipe(
    tap((outcome) => fold.note(outcome, asyncScheduler.now())),
    mergeMap(() => EMPTY),
  );
  return merge(noted$, reports(fold).pipe(map(({ text }) => text.replace(/;.*/, ''))));
};

const outcomes = { c: connected(), o: opened('alice'), s: share(), x: closed() };

describe('reports in a log', () => {
  it('come every minute in which anybody is here, and not while nobody is', () => {
    marbles(({ hot, expectObservable }) => {
      //          nobody in the first minute, alice in the second and third
      const log$ = reported(hot('70s (co) 10s s', outcomes));
      expectObservable(log$.pipe(takeUntil(timer(190_000)))).toBe('120s (ab) 59996ms (cd) 9996ms |', {
        a: 'last 60 s: 1 share accepted, 0 rejected',
        b: 'last 60 s: alice: 1 accepted, 0 rejected',
        c: 'last 60 s: 0 shares accepted, 0 rejected',
        d: 'last 60 s: alice: 0 accepted, 0 rejected, last share 1:39 ago',
      });
    });
  });

  it('tell for an hour of who is gone, and then no more', () => {
    marbles(({ hot, expectObservable }) => {
      const gone$ = reported(hot('10s (cos) 10s x', outcomes)).pipe(
        filter((line) => line.includes(', gone')),
        takeUntil(timer(4_000_000)),
      );
      const last$ = gone$.pipe(
        map(() => asyncScheduler.now()),
        reduce((told, at) => ({ count: told.count + 1, at }), { count: 0, at: 0 }),
      );
      expectObservable(last$).toBe('4000s (a|)', { a: { count: 60, at: 3_600_000 } });
    });
  });

  it('stop when nobody reads them', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const happens = hot('10s (co)', outcomes);
      expectObservable(reported(happens), '^ 59999ms !').toBe('');
      expectSubscriptions(happens.subscriptions).toBe('^ 59999ms !');
    });
  });
});
