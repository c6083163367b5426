/** PostgreSQL as a place for a ledger. */
import { Sv2Error } from '../../codec/errors.js';
import type { Row, SqlConnection, SqlDatabase } from './sql-store.js';

/** Milliseconds to reach it, and for one statement: longer means that it is away. */
const connectTimeout = 5_000;
const queryTimeout = 30_000;

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
    default: { Pool },
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
      const why = message === '' ? code : message;
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
  const database: SqlDatabase = {
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
    close: () => guarded(() => pool.end()),
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
