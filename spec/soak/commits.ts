/**
 * Commits a second through JetStream: fronts write shares, one commit after another, a core takes them from the stream into its ledger, in a
 * file and in PostgreSQL, and says so. See README.md. Arguments: seconds of each part, 8 unless given; `file` for that alone.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { merge, mergeMap } from 'rxjs';
import { corePorts } from '../../src/node/cluster/core-ports.js';
import { natsWorkQueue } from '../../src/node/cluster/nats-work-queue.js';
import { natsBus } from '../../src/node/cluster/nats.js';
import { writtenFromQueue } from '../../src/node/cluster/streamed-ledger.js';
import { openLedger } from '../../src/node/ledger/open-ledger.js';
import { servedLedger } from '../../src/roles/cluster/port-ledger.js';
import { natsServer } from '../cluster/nats-server.js';
import { postgresServer, withoutPostgres } from '../node/ledger/postgres-server.js';

const [given = '8', only] = process.argv.slice(2);
const seconds = Number(given);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

/** How many fronts, and how many shares they have in a commit. */
const parts = [
  [1, 1],
  [10, 1],
  [10, 50],
  [10, 500],
  [100, 50],
] as const;

const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-commits-'));
const nats = await natsServer();
const postgres = withoutPostgres === null && only !== 'file' ? await postgresServer() : undefined;
const url = `nats://127.0.0.1:${nats.port}`;
const middle = (sorted: readonly number[], part: number): string =>
  (sorted[Math.floor(sorted.length * part)] ?? NaN).toFixed(1);

/** Measures the parts with one ledger. @param name what it is; a cluster's, too */
const measure = async (name: string, ledger: string): Promise<void> => {
  const { store } = await openLedger(ledger);
  const bus = await natsBus(url);
  const onError = (error: unknown): void => console.error(error);
  const queue = await natsWorkQueue(bus, { cluster: name, name: 'shares', onError });
  const { front$ } = corePorts(bus, { cluster: name });
  const core = merge(
    front$.pipe(mergeMap((port) => servedLedger(port, store, () => false))),
    writtenFromQueue({ cluster: name, bus, queue }, store),
  ).subscribe();
  let first = 1;
  for (const [fronts, size] of parts) {
    const words = [url, name, first, fronts, size, seconds].map(String);
    first += fronts;
    const child = fork(fileURLToPath(new URL('commits-fronts.ts', import.meta.url)), words, {
      execArgv: ['--import', 'tsx'],
    });
    const before = process.cpuUsage();
    const [took] = (await once(child, 'message')) as [number[]];
    const { user, system } = process.cpuUsage(before);
    await once(child, 'exit');
    const commits = took.length;
    const sorted = took.sort((one, other) => one - other);
    const figures = [
      (commits / seconds).toFixed(),
      ((commits * size) / seconds).toFixed(),
      `${middle(sorted, 0.5)} / ${middle(sorted, 0.99)}`,
      ((user + system) / 1_000 / commits).toFixed(2),
    ];
    say(`| ${[name, fronts, size, ...figures].join(' | ')} |`);
  }
  core.unsubscribe();
  await bus.close();
  await store.close();
};

try {
  say(
    '| ledger | fronts | shares a commit | commits a second | shares a second | ms until it is written, median / of 99 % | ms of processor time at the core, a commit |',
  );
  say('| --- | --- | --- | --- | --- | --- | --- |');
  await measure('file', join(folder, 'ledger.sqlite'));
  if (postgres !== undefined) await measure('PostgreSQL', postgres.url);
} finally {
  await postgres?.end();
  await nats.remove();
  rmSync(folder, { recursive: true });
}
