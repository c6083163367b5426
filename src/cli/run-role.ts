import { finalize, takeUntil, type Observable } from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import { coalesceLines } from './coalesce-lines.js';
import { ConfigError } from './config.js';
import type { CommandContext } from './io.js';
import { logTo } from './log.js';
import { printable } from './printable.js';
import { withoutKeys } from './secrets.js';

/** A line of a role's log. */
export interface LogLine {
  readonly text: string;
  /** Trouble: goes to stderr. */
  readonly isTrouble?: boolean;
  /** What it is one of many of, if remotes can cause any number of it: of a kind only some are written (`coalesceLines`). */
  readonly kind?: string;
}

/** A line that tells what happened. */
export const info = (text: string, kind?: string): LogLine => ({
  text,
  ...(kind === undefined ? {} : { kind }),
});

/** A line that tells of trouble. */
export const trouble = (text: string, kind?: string): LogLine => ({ ...info(text, kind), isTrouble: true });

/** Milliseconds in which lines of one kind are printed once. */
const repeatInterval = 10_000;

/**
 * Runs a role until it completes or the user interrupts it, and prints its log: one line each, behind the time in
 * ISO 8601, to stdout or, if it tells of trouble, to stderr. It outlives both: lines that are not taken are lost and
 * counted. Sets the exit status: 0 when interrupted or complete, 1 when the role fails, 2 when its configuration cannot
 * be used.
 * @param context of the command
 * @param prepare reads the configuration and makes the log; subscribing to that runs the role. Throws ConfigError
 */
export async function runRole(context: CommandContext, prepare: () => Observable<LogLine>): Promise<void> {
  const { stdout, stderr, interrupt$, setExitCode } = context;
  let line$: Observable<LogLine>;
  try {
    line$ = prepare();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) stderr.write(`sv2: ${printable(problem)}\n`);
    setExitCode(2);
    return;
  }
  const logs = { info: logTo(stdout), trouble: logTo(stderr) };
  await new Promise<void>((resolve, reject) => {
    const untilInterrupted$ = line$.pipe(takeUntil(interrupt$));
    untilInterrupted$
      .pipe(coalesceLines(repeatInterval), finalize(resolve))
      // eslint-disable-next-line rxjs-x/no-ignored-subscription -- ends with the role, or when interrupted
      .subscribe({
        next: ({ text, isTrouble = false }) => logs[isTrouble ? 'trouble' : 'info'].add(printable(text)),
        error: (error: unknown) => {
          if (!(error instanceof Sv2Error)) {
            reject(error instanceof Error ? error : new Error(String(error)));
            return;
          }
          stderr.write(`sv2: ${printable(withoutKeys(error.message))}\n`);
          setExitCode(1);
        },
      });
  });
  await Promise.all([logs.info.end(), logs.trouble.end()]);
}
