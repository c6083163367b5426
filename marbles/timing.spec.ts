import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { asyncScheduler, map, merge, NEVER, timer, type Observable } from 'rxjs';
import { silence, withDeadline } from '../src/service/sessions/timing.js';
import { marbles } from '../src/testing/index.js';

const silent = 'silent';
const watched = (sign$: Observable<unknown>, first: number, each?: number): Observable<never> =>
  silence(sign$.pipe(map(() => undefined)), {
    ...{ first, each, scheduler: asyncScheduler },
    error: () => silent,
  });

describe('silence', () => {
  it.each([
    ['nothing comes at all', '------', '-----#'],
    ['nothing comes after the first', '----a', '----- 33ms #'],
    ['something comes just in time, and then no more', 'a 31ms b', '-- 64ms #'],
    ['much comes at once: a limit after the last of it at the earliest', 'ab', '34ms #'],
  ])('is an error if %s', (_, signs, expected) => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(watched(hot(signs), 5, 32)).toBe(expected, undefined, silent);
    });
  });

  it('ends and fails with the signs', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(watched(cold('a-b-|'), 5, 32)).toBe('----|');
      expectObservable(watched(cold('a-b-#'), 5, 32)).toBe('----#');
    });
  });

  it('is none after the first if there is no other limit', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(watched(hot('-a'), 5)).toBe('-|');
      expectObservable(watched(hot('--'), 5)).toBe('-----#', undefined, silent);
    });
  });

  it('is found when the limit has passed, a sixteenth of it later at the latest, and not before', () => {
    const [limit, part] = [160, 10];
    const pauses = fc.array(fc.integer({ min: 0, max: limit }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: part }), pauses, (start, spaces) => {
        let at = start;
        const times = [start, ...spaces.map((space) => (at += space))];
        const silentAt = marbles(({ flush }) => {
          let found = NaN;
          const sign$ = merge(...times.map((time) => timer(time)), NEVER);
          const running = watched(sign$, limit, limit).subscribe({
            error: () => (found = asyncScheduler.now()),
          });
          flush();
          running.unsubscribe();
          return found;
        });
        expect(silentAt - at).toBeGreaterThanOrEqual(limit);
        expect(silentAt - at).toBeLessThanOrEqual(limit + part);
      }),
      { seed: 8 },
    );
  });

  it('is waited for no longer than timers can', () => {
    marbles(({ hot, expectObservable }) => {
      const longest = 2 ** 31 - 1;
      expectObservable(watched(hot('a'), 5, longest)).toBe(`${longest}ms #`, undefined, silent);
    });
  });
});

describe('withDeadline', () => {
  const fail = () => {
    throw new RangeError('late');
  };

  it('fails at the deadline, which can be put off and taken away', () => {
    marbles(({ hot, expectObservable }) => {
      const deadline$ = hot<number | undefined>('-a-b--c', { a: 3, b: 4, c: undefined });
      expectObservable(withDeadline(hot('x-------'), deadline$, asyncScheduler, fail), '1m !').toBe('x');
      const once$ = hot<number | undefined>('-a-b', { a: 3, b: 4 });
      expectObservable(withDeadline(hot('x-------'), once$, asyncScheduler, fail)).toBe(
        'x------#',
        undefined,
        new RangeError('late'),
      );
    });
  });

  it('ends with its source, whatever the deadline', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const deadline$ = hot('a', { a: 10 });
      expectObservable(withDeadline(hot('x-|'), deadline$, asyncScheduler, fail)).toBe('x-|');
      expectSubscriptions(deadline$.subscriptions).toBe('^-!');
    });
  });
});
