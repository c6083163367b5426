import {
  concat,
  EMPTY,
  ignoreElements,
  merge,
  Observable,
  of,
  switchMap,
  take,
  takeWhile,
  tap,
  throttleTime,
  throwError,
  timeout,
  timer,
  type SchedulerLike,
} from 'rxjs';
import { maxMilliseconds } from '../configuration.js';

/** How long somebody may be silent, in milliseconds. */
export interface SilenceLimits {
  /** Until the first sign of life. */
  readonly first: number;
  /** From one sign of life to the next; no limit unless given. */
  readonly each: number | undefined;
  readonly scheduler: SchedulerLike;
  /** Makes the error. */
  error(): unknown;
}

/** Parts of the limit, in each of which one sign of life is as good as many. */
const parts = 16;

/**
 * Fails when there is no sign of life for too long; ends with the signs.
 *
 * RxJS's `timeout` sets a timer for each sign that it sees, which costs more than handling a message. So it is shown one in each
 * sixteenth of the limit, and waits for that much longer: nobody is found silent before the limit has passed, and
 * everybody who is a sixteenth of it later at the latest.
 *
 * ```text
 *   limit 16   a-bcd---------------- - -
 *   shown      a-b-d                       one in a unit
 *   fails                                # 17 after d
 * ```
 *
 * @param sign$ something was heard
 */
export function silence(
  sign$: Observable<void>,
  { first, each, scheduler, error }: SilenceLimits,
): Observable<never> {
  const late$ = throwError(error);
  if (each === undefined)
    return sign$.pipe(take(1), timeout({ first, scheduler, with: () => late$ }), ignoreElements());
  const pause = Math.ceil(each / parts);
  return sign$.pipe(
    throttleTime(pause, scheduler),
    timeout({ first, each: Math.min(each + pause, maxMilliseconds), scheduler, with: () => late$ }),
    ignoreElements(),
  );
}

const done = Symbol('done');

/**
 * Runs a source beside a timer that can be set again and again. The timer never outlives the source.
 * @param source$ what is run
 * @param deadline$ milliseconds from now to the deadline, or `undefined` for none any more
 * @param scheduler the clock
 * @param expired called at the deadline; what it throws fails the result
 */
export function withDeadline<T>(
  source$: Observable<T>,
  deadline$: Observable<number | undefined>,
  scheduler: SchedulerLike,
  expired: () => void,
): Observable<T> {
  const deadlines$ = deadline$.pipe(
    switchMap((milliseconds) => (milliseconds === undefined ? EMPTY : timer(milliseconds, scheduler))),
    tap(expired),
    ignoreElements(),
  );
  return merge(deadlines$, concat(source$, of(done))).pipe(
    takeWhile((value): value is Exclude<typeof value, typeof done> => value !== done),
  );
}

/**
 * Calls back when a source is about to be unsubscribed from, while it still runs.
 * @param source$ which may end by itself: then there is no call
 * @param last called before the source is released
 */
export function beforeEnd<T>(source$: Observable<T>, last: () => void): Observable<T> {
  return new Observable((subscriber) => {
    let hasEnded = false;
    // released in the order in which they were added
    subscriber.add(() => {
      if (!hasEnded) last();
    });
    subscriber.add(
      source$
        .pipe(tap({ error: () => (hasEnded = true), complete: () => (hasEnded = true) }))
        .subscribe(subscriber),
    );
  });
}
