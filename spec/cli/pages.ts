/** Pages of commands to copy and paste, run as they are. */
import { afterAll } from '@jest/globals';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { ReplaySubject, filter, firstValueFrom } from 'rxjs';
import { freePort } from '../interop/support/node.js';

/** A block of commands of a page, and what the comment before it says of it. */
export interface Shown {
  readonly how: 'run' | 'start';
  /** What the pool must have printed before; undefined for nothing. */
  readonly after: RegExp | undefined;
  readonly commands: string;
}

/** The blocks of commands of a page that are run, in their order. */
export const shownIn = (page: string): Shown[] =>
  [...page.matchAll(/<!-- (run|start)(?: after "(.*)")? -->\n\n```sh\n([\s\S]*?)\n```/g)].map(
    ([, how, after, commands = '']) => ({
      how: how === 'start' ? 'start' : 'run',
      after: after === undefined ? undefined : new RegExp(after),
      commands,
    }),
  );

/** How bash finds `sv2`: as `npm test` has built it. */
const sv2 = `sv2() { "${process.execPath}" "${resolve('dist/cli/main.js')}" "$@"; }`;
/** The same for one that is started: the shell becomes it, and it gets what the shell is sent. */
const startedSv2 = `sv2() { exec "${process.execPath}" "${resolve('dist/cli/main.js')}" "$@"; }`;

/** The ports that pages show, each of which somebody else may use here. */
const ports = ['34254', '34255', '3333', '9090', '8442', '4222'];

/** Runs pages. */
export interface PlayedPages {
  /**
   * Runs a page's commands in a folder of their own.
   * @returns the folder, and what those that are not started have printed
   */
  play(shown: readonly Shown[]): Promise<{ readonly cwd: string; readonly text: string }>;
  /** Ends all that was started. */
  endAll(): Promise<void>;
}

/** For a spec file: what was started has ended after it, and its folders are gone. */
export function playedPages(): PlayedPages {
  const running: ChildProcess[] = [];
  const folders: string[] = [];
  const endAll = async (): Promise<void> => {
    await Promise.all(
      running.splice(0).map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        await exited;
      }),
    );
  };
  afterAll(async () => {
    await endAll();
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  return {
    endAll,
    async play(shown) {
      const cwd = mkdtempSync(join(tmpdir(), 'rx-sv2-page-'));
      folders.push(cwd);
      const own = new Map<string, string>();
      for (const port of ports) own.set(port, String(await freePort()));
      const here = (commands: string): string =>
        commands.replace(/(?<=127\.0\.0\.1(?::| -p ))\d+/g, (port) => own.get(port) ?? port);
      const line$ = new ReplaySubject<string>(100_000);
      const start = (command: string): void => {
        const child = spawn('bash', ['-c', `${startedSv2}\n${command}`], {
          cwd,
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        running.push(child);
        for (const stream of [child.stdout, child.stderr])
          createInterface({ input: stream }).on('line', (line) => line$.next(line));
      };
      const printed: string[] = [];
      for (const { how, after, commands } of shown) {
        if (after !== undefined) await firstValueFrom(line$.pipe(filter((line) => after.test(line))));
        if (how === 'start') for (const command of here(commands).split('\n')) start(command);
        else
          printed.push(execFileSync('bash', ['-ec', `${sv2}\n${here(commands)}`], { cwd, encoding: 'utf8' }));
      }
      return { cwd, text: printed.join('') };
    },
  };
}
