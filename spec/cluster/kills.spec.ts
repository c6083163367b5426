/** A core and three fronts on a real nats-server and PostgreSQL, of which everything is killed or cut off. */
import { describe, expect, it } from '@jest/globals';
import { postgresServer, withoutPostgres } from '../node/ledger/postgres-server.js';
import { credited } from './credited.js';
import { poolSite, type FrontProcess } from './pool-site.js';
import type { PlayedMiner } from '../roles/played-miner.js';
import { clusterSite } from './site.js';

const site = clusterSite();
const pool = poolSite();

/** Waits until each has been told of so many more. */
const more = (miners: readonly PlayedMiner[], count: number): Promise<unknown> =>
  Promise.all(miners.map((miner) => miner.more(count)));

describe('a pool on several machines', () => {
  it(`credits what it acknowledged, once, whatever is killed or cut off${withoutPostgres === null ? '' : ` (not tried: ${withoutPostgres})`}`, async () => {
    if (withoutPostgres !== null) return;
    const postgres = await postgresServer();
    try {
      const [nats, relayed] = [site.server.port, site.relay.port];
      const core = pool.core(nats, postgres.url);
      const fronts: FrontProcess[] = [
        await pool.front(nats),
        await pool.front(nats),
        await pool.front(relayed), // whose line to NATS can be cut
      ];
      const ports = fronts.map(({ port }) => port);
      const miners = ports.map((port, index) => pool.mine(port, `miner${index}`));
      const [, , third] = miners as [PlayedMiner, PlayedMiner, PlayedMiner];
      const ofThird = (fronts[2] as FrontProcess).role;
      await more(miners, 5);

      const look = async (): Promise<void> => {
        const before = miners.map(({ told }) => told);
        const counts = await credited(postgres.url);
        miners.forEach(({ user }, index) => expect(counts[user]).toBeGreaterThanOrEqual(before[index] ?? 0));
      };

      // a front: another takes its place
      await fronts[0]?.role.stop('SIGKILL');
      await look();
      await pool.front(nats, ports[0]);
      await more(miners, 3);

      // the line of a front: it goes on, and acknowledges when it is back
      site.relay.cut();
      await ofThird.printed(/no connection to NATS/);
      await ofThird.printed(/\d+ shares? waiting, and none is acknowledged until the ledger can be written/);
      site.relay.mend();
      await third.more(3);
      await look();

      // NATS
      await site.server.kill();
      await site.server.start();
      await more(miners, 3);
      await look();

      // the core: another waits, and has its turn; blocks that are found meanwhile wait for it
      const another = pool.core(nats, postgres.url);
      await another.printed(
        /cluster sv2 has a core, \S+ \(process \d+\): there is one at a time; waiting for it/,
      );
      const onChain = pool.blocks();
      await core.stop('SIGKILL');
      await more(miners, 3);
      await look();
      await another.printed(/front \S+ \(process \d+\) \(server id 1\) is here/);
      expect(pool.blocks()).toBeGreaterThan(onChain);

      // the database
      await postgres.kill();
      await postgres.start();
      await more(miners, 3);
      await look();
      expect(await another.stop('SIGTERM')).toBe(0);
      for (const { role } of fronts.slice(1))
        expect(role.output.stdout + role.output.stderr).not.toMatch(/client \d+ [^\n]*disconnected/);
    } finally {
      await postgres.end();
    }
  }, 120_000);
});
