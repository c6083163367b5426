/**
 * Kills a pool a thousand times under load: see README.md. Arguments: how many times, 1,000 unless given; the seed, 1
 * unless given; the ledger, a new file unless given. Exits with 1 and the reasons if anything that was acknowledged is
 * not credited, or is credited twice.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { killPool } from './kills.js';

const [rounds = '1000', seed = '1', where] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-kills-'));
const say = (line: string): boolean => process.stdout.write(`${line}\n`);
say(`seed ${seed}`);
const { acknowledged, credited, problems } = await killPool({
  rounds: Number(rounds),
  seed: Number(seed),
  ledger: where ?? join(folder, 'ledger.sqlite'),
  main: resolve('dist/cli/main.js'),
  say,
});
rmSync(folder, { recursive: true });
for (const problem of problems) say(problem);
say(`killed ${rounds} times: ${JSON.stringify({ acknowledged, credited })}`);
process.exitCode = problems.length === 0 ? 0 : 1;
