/** Whether a front is alive: it says so as long as it can, and its core notices when it does not. */
import {
  filter,
  ignoreElements,
  interval,
  map,
  merge,
  scan,
  take,
  tap,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import type { Port, PortMessage } from './port.js';

/** Milliseconds between two signs. */
const signInterval = 1_000;

/** How many may be missing: no front is busy for so long without a pause. */
const maxMissing = 10;

/** How many more before the first, while a process starts. */
const missingAtFirst = 50;

const sign: PortMessage = { type: 'alive' };

/** A front's side: says that it is alive, at once and while subscribed. Never completes. */
export function signsOfLife(port: Port, scheduler: SchedulerLike): Observable<never> {
  return timer(0, signInterval, scheduler).pipe(
    tap(() => port.send(sign)),
    ignoreElements(),
  );
}

/**
 * The core's side: emits once, when a front has given no sign for so many milliseconds, and completes. It counts its own looks
 * and not the time, so that a core that was kept from looking takes nobody for dead.
 *
 * ```text
 * port     a-a-a-------
 * looks    -1-1-1-1-1-1
 * silence  ---------(n|)
 * ```
 */
export function silenceOf(port: Port, scheduler: SchedulerLike): Observable<number> {
  return merge(
    port.message$.pipe(
      filter((value) => (value as PortMessage | null)?.type === sign.type),
      map(() => 0),
    ),
    interval(signInterval, scheduler).pipe(map(() => 1)),
  ).pipe(
    scan((missing, look) => (look === 0 ? 0 : missing + 1), -missingAtFirst),
    filter((missing) => missing > maxMissing),
    map((missing) => missing * signInterval),
    take(1),
  );
}
