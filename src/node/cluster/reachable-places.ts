/** Which of the places that others advertise are there: who was killed has its lease, and its address, for minutes. */
import { catchError, EMPTY, from, map, mergeMap, toArray, type Observable, type SchedulerLike } from 'rxjs';
import type { Place } from '../../roles/pool/draining.js';
import { dial } from '../dial.js';

/** Places that are dialled at one time. */
const atOnce = 100;

/**
 * Dials each place once, and says nothing there.
 * @param limit milliseconds that reaching one may take
 * @returns emits those that let us in, and completes; all of them if none does, as miners may reach what a front does not. Never errors
 */
export function reachablePlaces(
  places: readonly Place[],
  limit: number,
  scheduler: SchedulerLike,
): Observable<readonly Place[]> {
  return from(places).pipe(
    mergeMap(
      (place) =>
        dial(place, limit, scheduler).pipe(
          map((stream) => {
            stream.destroy();
            return place;
          }),
          catchError(() => EMPTY),
        ),
      atOnce,
    ),
    toArray(),
    map((reached) => (reached.length === 0 ? places : reached)),
  );
}
