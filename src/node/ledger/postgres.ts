/** PostgreSQL as a place for a ledger. */
import { Sv2Error } from '../../codec/errors.js';
import { quoted } from '../../codec/printable.js';
import { leasePatience, serverIdTaken } from '../../ledger/server-lease.js';
import { oneAfterAnother } from './one-after-another.js';
import type { Row, SqlConnection, SqlDatabase } from './sql-store.js';

/** Milliseconds to reach it, and for one statement: longer means that it is away. */
const connectTimeout = 5_000;
const queryTimeout = 30_000;

/** The session of a lease: how long it waits for one, and how soon the database sees that its machine is gone (25 s). */
const holderSettings = `SET lock_timeout = ${leasePatience}; SET tcp_keepalives_idle = 10;
  SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3`;

/** PostgreSQL's `lock_not_available`. */
const lockNotAvailable = '55P03';

/** `?` of the statements as PostgreSQL has them; they have none within texts. */
const numbered = (sql: string): string => {
  let number = 0;
  return sql.replace(/\?/g, () => `$${(number += 1)}`);
};

/**
 * Connects to a database; `synchronous_commit` of its own settings says what a commit is worth.
 * @param url `postgres://user:password@host:port/database`; never part of an error
 * @throws Sv2Error `ledger-unavailable`
 */
export const postgres = async (url: string): Promise<SqlDatabase> => {
  const {
    default: { Client, Pool },
  } = await import('pg');
  const place = placeOf(url);
  const pool = new Pool({
    connectionString: url,
    max: 4,
    connectionTimeoutMillis: connectTimeout,
    query_timeout: queryTimeout,
    application_name: 'rx-sv2',
  });
  pool.on('error', () => undefined); // an idle connection that broke: the next one is another

  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Sv2Error) throw error;
      const { code = '', message } = error as { readonly code?: string; readonly message: string };
      // the server's own words
      const why = quoted(message === '' ? code : message);
      throw new Sv2Error(
        'ledger-unavailable',
        `the ledger in ${place} cannot be used: ${why}`,
        { code },
        error,
      );
    }
  };
  type Query = (sql: string, parameters: readonly unknown[]) => Promise<{ readonly rows: Row[] }>;
  const connectionOf = (query: Query): SqlConnection => ({
    all: (sql, ...parameters) => guarded(async () => (await query(numbered(sql), parameters)).rows),
    run: (sql, ...parameters) =>
      guarded(async () => {
        await query(numbered(sql), parameters);
      }),
  });
  const inTurn = oneAfterAnother();
  /** Sessions that have server ids. */
  const leases = new Map<number, InstanceType<typeof Client>>();
  const lease = async (serverId: number): Promise<void> => {
    if (leases.has(serverId)) return;
    const holder = new Client({
      connectionString: url,
      connectionTimeoutMillis: connectTimeout,
      query_timeout: queryTimeout,
      keepAlive: true,
      application_name: `rx-sv2 server ${serverId}`,
    });
    holder.on('error', ignore); // and then `end`
    holder.once('end', () => {
      if (leases.get(serverId) === holder) leases.delete(serverId);
    });
    try {
      await holder.connect();
      await holder.query(holderSettings);
      await holder.query(`SELECT pg_advisory_lock(hashtext('rx-sv2 ' || current_schema()), $1)`, [serverId]);
      leases.set(serverId, holder);
    } catch (error) {
      await holder.end().catch(ignore);
      if ((error as { readonly code?: string }).code === lockNotAvailable)
        throw serverIdTaken(serverId, `the ledger in ${place}`, error);
      throw error;
    }
  };
  const database: SqlDatabase = {
    lease: (serverId) => guarded(() => inTurn(() => lease(serverId))),
    types: { bytes: 'BYTEA', integer: 'BIGINT', real: 'DOUBLE PRECISION' },
    ...connectionOf((sql, parameters) => pool.query<Row>(sql, [...parameters])),
    transaction: (work) =>
      guarded(async () => {
        const client = await pool.connect();
        client.on('error', ignore);
        let isBroken = true;
        try {
          await client.query('BEGIN');
          const result = await work(
            connectionOf((sql, parameters) => client.query<Row>(sql, [...parameters])),
          );
          await client.query('COMMIT');
          isBroken = false;
          return result;
        } catch (error) {
          isBroken = await client.query('ROLLBACK').then(
            () => false,
            () => true,
          );
          throw error;
        } finally {
          client.off('error', ignore);
          client.release(isBroken);
        }
      }),
    close: () =>
      guarded(async () => {
        await inTurn(() => Promise.all([...leases.values()].map((holder) => holder.end())));
        await pool.end();
      }),
  };
  try {
    await database.all('SELECT 1');
  } catch (error) {
    await pool.end().catch(ignore);
    throw error;
  }
  return database;
};

const ignore = (): void => undefined;

/** What of a URL may be told. */
const placeOf = (url: string): string => {
  try {
    const { hostname, port, pathname } = new URL(url);
    return `PostgreSQL at ${hostname === '' ? 'localhost' : hostname}${port === '' ? '' : `:${port}`}${pathname}`;
  } catch {
    return 'PostgreSQL';
  }
};
