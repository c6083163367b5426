import { describe, it } from '@jest/globals';
import { asyncScheduler, type SchedulerLike } from 'rxjs';
import { limitSilence, withDeadline } from '../src/service/sessions/timing.js';
import { marbles } from '../src/testing/index.js';

/** The virtual clock, put back by `step` milliseconds at `at`. */
const clockPutBack = (at: number, step: number): SchedulerLike => ({
  now: () => asyncScheduler.now() - (asyncScheduler.now() < at ? 0 : step),
  schedule: asyncScheduler.schedule.bind(asyncScheduler),
});

const limits = (first: number, each: number | undefined, scheduler: SchedulerLike = asyncScheduler) =>
  limitSilence<string>({ first, each, scheduler, error: () => 'silent' });

describe('limitSilence', () => {
  it.each([
    ['nothing comes at all', '------', '-----#', '^----!'],
    ['nothing comes after the first', '----a', '----a--#', '^------!'],
    ['something comes just in time, and then no more', 'a-b-c', 'a-b-c--#', '^------!'],
  ])('fails if %s', (_, source, expected, subscription) => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source$ = hot(source);
      expectObservable(source$.pipe(limits(5, 3))).toBe(expected, undefined, 'silent');
      expectSubscriptions(source$.subscriptions).toBe(subscription);
    });
  });

  it('ends and fails with its source', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('a-b-|').pipe(limits(5, 3))).toBe('a-b-|');
      expectObservable(cold('a-b-#').pipe(limits(5, 3))).toBe('a-b-#');
    });
  });

  it('leaves it at the first if there is no other limit', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('-a').pipe(limits(5, undefined)), '1m !').toBe('-a');
      expectObservable(hot('--').pipe(limits(5, undefined))).toBe('-----#', undefined, 'silent');
    });
  });

  it('lasts twice as long at most if the clock is put back', () => {
    marbles(({ hot, expectObservable }) => {
      const hourBack = clockPutBack(5_000, 3_600_000);
      expectObservable(hot('a').pipe(limits(10_000, 10_000, hourBack))).toBe(
        'a 19999ms #',
        undefined,
        'silent',
      );
      const secondBack = clockPutBack(5_000, 1_000);
      expectObservable(hot('a').pipe(limits(10_000, 10_000, secondBack))).toBe(
        'a 10999ms #',
        undefined,
        'silent',
      );
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
