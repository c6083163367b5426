import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import {
  accountsAfter,
  bookkeeping,
  firstReceipt,
  listAccounts,
  memoryStore,
  slotOf,
  slotsOf,
  type LedgerRecord,
  type LedgerStore,
  type SequencedRecord,
  type StoredBlock,
} from '../../../src/index.js';
import { openLedger } from '../../../src/node.js';
import { portLedger, servedLedger } from '../../../src/roles/cluster/port-ledger.js';
import { memoryPorts } from '../../../src/testing/memory-ports.js';
import { shareOf } from '../../ledger/support.js';
import { postgresServer, withoutPostgres, type PostgresServer } from './postgres-server.js';

const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-stores-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const newFile = (): string => join(folder, `${randomBytes(8).toString('hex')}.sqlite`);

const listed = async (records: AsyncIterable<SequencedRecord>): Promise<SequencedRecord[]> => {
  const all: SequencedRecord[] = [];
  for await (const record of records) all.push(record);
  return all;
};
const rejectedOf = (user: string, worker = ''): LedgerRecord => ({
  type: 'rejected',
  time: 1_764_000_000_000,
  serverId: 1,
  user,
  worker,
  errorCode: 'stale-share',
  count: 2,
});

/** The PostgreSQL of these specs. */
let server: Promise<PostgresServer> | undefined;
afterAll(async () => (await server)?.end());

async function emptyPostgres(): Promise<LedgerStore> {
  const { url } = await (server ??= postgresServer());
  const { default: pg } = await import('pg');
  const client = new pg.Client(url);
  await client.connect();
  await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await client.end();
  return (await openLedger(url)).store;
}

const places: [string, () => Promise<LedgerStore>][] = [
  ['memory', () => Promise.resolve(memoryStore())],
  ['a file', async () => (await openLedger(newFile())).store],
  ['another process', () => Promise.resolve(beyondAPort(memoryStore()))],
];
if (withoutPostgres === null) places.push(['PostgreSQL', emptyPostgres]);

/** A store as a pool's front has its core's. */
function beyondAPort(store: LedgerStore): LedgerStore {
  const { ends, cut } = memoryPorts();
  const [core, front] = ends;
  const served = servedLedger(core, store, () => true).subscribe();
  return {
    ...portLedger(front),
    close() {
      cut();
      served.unsubscribe();
      return store.close();
    },
  };
}

