import { afterAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { ReplaySubject, filter, firstValueFrom } from 'rxjs';

/** A block of commands of a page, and what the comment before it says of it. */
interface Shown {
  readonly how: 'run' | 'start';
  /** What the pool must have printed before; undefined for nothing. */
  readonly after: RegExp | undefined;
  readonly commands: string;
}

const shownIn = (page: string): Shown[] =>
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

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

/** The ports that pages show, each of which somebody else may use here. */
const ports = ['34254', '3333', '9090', '8442'];

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

describe.each(['solo-pool', 'pplns-pool'])('the page examples/%s', (name) => {
  const page = readFileSync(`examples/${name}/README.md`, 'utf8');
  const shown = shownIn(page);

  it('is shown where people look, and says which commands are run', () => {
    expect(readFileSync('README.md', 'utf8')).toContain(`examples/${name}/`);
    expect(shown.map(({ how }) => how)).toEqual(expect.arrayContaining(['run', 'start']));
    // what is not run takes a node
    const all = [...page.matchAll(/```sh\n([\s\S]*?)\n```/g)].map(([, commands = '']) => commands);
    const unrun = all.filter((commands) => !shown.some((one) => one.commands === commands));
    expect(unrun.every((commands) => commands.includes('--bitcoin-rpc'))).toBe(true);
  });

  it('has commands that end with a block whose statement is right', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'rx-sv2-page-'));
    folders.push(cwd);
    const own = new Map<string, string>();
    for (const port of ports) own.set(port, String(await freePort()));
    const here = (commands: string): string =>
      commands.replace(/(?<=127\.0\.0\.1:)\d+/g, (port) => own.get(port) ?? port);
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
    const text = printed.join('');
    expect(text).toMatch(/bcrt1q(rp33g0q5|ar0srrr7)/);
    expect(text.match(/^right: block [0-9a-f]{64}/gm)).toHaveLength(name === 'solo-pool' ? 1 : 2);
    if (name === 'pplns-pool') expect(text).toMatch(/^right: .* by [1-9]\d* records of one user$/m);
    expect(existsSync(join(cwd, 'copy.sqlite'))).toBe(true);
    await endAll();
  }, 240_000);
});
