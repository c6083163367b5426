/** What keeps a log short that remotes could fill: lines of one kind are printed once in a while, and counted between. */
import { asyncScheduler, Observable, type MonoTypeOperatorFunction, type SchedulerLike } from 'rxjs';
import type { LogLine } from './run-role.js';

/** A line of which there may be a thousand. */
export interface RepeatableLine extends LogLine {
  /** What is said of all but the first. */
  more?(count: number): string;
}

/** Kinds that are told apart at one time; those beyond are told of as one, or remotes could invent any number. */
export const maxKinds = 1_000;

const otherKinds = 'other';

interface Kind {
  last: RepeatableLine;
  more: number;
}

/**
 * Lets through the first line of each kind; of others that come within the interval after it only the number is told,
 * at its end. So there are no more than two lines of a kind in an interval, whatever peers do. What it lets through has
 * no kind any more.
 * @param interval milliseconds
 */
export const coalesceLines =
  (interval: number, scheduler: SchedulerLike = asyncScheduler): MonoTypeOperatorFunction<RepeatableLine> =>
  (line$) =>
    new Observable((subscriber) => {
      const kinds = new Map<string, Kind>();

      const endOf = (name: string): void => {
        const kind = kinds.get(name);
        kinds.delete(name);
        if (kind === undefined || kind.more === 0) return;
        const { last, more } = kind;
        subscriber.next({ ...withoutKind(last), text: last.more?.(more) ?? `${more} more: ${last.text}` });
      };

      subscriber.add(
        line$.subscribe({
          next(line) {
            if (line.kind === undefined) {
              subscriber.next(line);
              return;
            }
            const name = kinds.has(line.kind) || kinds.size < maxKinds ? line.kind : otherKinds;
            const known = kinds.get(name);
            if (known !== undefined) {
              known.last = line;
              known.more += 1;
              return;
            }
            kinds.set(name, { last: line, more: 0 });
            subscriber.add(scheduler.schedule(() => endOf(name), interval));
            subscriber.next(withoutKind(line));
          },
          error: (error: unknown) => subscriber.error(error),
          complete() {
            [...kinds.keys()].forEach(endOf);
            subscriber.complete();
          },
        }),
      );
    });

const withoutKind = ({ text, isTrouble }: RepeatableLine): LogLine => ({
  text,
  ...(isTrouble === undefined ? {} : { isTrouble }),
});
