import {
  defer,
  of,
  switchMap,
  tap,
  timer,
  map,
  type MonoTypeOperatorFunction,
  type SchedulerLike,
} from 'rxjs';

/**
 * Keeps a source that emits too fast to a pace: up to `burst` values in a row pass at once, then one every `interval`;
 * of those that come meanwhile, the last.
 *
 *     source:                 abcd------e
 *     paced(2, 3, scheduler): ab---d----e
 *
 * @param burst how many values pass at once after a long rest
 * @param interval milliseconds a value, in the long run
 * @param scheduler the clock
 */
export const paced =
  <T>(burst: number, interval: number, scheduler: SchedulerLike): MonoTypeOperatorFunction<T> =>
  (source$) =>
    defer(() => {
      /** When the values so far are paid for, at `interval` each. */
      let paidFor = -Infinity;
      return source$.pipe(
        switchMap((value) => {
          const wait = paidFor - (burst - 1) * interval - scheduler.now();
          return wait <= 0 ? of(value) : timer(wait, scheduler).pipe(map(() => value));
        }),
        tap(() => (paidFor = Math.max(paidFor, scheduler.now()) + interval)),
      );
    });
