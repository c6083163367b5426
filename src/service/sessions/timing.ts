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

/** How long somebody may be silent, in milliseconds. */
export interface SilenceLimits {
  /** Until the first sign of life. */
  readonly first: number;
  /** From one sign of life to the next; no limit unless given. */
  readonly each: number | undefined;
  readonly scheduler: SchedulerLike;
}

/**
 * Watches for silence with one timer for as long as it watches, which looks at the clock when it rings: a timer for every
 * sign of life costs more than handling what it is a sign of.
 */
export class SilenceWatch {
  readonly #limits: SilenceLimits;
  readonly #silent: () => void;
  #last: number | undefined;
  #ringing: Subscription;

  /** @param silent called when nothing was heard for too long */
  constructor(limits: SilenceLimits, silent: () => void) {
    this.#limits = limits;
    this.#silent = silent;
    this.#ringing = this.#set(limits.first);
  }

  /** When it last heard something, in milliseconds of the scheduler's clock. */
  get last(): number | undefined {
    return this.#last;
  }

  /** There is a sign of life. */
  heard(): void {
    const isFirst = this.#last === undefined;
    const { each, scheduler } = this.#limits;
    this.#last = scheduler.now();
    if (!isFirst) return;
    this.#ringing.unsubscribe();
    if (each !== undefined) this.#ringing = this.#set(each);
  }

  /** Watches no more. */
  stop(): void {
    this.#ringing.unsubscribe();
  }

  #set(milliseconds: number): Subscription {
    return this.#limits.scheduler.schedule(() => this.#ring(), milliseconds);
  }

  #ring(): void {
    const { each = 0, scheduler } = this.#limits;
    const now = scheduler.now();
    // a clock that was put back must not prolong the wait
    if (this.#last !== undefined && now < this.#last) this.#last = now;
    const left = this.#last === undefined ? 0 : this.#last + each - now;
    if (left > 0) this.#ringing = this.#set(left);
    else this.#silent();
  }
}

/**
 * Fails when nothing arrives for too long: RxJS's `timeout` with a {@link SilenceWatch}.
 * @param error makes the error
 */
export function limitSilence<T>({
  error,
  ...limits
}: SilenceLimits & { error(): unknown }): MonoTypeOperatorFunction<T> {
  return (source$) =>
    new Observable((subscriber) => {
      const watch = new SilenceWatch(limits, () => subscriber.error(error()));
      subscriber.add(() => watch.stop());
      subscriber.add(
        source$.subscribe({
          next(value) {
            watch.heard();
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
