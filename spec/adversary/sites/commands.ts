/** Commands of `sv2` as they are built, each in a process of its own, whose memory can be asked for. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../until.js';

const command = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const probe = fileURLToPath(new URL('../probe.js', import.meta.url));

/** A command that runs. */
export interface RunningCommand {
  readonly alive: boolean;
  /** Waits for a line of its log; returns the pattern's first group. */
  printed(pattern: RegExp): Promise<string>;
  /** Bytes of its objects and buffers, after garbage collection. */
  memory(): Promise<number>;
  /** Bytes that the system gave it. */
  resident(): number;
  /** Bytes that it wrote to its log. */
  logged(): number;
}

/** Processes that end together, with a directory of their own. */
export interface Commands {
  /** Runs `sv2` with these arguments. @param name of its log */
  start(name: string, args: readonly string[]): RunningCommand;
  /** Runs another program of this directory, which has no probe. Returns once it has said its first message, and that. */
  startProgram<T>(file: URL, args: readonly string[]): Promise<T>;
  /** Writes a configuration file that only this user can read. Returns its path. */
  file(name: string, text: string): string;
  stop(): Promise<void>;
}

/** None yet. */
export function commands(): Commands {
  const directory = mkdtempSync(join(tmpdir(), 'rx-sv2-adversary-'));
  const children: ChildProcess[] = [];
  return {
    start(name, args) {
      const log = join(directory, name);
      const descriptor = openSync(log, 'w');
      const child = fork(command, [...args], {
        execArgv: ['--expose-gc', '--import', probe],
        stdio: ['ignore', descriptor, descriptor, 'ipc'],
      });
      closeSync(descriptor);
      children.push(child);
      const match = (pattern: RegExp) => pattern.exec(readFileSync(log, 'utf8'));
      return {
        get alive() {
          return child.exitCode === null && child.signalCode === null;
        },
        async printed(pattern) {
          await until(`${name} prints ${String(pattern)}`, 20_000, () => match(pattern) !== null);
          return match(pattern)?.[1] ?? '';
        },
        async memory() {
          child.send('memory');
          const [bytes] = (await once(child, 'message')) as [number];
          return bytes;
        },
        resident: () =>
          1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]),
        logged: () => statSync(log).size,
      };
    },
    async startProgram<T>(file: URL, args: readonly string[]) {
      const child = fork(file, [...args], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
      children.push(child);
      const [said] = (await once(child, 'message')) as [T];
      return said;
    },
    file(name, text) {
      const path = join(directory, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    },
    async stop() {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGTERM');
        const forced = setTimeout(() => child.kill('SIGKILL'), 5_000);
        await once(child, 'exit');
        clearTimeout(forced);
      }
      rmSync(directory, { recursive: true });
    },
  };
}
