import { writeFileSync } from 'node:fs';
import { filter, firstValueFrom, startWith, Subject, take, timeout } from 'rxjs';
import { inbox, patience, type Inbox } from './inbox.js';
import { sv2Main } from './paths.js';
import { startProgram, type Program } from './process.js';

/** A command of `sv2` that runs, and its log: both outputs, in the order of their arrival, without times. */
export interface Sv2 {
  readonly program: Program;
  readonly log: Inbox<string>;
  /** The first line that matches, and what its groups are. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  /** Waits until its lines make this true. */
  until(what: string, holds: () => boolean): Promise<void>;
  /** How many lines have matched. */
  count(pattern: RegExp): number;
  /** All its lines so far. */
  readonly seen: readonly string[];
}

/** Starts `sv2`. What lines match one of `ignored` is only counted. */
export const startSv2 = (args: readonly string[], ignored: readonly RegExp[] = []): Sv2 => {
  const program = startProgram(process.execPath, [sv2Main, ...args]);
  const log = inbox<string>(`sv2 ${args[0]}`);
  const seen: string[] = [];
  const line$ = new Subject<string>();
  const push = (line: string): void => {
    const text = line.replace(/^\d{4}-\S+ /, '');
    seen.push(text);
    line$.next(text);
    if (!ignored.some((pattern) => pattern.test(text))) log.push(text);
  };
  program.lines.push = push;
  program.errors.push = push;
  void program.ended.then((status) =>
    log.fail(new Error(`sv2 ${args.join(' ')} has ended with ${status}: ${seen.slice(-5).join('\n')}`)),
  );
  return {
    program,
    log,
    line: async (pattern) => pattern.exec(await log.take(String(pattern), (line) => pattern.test(line)))!,
    until: async (what, holds) => {
      const true$ = line$.pipe(startWith(''), filter(holds), take(1), timeout(patience));
      await firstValueFrom(true$).catch((cause: unknown) => {
        throw new Error(`sv2 ${args[0]}: waited for ${what}; last: ${seen.slice(-5).join('\n')}`, { cause });
      });
    },
    count: (pattern) => seen.filter((line) => pattern.test(line)).length,
    seen,
  };
};

/** Writes a configuration file. */
export const configuration = (path: string, ...lines: readonly string[]): string => {
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
};
