/** Runs a role, and writes its log. */
import {
  asyncScheduler,
  EMPTY,
  endWith,
  filter,
  fromEvent,
  ignoreElements,
  lastValueFrom,
  map,
  merge,
  takeUntil,
  takeWhile,
  tap,
  type Observable,
} from 'rxjs';
import { counted } from '../codec/counted.js';
import { Sv2Error } from '../codec/errors.js';
import { coalesceLines } from './coalesce-lines.js';
import { ConfigError } from './config.js';
import { effectiveSettings } from './effective-settings.js';
import { formatDuration } from './format.js';
import type { CommandContext } from './io.js';
import { logTo, logToFile, type FileLog } from './log.js';
import { jsonFormat, textFormat, type LineFormat } from './log-format.js';
import { info, trouble, type LogLine } from './log-line.js';
import type { LogSettings } from './log-settings.js';
import { printable } from './printable.js';
import { withoutKeys } from './secrets.js';
import { version } from './version.js';

/** A role to be run. */
export interface Role {
  /** As it is called on the command line: `pool`. */
  readonly name: string;
  /** All that it runs with, how its log is kept among it. */
  readonly settings: LogSettings;
  /** Its log; subscribing runs it. */
  readonly line$: Observable<LogLine>;
  /** What it has done so far, for the last line. */
  readonly totals: () => string;
  /**
   * When it is at its end though it was interrupted before: emits or completes then. Unless given it ends when it is interrupted.
   * @param interrupt$ emits the signal's name
   */
  readonly finish?: (interrupt$: Observable<unknown>) => Observable<unknown>;
}

/** Milliseconds in which lines of one kind are counted; fewer for who wants to see every detail. */
const repeatInterval = { warn: 60_000, info: 60_000, debug: 10_000 } as const;

/** Whether a line is told at a level. */
const isTold = ({ isTrouble, isDetail }: LogLine, level: LogSettings['log_level']): boolean =>
  isTrouble === true || (isDetail === true ? level === 'debug' : level !== 'warn');

/**
 * Runs a role until it completes or the user interrupts it, and writes its log: to stdout or, if it tells of trouble, to
 * stderr, and to a file if the settings name one. The first line says what it runs with, the last what it did. It outlives
 * all of them: lines that are not taken are lost and counted. Sets the exit status: 0 when interrupted or complete, 1 when
 * the role fails, 2 when its configuration cannot be used.
 * @param context of the command
 * @param prepare reads the configuration and makes the role. Throws ConfigError
 */
export async function runRole(context: CommandContext, prepare: () => Role): Promise<void> {
  const { stderr, setExitCode } = context;
  let role: Role;
  let log: RoleLog;
  try {
    role = prepare();
    log = logOf(context, role);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) stderr.write(`sv2: ${printable(problem)}\n`);
    setExitCode(2);
    return;
  }
  const { name, settings, totals } = role;
  const startedAt = asyncScheduler.now();
  const tell = (text: string): void => {
    if (isTold(info(text), settings.log_level)) log.add(info(text));
  };
  tell(`sv2 ${version()} ${name}: ${effectiveSettings(settings)}`);
  try {
    await untilItEnds(context, role, log);
  } catch (error) {
    if (!(error instanceof Sv2Error)) throw error;
    log.fail(withoutKeys(error.message));
    setExitCode(1);
  } finally {
    tell(`${name} ended after ${formatDuration(asyncScheduler.now() - startedAt)}: ${totals()}`);
    await log.end();
  }
}

/** Runs it, until it ends by itself or is interrupted. @throws whatever it fails with */
async function untilItEnds(
  { interrupt$ }: CommandContext,
  { line$, settings: { log_level: level }, finish = (now$) => now$ }: Role,
  log: RoleLog,
): Promise<void> {
  const ended$ = line$.pipe(
    filter((line) => isTold(line, level)),
    // eslint-disable-next-line rxjs-x/no-unsafe-takeuntil -- what is only counted until the end is told then; its timers end, too
    takeUntil(finish(interrupt$)),
    coalesceLines(repeatInterval[level]),
    tap((line) => log.add(line)),
    ignoreElements(),
    endWith(null),
  );
  await lastValueFrom(merge(log.reopened$, ended$).pipe(takeWhile((ended) => ended !== null)), {
    defaultValue: null,
  });
}

/** Where a role's lines go. */
interface RoleLog {
  add(line: LogLine): void;
  /** Says why the role fails, at the end. */
  fail(message: string): void;
  /** Emits when the file was opened anew, which it is upon SIGHUP while this is subscribed to. */
  readonly reopened$: Observable<undefined>;
  /** Resolves when everything is written or lost, and it was told how much is lost. */
  end(): Promise<void>;
}

/** @throws ConfigError if the file cannot be opened */
function logOf({ stdout, stderr }: CommandContext, { name, settings }: Role): RoleLog {
  const isJson = settings.log_format === 'json';
  const format: LineFormat = isJson ? jsonFormat(name) : textFormat;
  const logs = { stdout: logTo(stdout, format), stderr: logTo(stderr, format) };
  const { log_file: path } = settings;
  const file: FileLog | undefined =
    path === undefined
      ? undefined
      : logToFile(path, format, (code) =>
          logs.stderr.add(trouble(`log_file: ${path} takes no lines: ${code}`, 'log_file')),
        );
  let failure: string | undefined;

  return {
    add(line) {
      logs[line.isTrouble === true ? 'stderr' : 'stdout'].add(line);
      file?.add(line);
    },
    fail(message) {
      failure = message;
      file?.add(trouble(message));
      if (isJson) logs.stderr.add(trouble(message));
    },
    reopened$:
      file === undefined
        ? EMPTY
        : fromEvent(process, 'SIGHUP').pipe(
            tap(() => file.reopen()),
            map(() => undefined),
          ),
    async end() {
      const lost = { stdout: await logs.stdout.end(), log_file: (await file?.end()) ?? 0 };
      for (const [where, count] of Object.entries(lost))
        if (count > 0)
          logs.stderr.add(trouble(`lost at the end: ${counted(count, 'line')} of the log to ${where}`));
      await logs.stderr.end();
      if (failure === undefined || isJson) return;
      const last = logTo(stderr, ({ text }) => `sv2: ${printable(text)}`);
      last.add(trouble(failure));
      await last.end();
    },
  };
}
