/** The lines of a log: as people read them, or as JSON for programs. */
import { outcomeToJson } from '../observe/json.js';
import { sideOf } from '../roles/sides.js';
import { printable } from './printable.js';
import type { LogLine } from './log-line.js';

/** Makes the text of a line, without line end. @param now milliseconds since 1970 */
export type LineFormat = (line: LogLine, now: number) => string;

const isoTime = (now: number): string => new Date(now).toISOString();

/** The time in ISO 8601, and the text. */
export const textFormat: LineFormat = ({ text }, now) => `${isoTime(now)} ${printable(text)}`;

/** Characters of a line of JSON at most: an outcome that is longer, as remotes can make them, is told by its type alone. */
export const maxJsonLine = 16_384;

/**
 * An object: `time` in ISO 8601, `level`, `role`, `message` for people, and if it tells of an outcome its `side` and
 * `outcome`, as `outcomeToJson` has it; `repeated` if it stands for so many more of its kind.
 * @param role a name
 */
export const jsonFormat =
  (role: string): LineFormat =>
  ({ text, isTrouble = false, outcome, repeated }, now) => {
    const head = { time: isoTime(now), level: isTrouble ? 'warn' : 'info', role, message: text };
    const count = repeated === undefined ? {} : { repeated };
    if (outcome === undefined) return printable(JSON.stringify({ ...head, ...count }));
    const side = sideOf(outcome);
    const whole = JSON.stringify({ ...head, ...count, side, outcome: outcomeToJson(outcome) });
    if (whole.length <= maxJsonLine) return printable(whole);
    const { type } = outcome;
    return printable(JSON.stringify({ ...head, ...count, side, outcome: { type }, isShortened: true }));
  };
