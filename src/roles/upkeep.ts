/** The clock of roles whose cores have something done from time to time. */
import { map, repeat, timer, type Observable, type SchedulerLike } from 'rxjs';
import { defineTrigger } from '../service/define-trigger.js';

/** Time passed. */
const Upkeep = defineTrigger('Upkeep');

/**
 * Upkeep again and again. `interval` would do, but in virtual time each of its actions holds the one before, until unsubscribing from
 * some thousand of them overflows the stack.
 * @param every milliseconds
 */
export function upkeepEvery(every: number, scheduler: SchedulerLike): Observable<ReturnType<typeof Upkeep>> {
  return timer(every, scheduler).pipe(
    repeat(),
    map(() => Upkeep()),
  );
}
