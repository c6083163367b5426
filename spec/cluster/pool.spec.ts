/** `sv2 pool --cluster`: a core and its fronts as processes that meet at a real nats-server alone. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { temporaryFiles } from '../cli/role-support.js';
import { credited, poolSite } from './pool-site.js';
import { clusterSite } from './site.js';

const site = clusterSite();
const pool = poolSite();
const { directory } = temporaryFiles();

describe('sv2 pool --cluster', () => {
  it('mines blocks with miners of all fronts; another core waits, and has its turn when the first is killed; miners go on meanwhile', async () => {
    const ledger = join(directory, 'pool.sqlite');
    const nats = site.server.port;
    const core = pool.core(nats, ledger);
    const [one, two] = [await pool.front(nats), await pool.front(nats)];
    const miners = [pool.mine(one.port, 'one'), pool.mine(two.port, 'two')] as const;
    await Promise.all(miners.map(({ more }) => more(5)));
    await firstValueFrom(pool.block$);
    await core.printed(/is on the chain/);

    const another = pool.core(nats, ledger);
    await another.printed(
      /cluster sv2 has a core, \S+ \(process \d+\): there is one at a time; waiting for it/,
    );
    await core.stop('SIGKILL');
    await Promise.all(miners.map(({ more }) => more(5)));
    await another.printed(/front \S+ \(process \d+\) \(server id 0\) is here/);
    for (const { role } of [one, two])
      expect(role.output.stdout + role.output.stderr).not.toMatch(/disconnected/);

    const told = miners.map((miner) => miner.told);
    const counts = await credited(ledger);
    expect(counts['one']).toBeGreaterThanOrEqual(told[0] ?? Infinity);
    expect(counts['two']).toBeGreaterThanOrEqual(told[1] ?? Infinity);
    expect(await one.role.stop('SIGINT')).toBe(0);
    expect(await another.stop('SIGTERM')).toBe(0);
  }, 90_000);
});
