import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { filter, firstValueFrom, map, ReplaySubject, type Observable } from 'rxjs';

/** A program that was started. */
export interface Program {
  /** Resolves with the first line of output that matches, even if it came already; rejects when the program ends first. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  /** Ends it as Ctrl-C would, or by another signal; resolves with its exit status. */
  interrupt(signal?: 'SIGINT' | 'SIGTERM'): Promise<number | null>;
  /** Its exit status, when it has ended. */
  readonly exited: Promise<number | null>;
  /** Ends it the hard way if it still runs. */
  kill(): void;
}

/** Starts an example with tsx. */
export function runExample(name: string, ...args: readonly string[]): Program {
  // node itself, not the tsx command: signals must reach the program
  return runNode('--import', 'tsx', `examples/${name}/main.ts`, ...args);
}

/** Starts Node.js. */
const runNode = (...args: readonly string[]): Program => runProgram(process.execPath, args, process.env);

/** Starts a program with an environment of its own. */
export function runProgram(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Program {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  const line$ = new ReplaySubject<string>(10_000);
  const seen: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      seen.push(line);
      line$.next(line);
    });
  }
  const exited = once(child, 'close').then(([code]) => {
    line$.complete();
    return code as number | null;
  });
  return {
    line: (pattern) =>
      firstValueFrom(matches(line$, pattern)).catch(() => {
        throw new Error(
          `${args.join(' ')} ended without a line like ${String(pattern)}; it said:\n${seen.join('\n')}`,
        );
      }),
    interrupt(signal = 'SIGINT') {
      child.kill(signal);
      return exited;
    },
    exited,
    kill: () => killIfRunning(child),
  };
}

function matches(line$: Observable<string>, pattern: RegExp): Observable<RegExpExecArray> {
  return line$.pipe(
    map((line) => pattern.exec(line)),
    filter((match) => match !== null),
  );
}

function killIfRunning(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
}
