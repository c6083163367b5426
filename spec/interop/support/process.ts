import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { inbox, type Inbox } from './inbox.js';

/** A program that runs, and what it says. */
export interface Program {
  /** The lines of its standard output. */
  readonly lines: Inbox<string>;
  /** The lines of its standard error. */
  readonly errors: Inbox<string>;
  write(line: string): void;
  /** Its exit status; null if a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Ends it, by SIGTERM unless given, and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  readonly process: ChildProcessWithoutNullStreams;
}

const running = new Set<Program>();

/** Starts a program. It is stopped by `stopPrograms` at the latest. */
export const startProgram = (
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Program => {
  const child = spawn(command, args, { stdio: 'pipe', ...options });
  const name = [command.replace(/.*\//, ''), ...args].join(' ');
  const [lines, errors] = [inbox<string>(`${name}, output`), inbox<string>(`${name}, errors`)];
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  createInterface(child.stderr).on('line', (line) => errors.push(line));
  child.stdin.on('error', () => undefined); // it has ended
  const ended = once(child, 'close').then(([status]) => status as number | null);
  const program: Program = {
    process: child,
    lines,
    errors,
    ended,
    write: (line) => child.stdin.write(`${line}\n`),
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return ended;
    },
  };
  running.add(program);
  void ended.then((status) => {
    running.delete(program);
    lines.fail(new Error(`${name} has ended with ${status}: ${errors.rest.join('\n')}`));
    errors.fail(new Error(`${name} has ended with ${status}`));
  });
  return program;
};

/** Ends all programs started here. */
export const stopPrograms = async (): Promise<void> => {
  await Promise.all([...running].map((program) => program.stop('SIGKILL')));
};