describe.each(places)('a ledger in %s', (_, open) => {
  let store: LedgerStore;
  beforeEach(async () => {
    await store?.close();
    store = await open();
  }, 60_000);
  afterAll(() => store.close());

  it('has what was written: records in order with their receipts, accounts, slots', async () => {
    const records = [
      shareOf('alice', { worker: 'rig1', difficulty: 2 }),
      shareOf('bob', { difficulty: 3, time: 1_764_000_900_000 }),
      rejectedOf('alice', 'rig1'),
      shareOf('alice', { worker: 'rig1', difficulty: 5, time: 1_764_000_900_001 }),
    ];
    const books = await bookkeeping(store, 1);
    await books.write(records.slice(0, 1));
    await books.write(records.slice(1));
    const kept = await listed(store.records());
    expect(kept.map(({ record }) => record)).toEqual(records);
    expect(kept.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(await store.receipt(1)).toEqual({ serverId: 1, sequence: 4, head: kept.at(-1)?.receipt });
    expect(books.receipt).toEqual(await store.receipt(1));
    expect(await store.accounts()).toEqual(
      listAccounts(accountsAfter(records)).sort((one, other) => (one.user < other.user ? -1 : 1)),
    );
    const bySlot = (slots: ReturnType<typeof slotsOf>) =>
      [...slots].sort((one, other) => one.slot - other.slot || (one.user < other.user ? -1 : 1));
    expect(bySlot(await store.slots())).toEqual(bySlot(slotsOf(records)));
    const later = slotOf(1_764_000_900_000);
    expect(bySlot(await store.slots(later))).toEqual(
      bySlot(slotsOf(records).filter(({ slot }) => slot >= later)),
    );
    expect(await store.slots(later + 1)).toEqual([]);
    expect(await store.serverSlot(1, slotOf(1_764_000_000_000))).toHaveLength(1);
    expect((await listed(store.records({ user: 'bob' }))).map(({ sequence }) => sequence)).toEqual([2]);
  });

  it('goes on where it was, whoever opens it', async () => {
    await (await bookkeeping(store, 1)).write([shareOf('alice'), shareOf('alice')]);
    await (await bookkeeping(store, 1)).write([shareOf('alice', { worker: 'x' }), shareOf('alice')]);
    const accounts = await store.accounts();
    expect(accounts.map(({ worker, accepted }) => [worker, accepted])).toEqual([
      ['', 3],
      ['x', 1],
    ]);
    expect((await store.slots()).map(({ shares }) => shares)).toEqual([4]);
  });

  it('counts the same commit once, however often it comes, and takes none that does not follow', async () => {
    let lose = false;
    const unsure: LedgerStore = {
      ...store,
      async commit(commit) {
        await store.commit(commit);
        if (lose) throw new Error('the answer was lost');
      },
    };
    const books = await bookkeeping(unsure, 1);
    const other = await bookkeeping(store, 1);
    const records = [shareOf('alice'), shareOf('bob')];
    lose = true;
    await expect(books.write(records)).rejects.toThrow('the answer was lost');
    lose = false;
    await books.write(records);
    expect(await listed(store.records())).toHaveLength(2);
    expect((await store.accounts()).map(({ accepted }) => accepted)).toEqual([1, 1]);
    await expect(other.write([shareOf('carol')])).rejects.toThrow(
      expect.objectContaining({ code: 'ledger-conflict' }),
    );
    expect(await store.accounts()).toHaveLength(2);
  });

  it('keeps servers apart and their accounts together', async () => {
    const [one, two] = [await bookkeeping(store, 1), await bookkeeping(store, 2)];
    await Promise.all([
      one.write([shareOf('alice', { serverId: 1, difficulty: 2 })]),
      two.write([shareOf('alice', { serverId: 2, difficulty: 3 })]),
    ]);
    expect(await store.accounts()).toEqual([expect.objectContaining({ accepted: 2, difficultySum: 5 })]);
    expect((await listed(store.records())).map(({ record }) => record.serverId)).toEqual([1, 2]);
    expect(await store.receipt(3)).toEqual(firstReceipt(3));
  });

  it('opens accounts for accepted work only', async () => {
    const books = await bookkeeping(store, 1);
    await books.write([rejectedOf('nobody'), rejectedOf('nobody', 'x')]);
    await books.write([shareOf('alice'), rejectedOf('alice', 'invented'), rejectedOf('alice')]);
    expect((await store.accounts()).map(({ user, worker, rejected }) => [user, worker, rejected])).toEqual([
      ['alice', '', 4],
    ]);
  });

  it('has names as they are, whatever is in them', async () => {
    const names = [
      '__proto__',
      "'; DROP TABLE accounts; --",
      '\0\n\\u0000',
      'ä€😀',
      '\udc80x',
      '?',
      '$1',
      '',
    ];
    const books = await bookkeeping(store, 1);
    await books.write(names.map((name) => shareOf(name, { worker: name, vendor: name })));
    expect((await store.accounts()).map(({ user, worker }) => [user, worker])).toEqual(
      [...names].sort().map((name) => [name, name]),
    );
    expect((await listed(store.records())).map(({ record }) => record.user)).toEqual(names);
  });

  it('has blocks and what becomes of them', async () => {
    const block: StoredBlock = {
      hash: 'ab'.repeat(32),
      height: 5,
      state: 'found',
      confirmations: 0,
      changes: new Map([
        ['51', 7n],
        ['52', -7n],
      ]),
      statement: null,
    };
    const second = { ...block, hash: 'cd'.repeat(32), prevHash: block.hash };
    await store.saveBlocks([block, second]);
    await store.saveBlocks([{ ...block, state: 'booked', confirmations: 100 }]);
    expect(await store.blocks()).toEqual([{ ...block, state: 'booked', confirmations: 100 }, second]);
  });
});

describe('a ledger in a file', () => {
  const filled = async (count: number): Promise<string> => {
    const file = newFile();
    const { store } = await openLedger(file);
    const books = await bookkeeping(store, 1);
    for (let index = 0; index < count; index++) await books.write([shareOf('alice'), shareOf('bob')]);
    await store.close();
    return file;
  };

  it('is not made by who only wants to look', async () => {
    const missing = join(folder, 'missing.sqlite');
    await expect(openLedger(missing, { create: false })).rejects.toThrow(
      expect.objectContaining({ code: 'ledger-missing' }),
    );
    expect(existsSync(missing)).toBe(false);
    await expect(openLedger(join(folder, 'x'.repeat(300)))).rejects.toThrow(
      expect.objectContaining({ code: 'ledger-unavailable' }),
    );
  });

  it('is read while it is written to, and copied whole', async () => {
    const file = newFile();
    const [{ store: writing }, copy] = [await openLedger(file), newFile()];
    const books = await bookkeeping(writing, 1);
    await books.write([shareOf('alice')]);
    const { store: reading } = await openLedger(file, { create: false });
    await books.write([shareOf('alice')]);
    expect((await reading.accounts())[0]?.accepted).toBe(2);
    await writing.backup?.(copy);
    await books.write([shareOf('alice')]);
    await expect(writing.backup?.(copy)).rejects.toThrow(expect.objectContaining({ code: 'ledger-exists' }));
    const { store: copied } = await openLedger(copy);
    expect((await copied.accounts())[0]?.accepted).toBe(2);
    await Promise.all([writing, reading, copied].map((store) => store.close()));
  });

  it('says how much of a write was cut short, and has everything before it', async () => {
    const file = newFile();
    const { store } = await openLedger(file);
    const books = await bookkeeping(store, 1);
    for (let index = 0; index < 5; index++) await books.write([shareOf('alice')]);
    // as after a power failure: the files as they are while it is open, the log without its last bytes
    const crashed = newFile();
    copyFileSync(file, crashed);
    copyFileSync(`${file}-wal`, `${crashed}-wal`);
    await store.close();
    const whole = newFile();
    copyFileSync(crashed, whole);
    copyFileSync(`${crashed}-wal`, `${whole}-wal`);
    truncateSync(`${crashed}-wal`, statSync(`${crashed}-wal`).size - 100);

    const opened = await openLedger(crashed);
    expect(opened.unfinishedBytes).toBeGreaterThan(100);
    expect((await opened.store.accounts())[0]?.accepted).toBe(4);
    await opened.store.close();
    const sound = await openLedger(whole);
    expect(sound.unfinishedBytes).toBe(0);
    expect((await sound.store.accounts())[0]?.accepted).toBe(5);
    await sound.store.close();
  });

  it('that was damaged is put aside, and what can be read of it is in a new one', async () => {
    const file = await filled(400);
    const bytes = readFileSync(file);
    // the last fifth is other bytes: of tables that grow by turns, the newest pages
    writeFileSync(
      file,
      Buffer.concat([bytes.subarray(0, Math.floor(bytes.length * 0.8)), randomBytes(40_000)]),
    );
    const { store, salvaged } = await openLedger(file);
    const kept = await listed(store.records());
    expect(salvaged?.records).toBe(kept.length);
    expect(kept.length).toBeGreaterThan(200);
    expect(kept.map(({ sequence }) => sequence)).toEqual(kept.map((__, index) => index + 1));
    expect((await store.accounts()).reduce((sum, { accepted }) => sum + accepted, 0)).toBe(kept.length);
    await (await bookkeeping(store, 1)).write([shareOf('alice')]);
    await store.close();
    expect(readdirSync(folder).some((name) => (salvaged?.damaged ?? '-').endsWith(name))).toBe(true);
  });

  it('that is none at all is put aside, too', async () => {
    const file = newFile();
    writeFileSync(file, 'this is a text'.repeat(1_000));
    const { store, salvaged } = await openLedger(file);
    expect(salvaged).toMatchObject({ records: 0, until: null });
    expect(await store.accounts()).toEqual([]);
    await store.close();
    expect(existsSync(salvaged?.damaged ?? '')).toBe(true);
  });

  it('of a later version is left alone', async () => {
    const file = await filled(1);
    const { sqlite } = await import('../../../src/node/ledger/sqlite.js');
    const database = await sqlite(file);
    await database.run('UPDATE ledger_form SET form = 99');
    await database.close();
    await expect(openLedger(file)).rejects.toThrow(expect.objectContaining({ code: 'ledger-too-new' }));
  });
});

it('a database that is away is told without its password', async () => {
  const opening = openLedger('postgres://pool:s3cret@127.0.0.1:1/ledger');
  await expect(opening).rejects.toThrow(expect.objectContaining({ code: 'ledger-unavailable' }));
  await opening.catch((error: unknown) => expect(String(error)).not.toContain('s3cret'));
});
