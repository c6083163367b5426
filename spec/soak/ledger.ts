/**
 * Kills a pool, its database, and both a thousand times under load: see README.md. Arguments: how many times, 1,000 unless
 * given; the seed, 1 unless given; `postgres` (unless given: where one is installed) for a database that is started here,
 * or `file`. Exits with 1 and the reasons if anything that was acknowledged is not credited, or is credited twice, or
 * somebody is owed what he should not be.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { postgresServer, withoutPostgres } from '../node/ledger/postgres-server.js';
import { killPool } from './kills.js';

const [rounds = '1000', seed = '1', where = withoutPostgres === null ? 'postgres' : 'file'] =
  process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-kills-'));
const say = (line: string): boolean => process.stdout.write(`${line}\n`);
say(`seed ${seed}`);
const store = where === 'postgres' ? await postgresServer() : undefined;
const { problems, ...result } = await killPool({
  rounds: Number(rounds),
  seed: Number(seed),
  folder,
  ...(store === undefined ? {} : { store }),
  main: resolve('dist/cli/main.js'),
  say,
});
await store?.end();
rmSync(folder, { recursive: true });
for (const problem of problems) say(problem);
say(`killed ${rounds} times: ${JSON.stringify(result)}`);
process.exitCode = problems.length === 0 ? 0 : 1;
