import {
  concat,
  EMPTY,
  ignoreElements,
  merge,
  Observable,
  of,
  switchMap,
  takeWhile,
  tap,
  timer,
  type MonoTypeOperatorFunction,
  type SchedulerLike,
  type Subscription,
} from 'rxjs';

/** How long a source may be silent, in milliseconds. */
export interface SilenceLimits {
  /** Until the first value. */
  readonly first: number;
  /** From one value to the next; no limit unless given. */
  readonly each: number | undefined;
  readonly scheduler: SchedulerLike;
  /** Told when each value came, in milliseconds of the scheduler's clock. */
  heard?(at: number): void;
  /** Makes the error. */
  error(): unknown;
}

/**
 * Fails when nothing arrives for too long: RxJS's `timeout`, but with one timer for the whole life of the
 * source, which looks at the clock when it rings. A timer for every value costs more than handling the value.
 */
export function limitSilence<T>({
  first,
  each,
  scheduler,
  heard,
  error,
}: SilenceLimits): MonoTypeOperatorFunction<T> {
  return (source$) =>
    new Observable((subscriber) => {
      let last: number | undefined;
      let ringing: Subscription | undefined;
      const ring = (): void => {
        const now = scheduler.now();
        // a clock that was put back must not prolong the wait
        if (last !== undefined && now < last) last = now;
        const left = last === undefined ? 0 : last + (each ?? 0) - now;
        if (left > 0) set(left);
        else subscriber.error(error());
      };
      const set = (milliseconds: number): void => {
        ringing?.unsubscribe();
        ringing = scheduler.schedule(ring, milliseconds);
      };
      subscriber.add(() => ringing?.unsubscribe());
      set(first);
      subscriber.add(
        source$.subscribe({
          next(value) {
            const isFirst = last === undefined;
            last = scheduler.now();
            heard?.(last);
            if (isFirst) {
              if (each === undefined) ringing?.unsubscribe();
              else set(each);
            }
            subscriber.next(value);
          },
          error: (cause: unknown) => subscriber.error(cause),
          complete: () => subscriber.complete(),
        }),
      );
    });
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
