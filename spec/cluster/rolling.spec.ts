/** A deploy: fronts that are told to end send their miners to others first, one front after another, under load. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { merge, tap } from 'rxjs';
import { temporaryFiles } from '../cli/role-support.js';
import { credited } from './credited.js';
import { poolSite, type FrontProcess } from './pool-site.js';
import type { PlayedMiner } from '../roles/played-miner.js';
import { clusterSite } from './site.js';

const site = clusterSite();
const pool = poolSite();
const { directory } = temporaryFiles();

/** Milliseconds that a miner may be without work. */
const most = 2_000;

/** What becomes of a miner, while `watch$` is subscribed to. */
const measured = ({ outcome$ }: PlayedMiner) => {
  let since: number | undefined;
  let longest = 0;
  let shares = 0;
  let disconnected = 0;
  let sentAway = 0;
  const watch$ = outcome$.pipe(
    tap((outcome) => {
      const { type, message } = outcome as {
        readonly type: string;
        readonly message?: { readonly type: string };
      };
      if (type === 'disconnected') {
        since ??= performance.now();
        disconnected += 1;
      }
      if (type === 'received' && message?.type === 'Reconnect') sentAway += 1;
      if (type === 'sent' && message?.type === 'SubmitSharesExtended') shares += 1;
      if (type === 'received' && message?.type === 'SubmitShares.Error') shares -= 1;
      if (type !== 'received' || message?.type !== 'NewExtendedMiningJob' || since === undefined) return;
      longest = Math.max(longest, performance.now() - since);
      since = undefined;
    }),
  );
  return {
    watch$,
    /** Shares that it has sent, less those that were rejected. */
    shares: () => shares,
    /** How many of its connections have ended, and how many times it was sent away. */
    ends: () => ({ disconnected, sentAway }),
    /** The longest that it was without work: from the end of a connection to its next job. */
    longest: () => (since === undefined ? longest : Infinity),
  };
};

describe('a rolling restart of all fronts', () => {
  it(`loses no share, and leaves no miner without work for more than ${most} ms`, async () => {
    const ledger = join(directory, 'rolling.sqlite');
    const nats = site.server.port;
    pool.core(nats, ledger);
    const fronts: FrontProcess[] = [];
    for (let number = 0; number < 3; number++) fronts.push(await pool.advertised(nats));
    // of both the addresses stay for minutes: of one that is there again, and of one that is not
    const [killed] = fronts as [FrontProcess];
    expect(await killed.role.stop('SIGKILL')).not.toBe(0);
    fronts[0] = await pool.advertised(nats, killed.port);
    const gone = await pool.advertised(nats);
    expect(await gone.role.stop('SIGKILL')).not.toBe(0);
    const miners = fronts.flatMap(({ port }, front) =>
      Array.from({ length: 8 }, (_, index) => pool.mine(port, `miner${front}-${index}`, 500)),
    );
    const measures = miners.map(measured);
    const watching = merge(...measures.map(({ watch$ }) => watch$)).subscribe();
    await Promise.all(miners.map(({ more }) => more(2)));

    for (const [index, { role, port }] of fronts.entries()) {
      expect(await role.stop('SIGTERM')).toBe(0);
      const others = fronts.filter((other) => other.port !== port).map((other) => `127.0.0.1:${other.port}`);
      const [, places = ''] = /ending: \d+ miners? sent to ([^\n]*)/.exec(role.output.stdout) ?? [];
      expect(new Set(places.split(', '))).toEqual(new Set(others));
      fronts[index] = await pool.advertised(nats, port);
    }
    const sent = measures.map(({ shares }) => shares());
    await Promise.all(miners.map(({ more }) => more(5)));

    expect(Math.max(...measures.map(({ longest }) => longest()))).toBeLessThan(most);
    // no connection ended but by a front that sent its miner elsewhere, and each of them had one
    for (const { disconnected, sentAway } of measures.map(({ ends }) => ends())) {
      expect(sentAway).toBeGreaterThanOrEqual(1);
      expect(disconnected).toBe(sentAway);
    }
    watching.unsubscribe();
    const told = miners.map(({ told: count }) => count);
    const counts = await credited(ledger);
    miners.forEach(({ user }, index) => {
      expect(counts[user]).toBeGreaterThanOrEqual(told[index] ?? Infinity);
      expect(counts[user]).toBeGreaterThanOrEqual(sent[index] ?? Infinity);
    });
  }, 90_000);
});
