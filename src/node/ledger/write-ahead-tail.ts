/** What of SQLite's write-ahead log was never completed: SQLite leaves it out without a word, and people want to know. */
import { readFileSync } from 'node:fs';

/** Bytes of the log's header and of a frame's (SQLite, "Database File Format", §4). */
const HEADER = 32;
const FRAME_HEADER = 24;

/**
 * Bytes at the end of a write-ahead log that belong to no completed transaction: a write that was cut short. What an
 * earlier round of the log left behind does not count.
 * @param file the database; its log is beside it
 * @returns 0 when there is no log, or all of it was completed
 */
export const unfinishedBytes = (file: string): number => {
  let log: Buffer;
  try {
    log = readFileSync(`${file}-wal`);
  } catch {
    return 0;
  }
  if (log.length < HEADER) return log.length;
  const magic = log.readUInt32BE(0);
  const isBigEndian = magic === 0x377f0683;
  if (!isBigEndian && magic !== 0x377f0682) return log.length;
  const pageSize = log.readUInt32BE(8);
  const word = (at: number): number => (isBigEndian ? log.readUInt32BE(at) : log.readUInt32LE(at));
  let [s0, s1] = [0, 0];
  const sum = (from: number, to: number): void => {
    for (let at = from; at < to; at += 8) {
      s0 = (s0 + word(at) + s1) >>> 0;
      s1 = (s1 + word(at + 4) + s0) >>> 0;
    }
  };
  sum(0, 24);
  if (s0 !== log.readUInt32BE(24) || s1 !== log.readUInt32BE(28)) return log.length;
  const isOfThisRound = (at: number): boolean =>
    log.readUInt32BE(at + 8) === log.readUInt32BE(16) && log.readUInt32BE(at + 12) === log.readUInt32BE(20);
  let completed = HEADER;
  let at = HEADER;
  for (; at + FRAME_HEADER + pageSize <= log.length && isOfThisRound(at); at += FRAME_HEADER + pageSize) {
    sum(at, at + 8);
    sum(at + FRAME_HEADER, at + FRAME_HEADER + pageSize);
    if (s0 !== log.readUInt32BE(at + 16) || s1 !== log.readUInt32BE(at + 20)) break;
    if (log.readUInt32BE(at + 4) !== 0) completed = at + FRAME_HEADER + pageSize; // the last frame of a transaction
  }
  // behind what failed there may be more of this round
  let end = at;
  while (end + FRAME_HEADER <= log.length && isOfThisRound(end)) end += FRAME_HEADER + pageSize;
  return Math.min(end, log.length) - completed;
};
