/** A ledger in a SQL database: the same tables and statements for SQLite and PostgreSQL. */
import { concatBytes, sameBytes } from '../../bitcoin/consensus-bytes.js';
import { Sv2Error } from '../../codec/errors.js';
import type { LedgerAccount } from '../../ledger/accounts.js';
import { changesFromJson, changesToJson } from '../../ledger/block-journal.js';
import { conflict, isSameReceipt, sequencedRecords, sumAccounts } from '../../ledger/memory-store.js';
import { firstReceipt, type Receipt } from '../../ledger/receipts.js';
import type { BlockState } from '../../ledger/settlement.js';
import type { Statement } from '../../ledger/statement.js';
import type { LedgerCommit, LedgerStore, StoredBlock } from '../../ledger/store.js';
import { readText, storedText } from './stored-text.js';

/** A row, by column. */
export type Row = Readonly<Record<string, unknown>>;

/** Runs statements, whose parameters are `?`. */
export interface SqlConnection {
  all(sql: string, ...parameters: readonly unknown[]): Promise<Row[]>;
  run(sql: string, ...parameters: readonly unknown[]): Promise<void>;
}

/** A database. What it throws is an Sv2Error. */
export interface SqlDatabase extends SqlConnection {
  /** The types that its tables have. */
  readonly types: { readonly bytes: string; readonly integer: string; readonly real: string };
  /** Runs all, or nothing of it when it throws; no other transaction of this process beside it. */
  transaction<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T>;
  /** Has a server id until it is closed: see {@link LedgerStore.lease}. Of one that was lost, takes it again. */
  lease(serverId: number): Promise<void>;
  /** Copies everything into a new file, where there are files. */
  backup?(file: string): Promise<void>;
  close(): Promise<void>;
}

/** What makes each form of the tables from the one before; only ever added to. */
const migrations = ({ bytes, integer, real }: SqlDatabase['types']): readonly (readonly string[])[] => [
  [
    `CREATE TABLE chains (server_id ${integer} PRIMARY KEY, sequence ${integer} NOT NULL, head ${bytes} NOT NULL)`,
    `CREATE TABLE batches (server_id ${integer} NOT NULL, first ${integer} NOT NULL, count ${integer} NOT NULL,
       time ${integer} NOT NULL, head_before ${bytes} NOT NULL, head ${bytes} NOT NULL, records ${bytes} NOT NULL,
       PRIMARY KEY (server_id, first))`,
    `CREATE INDEX batches_by_time ON batches (time)`,
    `CREATE TABLE accounts (server_id ${integer} NOT NULL, username TEXT NOT NULL, worker TEXT NOT NULL,
       accepted ${integer} NOT NULL, rejected ${integer} NOT NULL, rejected_by_code TEXT NOT NULL, work TEXT NOT NULL,
       difficulty_sum ${real} NOT NULL, best_difficulty ${real} NOT NULL, blocks_found ${integer} NOT NULL,
       last_share_at ${integer} NOT NULL, PRIMARY KEY (server_id, username, worker))`,
    `CREATE TABLE slots (server_id ${integer} NOT NULL, slot ${integer} NOT NULL, username TEXT NOT NULL,
       shares ${integer} NOT NULL, work TEXT NOT NULL, PRIMARY KEY (server_id, slot, username))`,
    `CREATE TABLE blocks (hash TEXT PRIMARY KEY, height ${integer} NOT NULL, found_order ${integer} NOT NULL,
       state TEXT NOT NULL, confirmations ${integer} NOT NULL, changes TEXT NOT NULL, statement TEXT)`,
  ],
  // a pool that starts reads the last slots alone; blocks know what they are on
  [`CREATE INDEX slots_by_time ON slots (slot)`, `ALTER TABLE blocks ADD COLUMN prev_hash TEXT`],
];

/** The form of the tables that this version has. */
export const latestForm = 2;

/**
 * Makes the tables, or brings them up to date: all of it, or nothing when it fails.
 * @param to the form; others than the latest are for specs of those before
 * @throws Sv2Error `ledger-too-new` when a later version of rx-sv2 made them
 */
