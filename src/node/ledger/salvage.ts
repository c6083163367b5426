/** Makes a sound ledger of a damaged file: everything up to the first record that cannot be read, of each server. */
import { existsSync, renameSync } from 'node:fs';
import { bookkeeping } from '../../ledger/bookkeeping.js';
import type { SequencedRecord } from '../../ledger/audit.js';
import type { LedgerStore } from '../../ledger/store.js';
import type { SqlDatabase } from './sql-store.js';

/** What was done about a damaged file. */
export interface Salvaged {
  /** Where the damaged one is now. */
  readonly damaged: string;
  /** Records that could be read, and the time of the last: milliseconds since 1970, or null. */
  readonly records: number;
  readonly until: number | null;
}

/** Puts a damaged file aside, with what belongs to it. @returns where it is now */
export const putAside = (file: string, now: number): string => {
  const damaged = `${file}.damaged-${new Date(now).toISOString().replace(/[:.]/g, '-')}`;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(file + suffix)) renameSync(file + suffix, damaged + suffix);
  }
  return damaged;
};

/** Records written at once. */
const atOnce = 1_000;

/** Copies what can be read of one store into another that is empty. */
export const salvage = async (
  damaged: { readonly database: SqlDatabase; readonly store: LedgerStore },
  sound: LedgerStore,
): Promise<Omit<Salvaged, 'damaged'>> => {
  let records = 0;
  let until: number | null = null;
  for (const serverId of await serverIds(damaged.database)) {
    const books = await bookkeeping(sound, serverId);
    const write = async (some: readonly SequencedRecord[]): Promise<void> => {
      await books.write(some.map(({ record }) => record));
      records += some.length;
      for (const { record } of some) until = Math.max(until ?? 0, record.time);
    };
    let some: SequencedRecord[] = [];
    try {
      for await (const sequenced of damaged.store.records()) {
        if (sequenced.record.serverId !== serverId) continue;
        some.push(sequenced);
        if (some.length < atOnce) continue;
        await write(some);
        some = [];
      }
    } catch {
      // this is where it is damaged
    }
    await write(some);
  }
  try {
    await sound.saveBlocks(await damaged.store.blocks());
  } catch {
    // those of the table can't be read: they are in what was put aside
  }
  return { records, until };
};

const serverIds = async (database: SqlDatabase): Promise<number[]> => {
  try {
    return (await database.all('SELECT server_id FROM chains')).map((row) => Number(row['server_id']));
  } catch {
    return [];
  }
};
