/** The lines of a role's log. */
import type { AnyOutcome } from '../observe/fold.js';

/** A line of a role's log. */
export interface LogLine {
  readonly text: string;
  /** Trouble: goes to stderr. */
  readonly isTrouble?: boolean;
  /** What is without number, and told at `debug` alone: a share, say. */
  readonly isDetail?: boolean;
  /** What it is one of many of, if remotes can cause any number of it: of a kind only some are written (`coalesceLines`). */
  readonly kind?: string;
  /** How many of its kind are written before the others are counted; 1 unless given. */
  readonly burst?: number;
  /** What it tells of, for logs that programs read. */
  readonly outcome?: AnyOutcome;
  /** How many more of its kind it stands for. */
  readonly repeated?: number;
}

/** A line that tells what happened. */
export const info = (text: string, kind?: string): LogLine => ({
  text,
  ...(kind === undefined ? {} : { kind }),
});

/** A line that tells of trouble. */
export const trouble = (text: string, kind?: string): LogLine => ({ ...info(text, kind), isTrouble: true });

/** A line that tells of one of those without number. */
export const detail = (text: string, kind?: string): LogLine => ({ ...info(text, kind), isDetail: true });

/** The line that tells of an outcome, with the outcome. */
export const about = (outcome: AnyOutcome, line: LogLine | undefined): LogLine | undefined =>
  line === undefined ? undefined : { ...line, outcome };

/** A line of which the first twenty of a kind are written: what a client does with each of its channels. */
export const several = (line: LogLine): LogLine => ({ ...line, burst: 20 });
