/** A block that is found while the core that settled its template is dead: the next one states it by what its coinbase pays. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { defer, filter, firstValueFrom, of, repeat, timeout } from 'rxjs';
import { temporaryFiles } from '../cli/role-support.js';
import { addressOf } from '../ledger/support.js';
import { poolSite } from './pool-site.js';
import { clusterSite } from './site.js';
import { stateOf } from './stated.js';

const site = clusterSite();
const pool = poolSite();
const { directory } = temporaryFiles();
const payout = ['--payout', 'pplns', '--payout-confirmations', '2'];

describe('a block whose core is killed before it has stated it', () => {
  it('is stated by the next, and is in the ledger with its share, once', async () => {
    const ledger = join(directory, 'no-core.sqlite');
    const nats = site.server.port;
    const core = pool.core(nats, ledger, ...payout);
    const front = await pool.front(nats, 0, ...payout);
    const miners = [1, 2].map((user) => pool.mine(front.port, `${addressOf(user)}.rig`));
    await Promise.all(miners.map((miner) => miner.more(3)));
    await firstValueFrom(pool.block$);
    await core.stop('SIGKILL');
    const before = front.role.output.stdout.length;
    const found$ = defer(() =>
      of(/BLOCK found by [^\n]*: ([0-9a-f]{64})\n/.exec(front.role.output.stdout.slice(before))),
    ).pipe(
      repeat({ delay: 50 }),
      filter((found) => found !== null),
      timeout(60_000),
    );
    const [, hash = ''] = await firstValueFrom(found$);
    expect(await stateOf(ledger, hash)).toEqual({ isStated: false, isAsPaid: false, shares: 0 });

    const another = pool.core(nats, ledger, ...payout);
    const stated$ = defer(() => stateOf(ledger, hash)).pipe(
      repeat({ delay: 200 }),
      filter(({ isStated }) => isStated),
      timeout(60_000),
    );
    expect(await firstValueFrom(stated$)).toEqual({ isStated: true, isAsPaid: true, shares: 1 });
    await firstValueFrom(pool.block$); // blocks go out again
    expect(another.output.stdout + another.output.stderr).not.toContain('does not know what it pays');
    expect(await another.stop('SIGTERM')).toBe(0);
  }, 120_000);
});
