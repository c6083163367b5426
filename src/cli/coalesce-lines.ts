/** What keeps a log short that remotes could fill: of lines of one kind few are written, and the others counted. */
import { asyncScheduler, Observable, type MonoTypeOperatorFunction, type SchedulerLike } from 'rxjs';
import type { LogLine } from './log-line.js';

/** A line of which there may be a thousand. */
export interface RepeatableLine extends LogLine {
  /** What is said of all but the first. */
  more?(count: number): string;
}

/** Kinds that are told apart at one time; those beyond are one of their class, or remotes could invent any number. */
export const maxKinds = 250;

interface Kind {
  last: RepeatableLine;
  more: number;
  /** How many more may be written at once. */
  left: number;
  since: number;
}

/**
 * Lets through the first line of each kind (or as many as its burst says); of those that follow only the number is told, once
 * an interval for as long as there are any. So in an interval no more lines are written than `maxKinds` and their bursts,
 * and one for each of those, whatever peers do.
 *
 * ```text
 * line$   a1-a2-b1-a3---------------a4------------------------a5--
 *   coalesceLines()
 *         a1----b1-----------(2 more: a3)-----------(1 more: a4)--------- … a5
 * ```
 * @param interval milliseconds
 */
export const coalesceLines =
  (interval: number, scheduler: SchedulerLike = asyncScheduler): MonoTypeOperatorFunction<RepeatableLine> =>
  (line$) =>
    new Observable((subscriber) => {
      const kinds = new Map<string, Kind>();

      const tell = ({ last, more, since }: Kind): void => {
        const seconds = Math.max(1, Math.round((scheduler.now() - since) / 1_000));
        subscriber.next({
          ...withoutKind(last),
          text: last.more?.(more) ?? `${more} more within ${seconds} s: ${last.text}`,
          repeated: more,
        });
      };

      const begin = (name: string, kind: Kind): void => {
        kinds.set(name, kind);
        const end = scheduler.schedule(() => {
          subscriber.remove(end); // which would keep it, and the line, for as long as the role runs
          kinds.delete(name);
          if (kind.more === 0) return;
          tell(kind);
          begin(name, { ...kind, more: 0, left: 0, since: scheduler.now() });
        }, interval);
        subscriber.add(end);
      };

      subscriber.add(
        line$.subscribe({
          next(line) {
            if (line.kind === undefined) {
              subscriber.next(line);
              return;
            }
            const name = kinds.has(line.kind) || kinds.size < maxKinds ? line.kind : classOf(line.kind);
            let kind = kinds.get(name);
            if (kind === undefined) {
              const { burst = 1 } = line;
              begin(name, (kind = { last: line, more: 0, left: burst, since: scheduler.now() }));
            }
            if (kind.left > 0) {
              kind.left -= 1;
              subscriber.next(withoutKind(line));
              return;
            }
            kind.last = line;
            kind.more += 1;
          },
          error: (error: unknown) => subscriber.error(error),
          complete() {
            for (const kind of kinds.values()) if (kind.more > 0) tell(kind);
            subscriber.complete();
          },
        }),
      );
    });

/** Kinds are `class: what tells them apart`; classes are ours, and few. */
const classOf = (kind: string): string => `others, ${kind.replace(/:.*/s, '')}`;

const withoutKind = ({ text, isTrouble, isDetail, outcome }: RepeatableLine): LogLine => ({
  text,
  ...(isTrouble === undefined ? {} : { isTrouble }),
  ...(isDetail === undefined ? {} : { isDetail }),
  ...(outcome === undefined ? {} : { outcome }),
});
