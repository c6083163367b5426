/** How a role was: what is looked at every ten seconds, kept by the minute and by ten minutes. */
import { defaultResolutions, history, type History } from '../../observe/history.js';
import type { SlotsForm } from '../../observe/history-slots.js';
import type { Showable } from '../../observe/live.js';

/** What is kept. */
const names = ['hashRate', 'workers', 'acceptedPerMinute', 'rejectedPerMinute'] as const;

/** The form of a file with it. */
export const timelineForm: SlotsForm = { names, resolutions: defaultResolutions };

/** How a role was, as the API tells it. */
export type TimelineAnswer = { readonly from: number; readonly step: number } & Readonly<
  Record<(typeof names)[number], readonly (number | null)[]>
>;

/** Keeps how a role was. See {@link timeline}. */
export interface Timeline extends Pick<History<string>, 'slots' | 'add'> {
  /** Takes note of how things are. */
  note(state: Showable): void;
  /** How they were. @param since milliseconds since 1970 */
  answer(since: number, now: number): TimelineAnswer;
}

/** More digits than anybody sees in a chart. */
const rounded = (value: number | null): number | null =>
  value === null ? null : Number(value.toPrecision(4));

/** Keeps how a role was: a day by the minute, 90 days by ten, in 1 MB. What is not there of a role is not kept. */
export function timeline(): Timeline {
  const kept: History<(typeof names)[number]> = history(names);
  let last: { readonly time: number; readonly accepted: number; readonly rejected: number } | undefined;
  return {
    slots: kept.slots,
    add: kept.add,
    note({ time, hashRate, workers, shares }) {
      const { accepted, rejected } = shares ?? { accepted: NaN, rejected: NaN };
      const minutes = last === undefined ? NaN : (time - last.time) / 60_000;
      const rate = (now: number, before: number | undefined) =>
        minutes > 0 ? (now - (before ?? NaN)) / minutes : NaN;
      kept.note(
        {
          hashRate: hashRate?.['5m'].value ?? NaN,
          workers: workers?.filter(({ isConnected }) => isConnected).length ?? NaN,
          acceptedPerMinute: rate(accepted, last?.accepted),
          rejectedPerMinute: rate(rejected, last?.rejected),
        },
        time,
      );
      last = { time, accepted, rejected };
    },
    answer(since, now) {
      const { from, step } = kept.series('hashRate', since, now);
      const values = (name: (typeof names)[number]) => kept.series(name, since, now).values.map(rounded);
      return {
        ...{ from, step, hashRate: values('hashRate'), workers: values('workers') },
        acceptedPerMinute: values('acceptedPerMinute'),
        rejectedPerMinute: values('rejectedPerMinute'),
      };
    },
  };
}
