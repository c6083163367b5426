/** The ledger's records as text: JSON lines, from which they can be read back and audited, and CSV for spreadsheets. */
import { fromDisplayHex, toDisplayHex } from '../bitcoin/hash.js';
import { bytesToHex, hexToBytes } from '../codec/hex.js';
import { Sv2Error } from '../codec/errors.js';
import type { SequencedRecord } from './audit.js';
import { encodeRecord } from './record-codec.js';
import { creditedWork, difficultyOfWork, type LedgerRecord, type ShareRecord } from './record.js';

/** A record as one line of JSON, without its end: hash and target as explorers show hashes, other bytes in hex. */
export const recordToJson = ({ sequence, record, receipt }: SequencedRecord): string => {
  if (record.type === 'rejected')
    return JSON.stringify({ sequence, ...record, receipt: bytesToHex(receipt) });
  const { target, hash, extranonce } = record;
  return JSON.stringify({
    sequence,
    ...record,
    target: toDisplayHex(target),
    hash: toDisplayHex(hash),
    extranonce: bytesToHex(extranonce),
    receipt: bytesToHex(receipt),
  });
};

/**
 * Reads a line of {@link recordToJson}. Fields that are not known are left out.
 * @throws Sv2Error `invalid-record`; CodecError for a field outside of its type
 */
export const recordFromJson = (line: string): SequencedRecord => {
  try {
    const { sequence, receipt, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const type = fields['type'];
    if (type !== 'share' && type !== 'rejected') throw new TypeError('type must be "share" or "rejected"');
    if (!Number.isSafeInteger(sequence) || Number(sequence) < 1)
      throw new TypeError('sequence must be 1 or more');
    const record = (type === 'rejected'
      ? fields
      : {
          ...fields,
          target: fromDisplayHex(String(fields['target'])),
          hash: fromDisplayHex(String(fields['hash'])),
          extranonce: hexToBytes(String(fields['extranonce'])),
        }) as unknown as LedgerRecord;
    encodeRecord(record); // which knows what every field must be
    const head = hexToBytes(String(receipt));
    if (head.length !== 32) throw new TypeError('receipt must be 64 hex digits');
    return { sequence: Number(sequence), record, receipt: head };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Sv2Error('invalid-record', `not a record of an export: ${reason}`, {}, error);
  }
};

const columns = [
  'server',
  'sequence',
  'type',
  'time',
  'user',
  'worker',
  'difficulty',
  'work',
  'height',
  'hash',
  'count',
  'errorCode',
  'vendor',
] as const;

/** The first line of CSV (RFC 4180), without its end. */
export const csvHeader = columns.join(',');

/**
 * A record as a line of CSV, without its end: time in ISO 8601, work in hashes. A text that a spreadsheet would take for
 * a formula has an apostrophe before it, as anybody can choose a user's name.
 */
export const recordToCsv = ({ sequence, record }: SequencedRecord): string => {
  const { type, serverId, time, user, worker } = record;
  const at = new Date(time).toISOString();
  const own =
    record.type === 'share'
      ? shareColumns(record)
      : ['', '', '', '', String(record.count), csvCell(record.errorCode), ''];
  return [serverId, sequence, type, at, csvCell(user), csvCell(worker), ...own].join(',');
};

const shareColumns = (record: ShareRecord): string[] => {
  const work = creditedWork(record);
  const { height, hash, vendor } = record;
  return [
    String(difficultyOfWork(work)),
    String(work),
    String(height),
    toDisplayHex(hash),
    '1',
    '',
    csvCell(vendor),
  ];
};

/** A text as a cell of CSV: see {@link recordToCsv}. */
export const csvCell = (text: string): string => {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