export const migrate = async (database: SqlDatabase, to = latestForm): Promise<void> => {
  await database.run('CREATE TABLE IF NOT EXISTS ledger_form (form BIGINT NOT NULL)');
  const steps = migrations(database.types).slice(0, to);
  await database.transaction(async (connection) => {
    const [row] = await connection.all('SELECT form FROM ledger_form');
    const form = row === undefined ? 0 : Number(row['form']);
    if (form > steps.length)
      throw new Sv2Error(
        'ledger-too-new',
        `the ledger has form ${form}, and this version of rx-sv2 knows those up to ${steps.length}: install a later one`,
        { form },
      );
    for (const statement of steps.slice(form).flat()) await connection.run(statement);
    if (row === undefined) await connection.run('INSERT INTO ledger_form (form) VALUES (?)', steps.length);
    else if (form < steps.length) await connection.run('UPDATE ledger_form SET form = ?', steps.length);
  });
};

/**
 * A store in a database whose tables are up to date.
 * @param pageSize batches read at a time: what can't be read takes those with it that are read with it
 */
export const sqlStore = (database: SqlDatabase, pageSize = 64): LedgerStore => {
  const receiptOf = async (connection: SqlConnection, serverId: number): Promise<Receipt> => {
    const [row] = await connection.all('SELECT sequence, head FROM chains WHERE server_id = ?', serverId);
    return row === undefined
      ? firstReceipt(serverId)
      : { serverId, sequence: Number(row['sequence']), head: bytesOf(row['head']) };
  };

  const leased = new Set<number>();
  /** A lease that its database has lost is taken again before anything is written; or it is somebody else's. */
  const renewed = async (serverId: number): Promise<void> => {
    if (!leased.has(serverId)) return;
    try {
      await database.lease(serverId);
    } catch (error) {
      throw error instanceof Sv2Error && error.code === 'server-id-taken' ? conflict({ serverId }) : error;
    }
  };

  return {
    async lease(serverId) {
      await database.lease(serverId);
      leased.add(serverId);
    },
    receipt: (serverId) => receiptOf(database, serverId),
    receipts: async () =>
      (await database.all('SELECT server_id, sequence, head FROM chains ORDER BY server_id')).map((row) => ({
        serverId: Number(row['server_id']),
        sequence: Number(row['sequence']),
        head: bytesOf(row['head']),
      })),
    async commit(commit) {
      await renewed(commit.after.serverId);
      await database.transaction(async (connection) => {
        const { before, after } = commit;
        const last = await receiptOf(connection, after.serverId);
        const isKnown = isSameReceipt(last, after);
        if (!isKnown && !isSameReceipt(last, before)) throw conflict(after);
        if (!isKnown) await write(connection, commit);
        for (const block of commit.blocks) await writeBlock(connection, block);
      });
    },
    async serverAccounts(serverId, owners) {
      const found: LedgerAccount[] = [];
      for (const { user, worker } of owners) {
        const rows = await database.all(
          'SELECT * FROM accounts WHERE server_id = ? AND username = ? AND worker = ?',
          serverId,
          storedText(user),
          storedText(worker),
        );
        found.push(...rows.map(accountOf));
      }
      return found;
    },
    serverSlot: async (serverId, slot) =>
      (await database.all('SELECT * FROM slots WHERE server_id = ? AND slot = ?', serverId, slot)).map(
        slotWorkOf,
      ),
    accounts: async () => sumAccounts((await database.all('SELECT * FROM accounts')).map(accountOf)),
    slots: async (since = 0) =>
      (await database.all('SELECT * FROM slots WHERE slot >= ?', since)).map(slotWorkOf),
    async *records({ user, since = 0 } = {}) {
      const servers = await database.all('SELECT server_id FROM chains ORDER BY server_id');
      for (const { server_id: id } of servers) {
        const serverId = Number(id);
        for (let from = 0; ;) {
          const rows = await database.all(
            `SELECT first, head_before, head, records FROM batches
             WHERE server_id = ? AND first > ? AND time >= ? ORDER BY first LIMIT ${pageSize}`,
            serverId,
            from,
            since,
          );
          for (const row of rows) {
            from = Number(row['first']);
            const before = { serverId, sequence: from - 1, head: bytesOf(row['head_before']) };
            const all = sequencedRecords({ before, records: bytesOf(row['records']) });
            if (!sameBytes(all.at(-1)?.receipt ?? before.head, bytesOf(row['head'])))
              throw new Sv2Error(
                'ledger-corrupt',
                `the records of server ${serverId} from ${from} on were changed`,
              );
            for (const sequenced of all)
              if (user === undefined || sequenced.record.user === user) yield sequenced;
          }
          if (rows.length < pageSize) break;
        }
      }
    },
    blocks: async () => (await database.all('SELECT * FROM blocks ORDER BY found_order')).map(blockOf),
    saveBlocks: (blocks) =>
      database.transaction(async (connection) => {
        for (const block of blocks) await writeBlock(connection, block);
      }),
    ...(database.backup === undefined ? {} : { backup: database.backup }),
    close: () => database.close(),
  };
};

