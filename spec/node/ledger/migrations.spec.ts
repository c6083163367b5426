import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { bookkeeping, type SequencedRecord, type StoredBlock } from '../../../src/index.js';
import { openLedger } from '../../../src/node.js';
import { postgres } from '../../../src/node/ledger/postgres.js';
import { latestForm, migrate, sqlStore, type SqlDatabase } from '../../../src/node/ledger/sql-store.js';
import { sqlite } from '../../../src/node/ledger/sqlite.js';
import { shareOf } from '../../ledger/support.js';
import { postgresServer, withoutPostgres, type PostgresServer } from './postgres-server.js';

const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-migrations-'));
let server: PostgresServer | undefined;
beforeAll(async () => {
  if (withoutPostgres === null) server = await postgresServer();
}, 60_000);
afterAll(async () => {
  await server?.end();
  rmSync(folder, { recursive: true });
});

interface Place {
  readonly where: string;
  open(): Promise<SqlDatabase>;
}
let files = 0;
const places: [string, () => Promise<Place>][] = [
  [
    'a file',
    () => {
      const where = join(folder, `${(files += 1)}.sqlite`);
      return Promise.resolve({ where, open: () => sqlite(where) });
    },
  ],
];
if (withoutPostgres === null)
  places.push([
    'PostgreSQL',
    async () => {
      const where = server?.url ?? '';
      const database = await postgres(where);
      await database.run('DROP SCHEMA public CASCADE');
      await database.run('CREATE SCHEMA public');
      await database.close();
      return { where, open: () => postgres(where) };
    },
  ]);

const formOf = async (database: SqlDatabase): Promise<number> =>
  Number((await database.all('SELECT form FROM ledger_form'))[0]?.['form']);

const listed = async (records: AsyncIterable<SequencedRecord>): Promise<SequencedRecord[]> => {
  const all: SequencedRecord[] = [];
  for await (const record of records) all.push(record);
  return all;
};

const block: StoredBlock = {
  ...{ hash: 'ab'.repeat(32), height: 5, state: 'booked', confirmations: 100, statement: null },
  changes: new Map([
    ['51', 7n],
    ['52', -7n],
  ]),
};

/** Fills a ledger of the first form, and says what is in it. */
const fill = async (database: SqlDatabase) => {
  await migrate(database, 1);
  const store = sqlStore(database);
  const books = await bookkeeping(store, 1);
  await books.write([shareOf('alice', { worker: 'rig1', difficulty: 2 }), shareOf('bob')]);
  await books.write([shareOf('alice', { time: 1_764_000_900_000 })]);
  await database.run(
    `INSERT INTO blocks (hash, height, found_order, state, confirmations, changes, statement)
     VALUES ('${block.hash}', 5, 1, 'booked', 100, '[["51","7"],["52","-7"]]', NULL)`,
  );
  return {
    records: await listed(store.records()),
    accounts: await store.accounts(),
    slots: await store.slots(),
    receipt: await store.receipt(1),
  };
};

describe.each(places)('an older ledger in %s', (_, place) => {
  let where: string;
  let database: SqlDatabase;
  beforeEach(async () => {
    const own = await place();
    where = own.where;
    database = await own.open();
  });

  it('is brought up to date when it is opened, with everything that is in it, and goes on', async () => {
    const before = await fill(database);
    expect(before.records).toHaveLength(3);
    expect(await formOf(database)).toBe(1);
    await database.close();

    const { store } = await openLedger(where);
    expect(await listed(store.records())).toEqual(before.records);
    expect(await store.accounts()).toEqual(before.accounts);
    expect(await store.slots()).toEqual(before.slots);
    expect(await store.receipt(1)).toEqual(before.receipt);
    expect(await store.blocks()).toEqual([block]);
    const child: StoredBlock = { ...block, hash: 'cd'.repeat(32), height: 6, prevHash: block.hash };
    await (await bookkeeping(store, 1)).write([shareOf('bob')], [child]);
    expect(await store.blocks()).toEqual([block, child]);
    expect((await store.receipt(1)).sequence).toBe(4);
    await store.close();

    await (await openLedger(where)).store.close(); // and once is enough
  });

  it('is as it was when that fails, and no later one is touched', async () => {
    const before = await fill(database);
    await database.run('CREATE TABLE slots_by_time (x BIGINT)'); // in the way of what has its name
    await expect(migrate(database)).rejects.toThrow(expect.objectContaining({ code: 'ledger-unavailable' }));
    expect(await formOf(database)).toBe(1);
    await expect(database.all('SELECT prev_hash FROM blocks')).rejects.toThrow('prev_hash');
    await database.run('DROP TABLE slots_by_time');
    await migrate(database);
    expect(await formOf(database)).toBe(latestForm);
    expect(await listed(sqlStore(database).records())).toEqual(before.records);

    await database.run(`UPDATE ledger_form SET form = ${latestForm + 1}`);
    await database.close();
    await expect(openLedger(where)).rejects.toThrow(
      expect.objectContaining({
        code: 'ledger-too-new',
        message: expect.stringContaining(`knows those up to ${latestForm}: install a later one`),
      }),
    );
  });
});
