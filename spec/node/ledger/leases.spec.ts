import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bookkeeping, type LedgerStore } from '../../../src/index.js';
import { openLedger } from '../../../src/node.js';
import { openBooks } from '../../../src/roles/pool/pool-ledger.js';
import { shareOf } from '../../ledger/support.js';
import { postgresServer, withoutPostgres, type PostgresServer } from './postgres-server.js';

const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-leases-'));
let server: PostgresServer | undefined;
beforeAll(async () => {
  if (withoutPostgres === null) server = await postgresServer();
}, 60_000);
afterAll(async () => {
  await server?.end();
  rmSync(folder, { recursive: true });
});

const taken = (serverId: number) =>
  expect.objectContaining({
    code: 'server-id-taken',
    message: expect.stringContaining(`another pool has server id ${serverId} in the ledger`),
  });

const places: [string, () => string][] = [['a file', () => join(folder, 'ledger.sqlite')]];
if (withoutPostgres === null) places.push(['PostgreSQL', () => server?.url ?? '']);

const openBoth = async (where: string): Promise<[LedgerStore, LedgerStore]> => [
  (await openLedger(where)).store,
  (await openLedger(where)).store,
];

describe.each(places)('a server id in %s', (_, where) => {
  it('is had by one pool at a time, until its ledger is closed', async () => {
    const [one, other] = await openBoth(where());
    try {
      await one.lease?.(1);
      await one.lease?.(1);
      await expect(other.lease?.(1)).rejects.toThrow(taken(1));
      await expect(openBooks({ store: other }, 1, Date.now)).rejects.toThrow(taken(1));
      await other.lease?.(2);
      await expect(one.lease?.(2)).rejects.toThrow(taken(2));
      expect(await other.accounts()).toEqual([]); // who only looks needs none
      await one.close();
      await other.lease?.(1);
    } finally {
      await other.close();
    }
  }, 30_000);

  it('is free when the process that had it was killed', async () => {
    const script = `
      import { openLedger } from ${JSON.stringify(join(process.cwd(), 'dist/node.js'))};
      const { store } = await openLedger(${JSON.stringify(where())});
      await store.lease(7);
      console.log('leased');
      setInterval(() => undefined, 1_000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const { store } = await openLedger(where());
    try {
      await expect(store.lease?.(7)).rejects.toThrow(taken(7));
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      await store.lease?.(7);
    } finally {
      await store.close();
    }
  }, 30_000);
});

describe.each(places.slice(1))('a lease whose session %s has ended', () => {
  const endSessions = async (): Promise<void> => {
    const { default: pg } = await import('pg');
    const client = new pg.Client(server?.url);
    await client.connect();
    await client.query(
      "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name LIKE 'rx-sv2 server %'",
    );
    await client.end();
  };

  it('is taken again with the next write', async () => {
    const [one, other] = await openBoth(server?.url ?? '');
    await one.lease?.(3);
    const books = await bookkeeping(one, 3);
    await books.write([shareOf('alice', { serverId: 3 })]);
    await endSessions();
    await books.write([shareOf('alice', { serverId: 3 })]);
    await expect(other.lease?.(3)).rejects.toThrow(taken(3));
    expect((await one.receipt(3)).sequence).toBe(2);
    await Promise.all([one.close(), other.close()]);
  }, 30_000);

  it('and that somebody else has since ends the writing', async () => {
    const [one, other] = await openBoth(server?.url ?? '');
    await one.lease?.(4);
    const books = await bookkeeping(one, 4);
    await endSessions();
    await other.lease?.(4);
    await expect(books.write([shareOf('alice', { serverId: 4 })])).rejects.toThrow(
      expect.objectContaining({ code: 'ledger-conflict' }),
    );
    expect((await one.receipt(4)).sequence).toBe(0);
    await Promise.all([one.close(), other.close()]);
  }, 30_000);
});