const write = async (
  connection: SqlConnection,
  { before, after, time, records, accounts, slots }: LedgerCommit,
): Promise<void> => {
  const { serverId } = after;
  const count = after.sequence - before.sequence;
  await connection.run(
    `INSERT INTO chains (server_id, sequence, head) VALUES (?, ?, ?)
     ON CONFLICT (server_id) DO UPDATE SET sequence = excluded.sequence, head = excluded.head`,
    serverId,
    after.sequence,
    after.head,
  );
  await connection.run(
    'INSERT INTO batches (server_id, first, count, time, head_before, head, records) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ...[serverId, before.sequence + 1, count, time, before.head, after.head, records],
  );
  for (const account of accounts) {
    await connection.run(
      `INSERT INTO accounts (server_id, username, worker, accepted, rejected, rejected_by_code, work, difficulty_sum,
         best_difficulty, blocks_found, last_share_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (server_id, username, worker) DO UPDATE SET accepted = excluded.accepted, rejected = excluded.rejected,
         rejected_by_code = excluded.rejected_by_code, work = excluded.work, difficulty_sum = excluded.difficulty_sum,
         best_difficulty = excluded.best_difficulty, blocks_found = excluded.blocks_found,
         last_share_at = excluded.last_share_at`,
      ...[serverId, storedText(account.user), storedText(account.worker), account.accepted, account.rejected],
      ...[
        JSON.stringify(Object.entries(account.rejectedByCode)),
        String(account.work),
        account.difficultySum,
      ],
      ...[account.bestDifficulty, account.blocksFound, account.lastShareAt],
    );
  }
  for (const { slot, user, shares, work } of slots) {
    await connection.run(
      `INSERT INTO slots (server_id, slot, username, shares, work) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (server_id, slot, username) DO UPDATE SET shares = excluded.shares, work = excluded.work`,
      ...[serverId, slot, storedText(user), shares, String(work)],
    );
  }
};

const writeBlock = (connection: SqlConnection, block: StoredBlock): Promise<void> =>
  connection.run(
    `INSERT INTO blocks (hash, height, found_order, state, confirmations, changes, statement, prev_hash)
     VALUES (?, ?, (SELECT COALESCE(MAX(found_order), 0) + 1 FROM blocks), ?, ?, ?, ?, ?)
     ON CONFLICT (hash) DO UPDATE SET state = excluded.state, confirmations = excluded.confirmations`,
    ...[block.hash, block.height, block.state, block.confirmations],
    changesToJson(block),
    block.statement === null ? null : JSON.stringify(block.statement),
    block.prevHash ?? null,
  );

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** A copy as a plain Uint8Array: drivers return Buffers, some of memory that they use again. */
const bytesOf = (value: unknown): Uint8Array =>
  value instanceof Uint8Array
    ? concatBytes([value])
    : value instanceof ArrayBuffer
      ? new Uint8Array(value)
      : new Uint8Array(0);

const accountOf = (row: Row): LedgerAccount => ({
  user: readText(textOf(row['username'])),
  worker: readText(textOf(row['worker'])),
  accepted: Number(row['accepted']),
  rejected: Number(row['rejected']),
  rejectedByCode: Object.fromEntries(JSON.parse(textOf(row['rejected_by_code'])) as [string, number][]),
  work: BigInt(textOf(row['work'])),
  difficultySum: Number(row['difficulty_sum']),
  bestDifficulty: Number(row['best_difficulty']),
  blocksFound: Number(row['blocks_found']),
  lastShareAt: Number(row['last_share_at']),
});

const slotWorkOf = (row: Row) => ({
  slot: Number(row['slot']),
  user: readText(textOf(row['username'])),
  shares: Number(row['shares']),
  work: BigInt(textOf(row['work'])),
});

const blockOf = (row: Row): StoredBlock => ({
  hash: textOf(row['hash']),
  height: Number(row['height']),
  ...(typeof row['prev_hash'] === 'string' ? { prevHash: row['prev_hash'] } : {}),
  state: textOf(row['state']) as BlockState,
  confirmations: Number(row['confirmations']),
  changes: changesFromJson(textOf(row['changes'])),
  statement: row['statement'] === null ? null : (JSON.parse(textOf(row['statement'])) as Statement),
});
