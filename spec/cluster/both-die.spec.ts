/** A block whose front and core are killed when it goes out, before its share is written: the ledger has it all the same. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { defer, filter, firstValueFrom, repeat, timeout } from 'rxjs';
import { temporaryFiles } from '../cli/role-support.js';
import { addressOf } from '../ledger/support.js';
import { poolSite } from './pool-site.js';
import { clusterSite } from './site.js';
import { stateOf } from './stated.js';

const site = clusterSite();
const pool = poolSite();
const { directory } = temporaryFiles();
const payout = ['--payout', 'pplns', '--payout-confirmations', '2'];

describe('a block whose front and core die before its share is written', () => {
  it('is in the ledger with its statement and its share, once, when there is another core and the front is known to be gone', async () => {
    const ledger = join(directory, 'both.sqlite');
    const nats = site.server.port;
    const core = pool.core(nats, ledger, ...payout);
    const front = await pool.front(site.relay.port, 0, ...payout);
    const miner = pool.mine(front.port, `${addressOf(1)}.rig`);
    await miner.more(3);
    const accepted = firstValueFrom(pool.block$);
    await accepted;
    // of the next block's share nothing gets through but the block
    const next = firstValueFrom(pool.block$);
    site.relay.stopBehind('sv2.blocks.');
    const hash = await next;
    await Promise.all([core.stop('SIGKILL'), front.role.stop('SIGKILL')]);
    expect(await stateOf(ledger, hash)).toEqual({ isStated: false, isAsPaid: false, shares: 0 });

    const another = pool.core(nats, ledger, ...payout);
    // the time of the front's lease is over
    const bus = await site.connect(nats);
    const leases = await new Kvm(bus.connection as NatsConnection).open('sv2-servers');
    await leases.delete('0');
    const found$ = defer(() => stateOf(ledger, hash)).pipe(
      repeat({ delay: 200 }),
      filter(({ isStated }) => isStated),
      timeout(60_000),
    );
    expect(await firstValueFrom(found$)).toEqual({ isStated: true, isAsPaid: false, shares: 1 });
    expect(another.output.stdout + another.output.stderr).not.toContain('does not know what it pays');
    expect(await another.stop('SIGTERM')).toBe(0);
  }, 120_000);
});
