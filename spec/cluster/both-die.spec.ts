/** A block whose front and core are killed when it goes out, before its share is written: the ledger has it all the same. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { defer, filter, firstValueFrom, repeat, timeout } from 'rxjs';
import { toDisplayHex } from '../../src/bitcoin/hash.js';
import { auditStatement, type SequencedRecord } from '../../src/index.js';
import { openLedger } from '../../src/node/ledger/open-ledger.js';
import { temporaryFiles } from '../cli/role-support.js';
import { addressOf } from '../ledger/support.js';
import { poolSite } from './pool-site.js';
import { clusterSite } from './site.js';

const site = clusterSite();
const pool = poolSite();
const { directory } = temporaryFiles();
const payout = ['--payout', 'pplns', '--payout-confirmations', '2'];

/** What a ledger has of a block: whether its statement is right by the records, and how often its share is among them. */
const inLedger = async (ledger: string, hash: string) => {
  const { store } = await openLedger(ledger, { create: false });
  try {
    const records: SequencedRecord[] = [];
    for await (const record of store.records()) records.push(record);
    const statement = (await store.blocks()).find((one) => one.hash === hash)?.statement ?? null;
    return {
      isStated: statement !== null && auditStatement(statement, { records }).length === 0,
      shares: records.filter(({ record }) => record.type === 'share' && toDisplayHex(record.hash) === hash)
        .length,
    };
  } finally {
    await store.close();
  }
};

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
    expect(await inLedger(ledger, hash)).toEqual({ isStated: false, shares: 0 });

    const another = pool.core(nats, ledger, ...payout);
    // the time of the front's lease is over
    const bus = await site.connect(nats);
    const leases = await new Kvm(bus.connection as NatsConnection).open('sv2-servers');
    await leases.delete('0');
    const found$ = defer(() => inLedger(ledger, hash)).pipe(
      repeat({ delay: 200 }),
      filter(({ isStated }) => isStated),
      timeout(60_000),
    );
    expect(await firstValueFrom(found$)).toEqual({ isStated: true, shares: 1 });
    expect(another.output.stdout + another.output.stderr).not.toContain('does not know what it pays');
    expect(await another.stop('SIGTERM')).toBe(0);
  }, 120_000);
});
