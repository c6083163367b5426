/** When the upstreams that stand in for others are connected to. */
import {
  distinctUntilChanged,
  map,
  of,
  scan,
  switchMap,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import type { ClientOutcome } from '../../service/outcomes.js';

/** Milliseconds for which a stand-in stays once it has no more work, so that its last shares are answered. */
const grace = 15_000;

/** What happened on a lane that has a weight. */
export interface LaneOutcome {
  readonly lane: number;
  readonly outcome: ClientOutcome;
}

/**
 * Whether a stand-in is needed: while all lanes are down, and until one of them has lasted.
 *
 * @param lanes how many there are
 * @param returnAfter milliseconds after which one that is back is given work
 */
export const standInNeeded =
  (lanes: number, returnAfter: number, scheduler: SchedulerLike) =>
  (outcome$: Observable<LaneOutcome>): Observable<boolean> =>
    outcome$.pipe(
      scan(
        ({ up, down }, { lane, outcome: { type } }) => {
          const without = (set: ReadonlySet<number>) => new Set([...set].filter((one) => one !== lane));
          if (type === 'connected') return { up: new Set([...up, lane]), down: without(down) };
          if (type === 'disconnected') return { up: without(up), down: new Set([...down, lane]) };
          return { up, down };
        },
        { up: new Set<number>(), down: new Set<number>() } as {
          readonly up: ReadonlySet<number>;
          readonly down: ReadonlySet<number>;
        },
      ),
      map(({ up, down }) => (up.size > 0 ? false : down.size === lanes)),
      distinctUntilChanged(),
      switchMap((isNeeded) =>
        isNeeded ? of(true) : timer(returnAfter + grace, scheduler).pipe(map(() => false)),
      ),
      distinctUntilChanged(),
    );
