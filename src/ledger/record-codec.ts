/** The canonical bytes of the ledger's records: what stores keep and receipts are made of. */
import {
  B0_32,
  Reader,
  STR0_255,
  structCodec,
  U16,
  U256,
  U32,
  U64,
  U8,
  Writer,
  type FieldValues,
  type Fields,
} from '../codec/index.js';
import { Sv2Error } from '../codec/errors.js';
import type { LedgerRecord } from './record.js';

/** Fields in this order, little-endian, texts and byte strings behind their length (spec §3.1). */
const shareFields = {
  time: U64,
  serverId: U16,
  clientId: U32,
  channelId: U32,
  sequenceNumber: U32,
  jobId: U32,
  user: STR0_255,
  worker: STR0_255,
  vendor: STR0_255,
  height: U32,
  nbits: U32,
  target: U256,
  hash: U256,
  version: U32,
  ntime: U32,
  nonce: U32,
  extranonce: B0_32,
} satisfies Fields;

const rejectedFields = {
  time: U64,
  serverId: U16,
  user: STR0_255,
  worker: STR0_255,
  errorCode: STR0_255,
  count: U32,
} satisfies Fields;

const share = structCodec('share record', shareFields);
const rejected = structCodec('rejected record', rejectedFields);

/** The first byte says what follows, so that later forms can have others. */
const SHARE = 1;
const REJECTED = 2;

/**
 * The bytes of a record.
 * @throws CodecError `value-out-of-range` for a field outside of its type
 */
export const encodeRecord = (record: LedgerRecord): Uint8Array => {
  const time = BigInt(record.time);
  if (record.type === 'share') {
    const values = { ...record, time } as FieldValues<typeof shareFields>;
    const writer = new Writer(new Uint8Array(1 + share.size(values)));
    writer.u8(SHARE);
    share.write(writer, values);
    return writer.bytes;
  }
  const values = { ...record, time } as FieldValues<typeof rejectedFields>;
  const writer = new Writer(new Uint8Array(1 + rejected.size(values)));
  writer.u8(REJECTED);
  rejected.write(writer, values);
  return writer.bytes;
};

/** Reads one record, and copies its bytes. */
const readRecord = (reader: Reader): LedgerRecord => {
  const values: Record<string, unknown> = {};
  const kind = U8.read(reader);
  if (kind === SHARE) share.read(reader, values);
  else if (kind === REJECTED) rejected.read(reader, values);
  else throw new Sv2Error('unknown-record', `expected a record of kind 1 or 2, got ${kind}`, { kind });
  for (const [name, value] of Object.entries(values))
    if (value instanceof Uint8Array) values[name] = value.slice();
  const type = kind === SHARE ? 'share' : 'rejected';
  return { ...values, type, time: Number(values['time']) } as unknown as LedgerRecord;
};

/**
 * The records that bytes are, one after another.
 * @param bytes of whole records, from {@link encodeRecord}
 * @throws CodecError `truncated`, `length-out-of-bounds`; Sv2Error `unknown-record`
 */
export const decodeRecords = (bytes: Uint8Array): LedgerRecord[] => {
  const reader = new Reader(bytes);
  const records: LedgerRecord[] = [];
  while (reader.remaining > 0) records.push(readRecord(reader));
  return records;
};
