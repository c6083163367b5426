import { asyncScheduler, finalize, fromEvent, merge, takeUntil, type Observable } from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import { ConfigError } from './config.js';
import type { CommandContext } from './io.js';
import { withoutKeys } from './secrets.js';

/** A line of a role's log. */
export interface LogLine {
  readonly text: string;
  /** Trouble: goes to stderr. */
  readonly isTrouble?: boolean;
}

/** A line that tells what happened. */
export const info = (text: string): LogLine => ({ text });

/** A line that tells of trouble. */
export const trouble = (text: string): LogLine => ({ text, isTrouble: true });

/**
 * Runs a role until it completes or the user interrupts it, and prints its log: one line each, behind the time in
 * ISO 8601, to stdout or, if it tells of trouble, to stderr. Ends when nobody reads stdout any more. Sets the exit
 * status: 0 when interrupted or complete, 1 when the role fails, 2 when its configuration cannot be used.
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
    for (const problem of error.problems) stderr.write(`sv2: ${oneLine(problem)}\n`);
    setExitCode(2);
    return;
  }
  const end$ = merge(interrupt$, fromEvent(stdout, 'close'), fromEvent(stdout, 'error'));
  await new Promise<void>((resolve, reject) => {
    line$.pipe(takeUntil(end$), finalize(resolve)).subscribe({
      next: ({ text, isTrouble = false }) => {
        const time = new Date(asyncScheduler.now()).toISOString();
        (isTrouble ? stderr : stdout).write(`${time} ${oneLine(text)}\n`);
      },
      error: (error: unknown) => {
        if (!(error instanceof Sv2Error)) {
          reject(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        stderr.write(`sv2: ${oneLine(withoutKeys(error.message))}\n`);
        setExitCode(1);
      },
    });
  });
}

/** What peers say goes into the log: nothing in it may end a line or move the cursor of a terminal. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
