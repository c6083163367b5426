/** Roles as processes, whose output nobody takes: they lose lines, which they count, and nothing else. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { filter, firstValueFrom, take, toArray } from 'rxjs';
import {
  CloseChannel,
  OpenStandardMiningChannel,
  OpenStandardMiningChannelSuccess,
} from '../../src/index.js';
import { setupConnection } from '../../src/testing/index.js';
import { connectTo } from '../node/support.js';
import { temporaryFiles } from './role-support.js';

const { directory } = temporaryFiles();
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A line of a log in JSON. */
interface Line {
  readonly level: string;
  readonly message: string;
}

/** A pool that runs, and all that it has to say. */
interface Pool {
  readonly child: ChildProcess;
  readonly port: number;
  /** Lines that its file has: all. */
  lines(): readonly Line[];
  /** Waits until its file has a line like this. */
  said(pattern: RegExp): Promise<string>;
  /** Its exit status, once it has ended. */
  readonly ended: Promise<number | null>;
}

const linesIn = (text: string): readonly Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

let pools = 0;

/**
 * Starts a pool whose miners wait for a template provider.
 * @param stdout a pipe that is closed, or one that is not read, or a file
 * @param wrapped makes the command that starts it of its own
 */
async function startPool(
  stdout: 'closed' | 'unread' | number,
  wrapped: (command: readonly string[]) => readonly string[] = (command) => command,
): Promise<Pool> {
  const file = join(directory, `${++pools}.log`);
  closeSync(openSync(file, 'w'));
  const [command = '', ...words] = wrapped([
    ...[process.execPath, 'dist/cli/main.js', 'pool', '--listen', '127.0.0.1:0', '--ledger', 'none'],
    ...['--template-provider', '127.0.0.1:1', '--coinbase-reward-script'],
    ...['bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080', '--log-format', 'json', '--log-file', file],
  ]);
  const child = spawn(command, words, {
    stdio: ['ignore', typeof stdout === 'number' ? stdout : 'pipe', 'pipe'],
  });
  children.push(child);
  if (stdout === 'closed') child.stdout?.destroy();
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const text = () => readFileSync(file, 'utf8');
  const said = (pattern: RegExp) =>
    new Promise<string>((resolve) => {
      const watcher = watch(file, () => look());
      const look = () => {
        const match = pattern.exec(text());
        if (match === null) return;
        watcher.close();
        resolve(match[1] ?? match[0]);
      };
      look();
    });
  const port = Number(await said(/pool listening on 127\.0\.0\.1:(\d+)/));
  return { child, port, said, ended, lines: () => linesIn(text()) };
}

/** Lines of a kind that are written before they are counted. */
const channels = 20;

/** A miner that opens channels, with as long a name as there can be, and closes them; resolves when it is served. */
async function serveMiner({ port }: Pool): Promise<void> {
  const connection = await connectTo({ host: '127.0.0.1', port }, { encrypted: false });
  const opened = firstValueFrom(
    connection.message$.pipe(
      filter((message) => OpenStandardMiningChannelSuccess.match(message)),
      take(channels),
      toArray(),
    ),
  );
  connection.send(
    setupConnection('mining'),
    ...Array.from({ length: channels }, (_, requestId) =>
      OpenStandardMiningChannel({
        ...{ requestId, userIdentity: '"'.repeat(255), nominalHashRate: 1e12 },
        maxTarget: new Uint8Array(32).fill(0xff),
      }),
    ),
  );
  for (const { channelId } of await opened)
    connection.send(CloseChannel({ channelId, reasonCode: '"'.repeat(255) }));
  connection.close();
}

/** What an output says from now on. */
function heard(output: Readable) {
  let text = '';
  const until = (pattern: RegExp) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (pattern.test(text)) resolve();
      };
      output.on('data', look);
      look();
    });
  output.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { until, lines: () => linesIn(text) };
}

