/** Opens a ledger wherever it is: a file, or PostgreSQL. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Sv2Error } from '../../codec/errors.js';
import type { LedgerStore } from '../../ledger/store.js';
import { putAside, salvage, type Salvaged } from './salvage.js';
import { migrate, sqlStore, type SqlDatabase } from './sql-store.js';
import { unfinishedBytes } from './write-ahead-tail.js';

/** A ledger that was opened. */
export interface OpenedLedger {
  readonly store: LedgerStore;
  /** Bytes of a write that was cut short, and are left out: nothing that was acknowledged is in them. */
  readonly unfinishedBytes: number;
  /** What was done about a file that was damaged; null when it was not. */
  readonly salvaged: Salvaged | null;
}

/** How a ledger is opened. */
export interface OpenLedgerOptions {
  /** Whether a file that is not there is made; true unless given. */
  readonly create?: boolean;
}

/** Larger files are not looked through when they are opened: it takes a second for each of these. */
const maxChecked = 256 * 1024 * 1024;

/** Whether a place is PostgreSQL rather than a file. */
export const isPostgres = (where: string): boolean => /^postgres(ql)?:\/\//.test(where);

/**
 * Opens a ledger. The database's driver is loaded now and not before.
 * @param where the path of a file (SQLite, whose directory is made if it is not there), or a URL `postgres://…`
 * @throws Sv2Error `ledger-unavailable`, `ledger-too-new`, `ledger-missing` for a file that is not there and may not be made
 */
export const openLedger = async (
  where: string,
  { create = true }: OpenLedgerOptions = {},
): Promise<OpenedLedger> => {
  if (isPostgres(where)) {
    const { postgres } = await import('./postgres.js');
    return { store: await prepared(await postgres(where)), unfinishedBytes: 0, salvaged: null };
  }
  if (!create && !existsSync(where))
    throw new Sv2Error('ledger-missing', `there is no ledger ${where}: a pool makes one when it is started`, {
      where,
    });
  makeDirectory(where);
  const unfinished = unfinishedBytes(where);
  try {
    return { store: await file(where), unfinishedBytes: unfinished, salvaged: null };
  } catch (error) {
    if (!(error instanceof Sv2Error) || error.code !== 'ledger-corrupt' || !create) throw error;
    return { ...(await sound(where)), unfinishedBytes: unfinished };
  }
};

const prepared = async (database: SqlDatabase): Promise<LedgerStore> => {
  try {
    await migrate(database);
  } catch (error) {
    await database.close().catch(() => undefined);
    throw error;
  }
  return sqlStore(database);
};

/** Opens a file of SQLite and looks whether it is sound. */
const file = async (where: string): Promise<LedgerStore> => {
  const { sqlite } = await import('./sqlite.js');
  const database = await sqlite(where);
  const store = await prepared(database);
  try {
    if (statSync(where).size > maxChecked) return store;
    const [row] = await database.all('PRAGMA quick_check(1)');
    const verdict = String(Object.values(row ?? {})[0]);
    if (verdict !== 'ok')
      throw new Sv2Error('ledger-corrupt', `the ledger ${where} is damaged: ${verdict}`, { file: where });
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
};

/** A new file in the place of a damaged one, with what can be read of it. */
const sound = async (where: string): Promise<Pick<OpenedLedger, 'store' | 'salvaged'>> => {
  const { sqlite } = await import('./sqlite.js');
  const damaged = putAside(where, Date.now());
  const store = await file(where);
  try {
    const database = await sqlite(damaged);
    try {
      const saved = await salvage({ database, store: sqlStore(database, 1) }, store);
      return { store, salvaged: { damaged, ...saved } };
    } finally {
      await database.close();
    }
  } catch (error) {
    if (!(error instanceof Sv2Error)) throw error;
    return { store, salvaged: { damaged, records: 0, until: null } }; // not even its beginning can be read
  }
};

const makeDirectory = (where: string): void => {
  try {
    mkdirSync(dirname(where), { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new Sv2Error(
      'ledger-unavailable',
      `the directory of the ledger ${where} cannot be made: ${code}`,
      {},
      error,
    );
  }
};
