/** Looks after a role while nobody else does: how it is goes into its history, and what is wrong becomes an alert. */
import { map, repeat, tap, timer, type Observable, type SchedulerLike } from 'rxjs';
import { alerts, type AlertChange, type AlertOptions } from '../../observe/alerts.js';
import type { Watch } from './watch.js';

/** Milliseconds between two looks. */
const interval = 10_000;

/** Emits alerts that begin and are over, and keeps the history, while subscribed. */
export function vigil(
  watch: Pick<Watch, 'look' | 'noteAlert'>,
  options: AlertOptions,
  scheduler: SchedulerLike,
): Observable<AlertChange> {
  return timer(interval, scheduler).pipe(
    repeat(),
    map(() => watch.look()),
    alerts(options),
    tap((change) => watch.noteAlert(change)),
  );
}
