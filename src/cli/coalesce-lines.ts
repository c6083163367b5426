import {
  asyncScheduler,
  connect,
  filter,
  groupBy,
  map,
  merge,
  mergeMap,
  skip,
  take,
  takeLast,
  timer,
  type MonoTypeOperatorFunction,
  type SchedulerLike,
} from 'rxjs';
import type { LogLine } from './run-role.js';

/** A line of which there may be a thousand. */
export interface RepeatableLine extends LogLine {
  /** Lines of the same kind are told of together; one without is always printed. */
  readonly kind?: string;
  /** What is said of all but the first. */
  more?(count: number): string;
}

/**
 * Lets through the first line of each kind; of others that come within the interval after it only the number is told,
 * at its end. So there are no more than two lines of a kind in an interval, whatever peers do.
 * @param interval milliseconds
 */
export const coalesceLines = (
  interval: number,
  scheduler: SchedulerLike = asyncScheduler,
): MonoTypeOperatorFunction<RepeatableLine> =>
  connect((line$) =>
    merge(
      line$.pipe(filter(({ kind }) => kind === undefined)),
      line$.pipe(
        filter(({ kind }) => kind !== undefined),
        groupBy(({ kind }) => kind, { duration: () => timer(interval, scheduler) }),
        mergeMap((ofKind$) =>
          ofKind$.pipe(
            connect((each$) =>
              merge(
                each$.pipe(take(1)),
                each$.pipe(
                  skip(1),
                  map((line, index) => ({ line, count: index + 1 })),
                  takeLast(1),
                  map(({ line, count }) => ({
                    ...line,
                    text: line.more?.(count) ?? `${count} more: ${line.text}`,
                  })),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  );
