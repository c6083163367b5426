/** A pool at a NATS of three servers, of which the one that decides is killed under load. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { natsBus } from '../../src/node/cluster/nats.js';
import { openBucket } from '../../src/node/cluster/jetstream.js';
import { temporaryFiles } from '../cli/role-support.js';
import { addressOf } from '../ledger/support.js';
import { credited } from './credited.js';
import { natsCluster, type NatsCluster } from './nats-cluster.js';
import { poolSite } from './pool-site.js';

const pool = poolSite();
const { directory } = temporaryFiles();
const payout = ['--payout', 'pplns', '--payout-confirmations', '2'];
let cluster: NatsCluster;
beforeAll(async () => {
  cluster = await natsCluster();
});
afterAll(() => cluster.remove());

describe('a pool at three NATS servers', () => {
  it('has all that it keeps on each of them, and loses nothing that it acknowledged when the one that decides is killed', async () => {
    const ledger = join(directory, 'three.sqlite');
    const core = pool.core(cluster.url(0), ledger, ...payout);
    const fronts = [
      await pool.front(cluster.url(1), 0, ...payout),
      await pool.front(cluster.url(2), 0, ...payout),
    ];
    const miners = fronts.flatMap(({ port }, front) =>
      [0, 1, 2].map((index) => pool.mine(port, `${addressOf(3 * front + index)}.rig`, 500)),
    );
    const more = (count: number): Promise<unknown> => Promise.all(miners.map((miner) => miner.more(count)));
    await more(3);

    const names = ['shares', 'blocks'].map((name) => `sv2-${name}`);
    const buckets = ['core', 'noted', 'servers', 'templates'].map((name) => `KV_sv2-${name}`);
    const kept = (await cluster.streams()).map(({ config }) => [config.name, config.num_replicas] as const);
    expect(kept.sort()).toEqual([...names, ...buckets].sort().map((name) => [name, 3]));

    for (const stream of ['sv2-shares', 'KV_sv2-servers', 'KV_sv2-core']) {
      await cluster.whole();
      const leader = await cluster.leaderOf(stream);
      await leader.kill();
      const told = miners.map((miner) => miner.told);
      await more(3);
      const counts = await credited(ledger);
      miners.forEach(({ user }, index) =>
        expect(counts[user]).toBeGreaterThanOrEqual(told[index] ?? Infinity),
      );
      await leader.start();
    }

    // a part that starts while a server is away
    const leader = await cluster.leaderOf('sv2-shares');
    await leader.kill();
    await core.stop('SIGKILL');
    const another = pool.core(cluster.url(0), ledger, ...payout);
    await more(3);
    await leader.start();
    expect(await another.stop('SIGTERM')).toBe(0);
    for (const { role } of fronts)
      expect(role.output.stdout + role.output.stderr).not.toMatch(/client \d+ [^\n]*disconnected/);
  }, 240_000);

  it('has on all of them what it kept when there was one', async () => {
    const bus = await natsBus(cluster.url(0));
    try {
      const { Kvm } = await import('@nats-io/kv');
      await new Kvm(bus.connection as never).create('alone', { history: 1, replicas: 1 });
      await openBucket(bus, 'alone');
      const [info] = (await cluster.streams()).filter(({ config }) => config.name === 'KV_alone');
      expect(info?.config.num_replicas).toBe(3);
    } finally {
      await bus.close();
    }
  }, 60_000);
});