/** Ends a pool whose stdout took nothing, and looks whether it says so: on stderr, with the number of lines. */
async function endUnheard(pool: Pool): Promise<void> {
  await serveMiner(pool);
  await pool.said(/channel \d+: closed/);
  await serveMiner(pool); // after lines that were lost
  const stderr = heard(pool.child.stderr as Readable);
  pool.child.kill('SIGTERM');
  expect(await pool.ended).toBe(0);
  const toStdout = pool.lines().filter(({ level }) => level === 'info').length;
  expect(toStdout).toBeGreaterThan(2 * channels);
  expect(stderr.lines().at(-1)?.message).toBe(`lost at the end: ${toStdout} lines of the log to stdout`);
}

describe('a pool goes on, tells what is lost, and ends with status 0,', () => {
  it('when nobody reads its output any more', async () => endUnheard(await startPool('closed')));

  if (existsSync('/dev/full'))
    it('when the disk with its output is full', async () => {
      const full = openSync('/dev/full', 'w');
      const pool = await startPool(full);
      closeSync(full);
      await endUnheard(pool);
    });

  it('when whoever reads its output has stopped, and goes on later', async () => {
    const pool = await startPool('unread');
    for (let miner = 0; miner < 20; miner++) await serveMiner(pool);
    await pool.said(/client 20 channel \d+: closed/);
    const stdout = heard(pool.child.stdout as Readable);
    await stdout.until(/lost before this one: \d+ lines? of this log/);
    await serveMiner(pool);
    pool.child.kill('SIGTERM');
    expect(await pool.ended).toBe(0);
    const kept = stdout.lines().filter(({ level }) => level === 'info').length;
    const lost = stdout
      .lines()
      .filter(({ level }) => level === 'warn')
      .map(({ message }) => Number(/^lost before this one: (\d+) lines? of this log/.exec(message)?.[1]));
    const all = pool.lines().filter(({ level }) => level === 'info').length;
    expect(lost.reduce((sum, count) => sum + count, kept)).toBe(all);
    expect(kept).toBeLessThan(all);
  });

  if (existsSync('/usr/bin/script') && existsSync('/proc/self/stat'))
    it('when its terminal was stopped (Ctrl-S), where a thread that waits could not be ended', async () => {
      const id = join(directory, 'id');
      const pool = await startPool('unread', (command) => [
        ...[
          '/usr/bin/script',
          '--quiet',
          '--command',
          `echo $$ > ${id}; exec ${command.join(' ')}`,
          '/dev/null',
        ],
      ]);
      for (let miner = 0; miner < 5; miner++) await serveMiner(pool);
      await pool.said(/client 5 channel \d+: closed/);
      const poolId = Number(readFileSync(id, 'utf8'));
      process.kill(poolId, 'SIGTERM');
      await pool.said(/pool ended after/);
      const stat = `/proc/${poolId}/stat`;
      const hasEnded = () => !existsSync(stat) || / Z /.test(readFileSync(stat, 'utf8'));
      for (const end = Date.now() + 60_000; !hasEnded() && Date.now() < end;) await setImmediate();
      expect(hasEnded()).toBe(true);
    });
});

it.each([
  ['1 when it fails', ['--listen', '192.0.2.1:1', '--no-encryption'], 1, /^sv2: 192\.0\.2\.1:1 /],
  ['2 when it is told nonsense', ['--fee-threshold', 'few'], 2, /^sv2: --fee-threshold/],
] as const)('a role ends with status %s, whatever becomes of its output', (_, flags, status, message) => {
  const full = openSync(existsSync('/dev/full') ? '/dev/full' : '/dev/null', 'w');
  const run = spawnSync(process.execPath, ['dist/cli/main.js', 'template-provider', ...flags], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  closeSync(full);
  expect(run.status).toBe(status);
  expect(run.stderr.split('\n').filter((line) => message.test(line))).toHaveLength(1);
});
