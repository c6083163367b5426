/** SQLite as a place for a ledger: one file, written by one process and read by any. */
import { existsSync } from 'node:fs';
import { Sv2Error } from '../../codec/errors.js';
import { leasePatience, serverIdTaken } from '../../ledger/server-lease.js';
import { oneAfterAnother } from './one-after-another.js';
import type { Row, SqlConnection, SqlDatabase } from './sql-store.js';

/** What is used of `libsql/promise`, whose own types say `any`. */
interface Driver {
  exec(sql: string): Promise<void>;
  prepare(sql: string): Promise<DriverStatement>;
  close(): void;
}
interface DriverStatement {
  run(...parameters: unknown[]): Promise<unknown>;
  all(...parameters: unknown[]): Promise<Row[]>;
}
type DriverClass = new (file: string, options: object) => Driver;

/** Milliseconds that a transaction waits for that of another process. */
const busyTimeout = 5_000;

/** Statements kept prepared. */
const maxPrepared = 64;

/**
 * Opens a file, or makes it. Its work is done off this thread. A commit is on the disk when it is done
 * (`synchronous = FULL`), and readers do not wait for writers (write-ahead log).
 * @throws Sv2Error `ledger-unavailable`, `ledger-corrupt`
 */
export const sqlite = async (file: string): Promise<SqlDatabase> => {
  const { default: Database } = (await import('libsql/promise')) as unknown as {
    readonly default: DriverClass;
  };
  let driver: Driver;
  try {
    driver = new Database(file, {});
    await driver.exec(`PRAGMA busy_timeout = ${busyTimeout}`);
    await driver.exec('PRAGMA journal_mode = WAL');
    await driver.exec('PRAGMA synchronous = FULL');
  } catch (error) {
    throw ledgerError(error, file);
  }
  const prepared = new Map<string, Promise<DriverStatement>>();
  const statement = (sql: string): Promise<DriverStatement> => {
    let known = prepared.get(sql);
    if (known === undefined) {
      if (prepared.size >= maxPrepared) prepared.clear();
      prepared.set(sql, (known = driver.prepare(sql)));
      known.catch(() => prepared.delete(sql));
    }
    return known;
  };
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw ledgerError(error, file);
    }
  };
  const inTurn = oneAfterAnother();
  const connection: SqlConnection = {
    all: (sql, ...parameters) => guarded(async () => (await statement(sql)).all(...parameters)),
    run: (sql, ...parameters) =>
      guarded(async () => {
        await (await statement(sql)).run(...parameters);
      }),
  };
  /** Files whose locks say which server ids are had: the system releases them when their process is gone. */
  const leases = new Map<number, Driver>();
  const lease = async (serverId: number): Promise<void> => {
    if (leases.has(serverId)) return;
    const place = `${file}-server-${serverId}`;
    let holder: Driver | undefined;
    try {
      holder = new Database(place, {});
      await holder.exec(`PRAGMA busy_timeout = ${leasePatience}`);
      await holder.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      holder?.close();
      if (/BUSY|locked/i.test(String(error))) throw serverIdTaken(serverId, `the ledger ${file}`, error);
      throw ledgerError(error, place);
    }
    leases.set(serverId, holder);
  };
  return {
    lease: (serverId) => inTurn(() => lease(serverId)),
    types: { bytes: 'BLOB', integer: 'INTEGER', real: 'REAL' },
    all: (sql, ...parameters) => inTurn(() => connection.all(sql, ...parameters)),
    run: (sql, ...parameters) => inTurn(() => connection.run(sql, ...parameters)),
    transaction: (work) =>
      inTurn(async () => {
        await guarded(() => driver.exec('BEGIN IMMEDIATE'));
        try {
          const result = await work(connection);
          await guarded(() => driver.exec('COMMIT'));
          return result;
        } catch (error) {
          await driver.exec('ROLLBACK').catch(() => undefined); // SQLite may have done it
          throw error;
        }
      }),
    backup: (copy) =>
      inTurn(async () => {
        if (existsSync(copy))
          throw new Sv2Error('ledger-exists', `${copy} exists already: choose another name`, { file: copy });
        await connection.run('VACUUM INTO ?', copy);
      }),
    close: () =>
      inTurn(() => {
        for (const holder of leases.values()) holder.close();
        leases.clear();
        driver.close();
        return Promise.resolve();
      }),
  };
};

/** An error of the driver, as one that says which file it is about and whether it may pass. */
const ledgerError = (error: unknown, file: string): Sv2Error => {
  if (error instanceof Sv2Error) return error;
  const { code = '', message } = error as { readonly code?: string; readonly message: string };
  const text = `${code} ${message}`;
  if (/CORRUPT|NOTADB|malformed|not a database/i.test(text))
    return new Sv2Error('ledger-corrupt', `the ledger ${file} is damaged: ${message}`, { file }, error);
  const why = /FULL|disk is full/i.test(text) ? 'the disk is full' : message;
  return new Sv2Error('ledger-unavailable', `the ledger ${file} cannot be used: ${why}`, { file }, error);
};
