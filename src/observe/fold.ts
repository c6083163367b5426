/** From outcomes to states: a state is made of parts, each of which knows the outcomes that change it. */
import {
  asyncScheduler,
  concat,
  connect,
  defer,
  endWith,
  filter,
  finalize,
  ignoreElements,
  map,
  merge,
  of,
  repeat,
  ReplaySubject,
  share,
  skip,
  takeUntil,
  throttleTime,
  timer,
  type Observable,
  type OperatorFunction,
  type SchedulerLike,
} from 'rxjs';

/** What is folded: outcomes, told apart by their type. */
export interface AnyOutcome {
  readonly type: string;
}

/** Takes note of an outcome. Times are milliseconds since 1970. */
export type Note<O = never> = (outcome: O, now: number) => void;

/** A part of a state. */
export interface Part<S> {
  /** What it takes note of, by the type of the outcomes. Of all others it need not be told. */
  readonly on: Readonly<Record<string, Note>>;
  /** What it is now: the same object as before if nothing has changed. */
  state(now: number): S;
}

/** Parts by their names in the state. */
export type Parts<S> = { readonly [K in keyof S]: Part<S[K]> };

/** Parts of a state, which has its times besides. */
export type PartsOf<S extends StateTimes> = Parts<Omit<S, keyof StateTimes>>;

/** What all states have. */
export interface StateTimes {
  /** When it was so, in milliseconds since 1970. */
  readonly time: number;
  /** When it began to be watched, in milliseconds since 1970. */
  readonly startedAt: number;
}

/** A state that outcomes change. */
export interface Fold<S extends StateTimes> {
  /** The types of outcomes that change it: others need not be made for its sake. */
  readonly needs: ReadonlySet<string>;
  /** Takes note of an outcome. @returns whether it is one of those that change the state */
  note(outcome: AnyOutcome, now: number): boolean;
  /** The present state; whatever has not changed is the same object as in the one before. */
  state(now: number): S;
}

/**
 * A state of parts.
 * @param parts new ones: they keep what they take note of
 * @param startedAt milliseconds since 1970
 */
export function foldOf<S extends StateTimes>(parts: PartsOf<S>, startedAt: number): Fold<S> {
  const entries = Object.entries<Part<unknown>>(parts);
  const notes = new Map<string, Note<AnyOutcome>[]>();
  for (const [, part] of entries)
    for (const [type, note] of Object.entries(part.on))
      notes.set(type, [...(notes.get(type) ?? []), note as Note<AnyOutcome>]);

  return {
    needs: new Set(notes.keys()),
    note(outcome, now) {
      const all = notes.get(outcome.type);
      if (all === undefined) return false;
      for (const note of all) note(outcome, now);
      return true;
    },
    state(now) {
      const state: Record<string, unknown> = { time: now, startedAt };
      for (const [name, part] of entries) state[name] = part.state(now);
      return state as unknown as S;
    },
  };
}

/** How states are made. */
export interface StateOptions {
  /** Milliseconds between two states at least, 0 for one after each outcome that changes something; 1,000 unless given. */
  readonly interval?: number;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** Milliseconds without a state after which there is another though nothing has happened: rates fall. */
const patience = 5_000;

/**
 * Folds outcomes to states: the present one at once, and then the newest at most once an interval, and at least once every
 * ten seconds, or two intervals if that is longer. It is shared: what it is applied to is subscribed to once, while there is anybody who looks; whoever comes
 * later gets the present state at once. The last state comes before the end.
 *
 * ```text
 * outcome$   --c-cs-ssss---------|
 *   states()
 *            s--t---u---v---w----(x|)     once an interval
 * later           v---w----(x|)
 * ```
 * @param fold makes the state that is to be folded to
 */
export function states<S extends StateTimes>(
  fold: (now: number) => Fold<S>,
  { interval = 1_000, scheduler = asyncScheduler }: StateOptions = {},
): OperatorFunction<AnyOutcome, S> {
  return (outcome$) => {
    let present: (() => S) | undefined;
    const shared$ = defer(() => {
      const folding = fold(scheduler.now());
      let lastAt = -Infinity;
      const state = () => folding.state((lastAt = scheduler.now()));
      present = () => folding.state(scheduler.now());
      const project = (all$: Observable<AnyOutcome>) => {
        const noted$ = all$.pipe(filter((outcome) => folding.note(outcome, scheduler.now())));
        const paced$ =
          interval === 0
            ? noted$
            : noted$.pipe(throttleTime(interval, scheduler, { leading: true, trailing: true }));
        const silence = Math.max(patience, interval);
        // `interval` would do, but see `upkeepEvery`
        const silent$ = timer(silence, scheduler).pipe(
          repeat(),
          filter(() => scheduler.now() - lastAt >= silence),
        );
        return merge(paced$, silent$).pipe(map(state), takeUntil(all$.pipe(ignoreElements(), endWith(null))));
      };
      return concat(
        of(state()),
        outcome$.pipe(connect(project)),
        defer(() => of(state())),
      );
    }).pipe(
      finalize(() => (present = undefined)),
      share({ connector: () => new ReplaySubject(1), resetOnComplete: false }),
    );
    // what is kept for those who come later may be as old as an interval
    return defer(() => (present === undefined ? shared$ : concat(of(present()), shared$.pipe(skip(1)))));
  };
}
