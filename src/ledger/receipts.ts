/** A hash chain over the ledger's records: who has one of its receipts sees whether anything before it was changed. */
import { concatBytes } from '../bitcoin/consensus-bytes.js';
import { doubleSha256 } from '../bitcoin/hash.js';
import { encodeRecord } from './record-codec.js';
import type { LedgerRecord } from './record.js';

/** Where a chain has come to. Each server of a pool has one of its own. */
export interface Receipt {
  readonly serverId: number;
  /** How many records there were until then. */
  readonly sequence: number;
  /** 32 bytes. */
  readonly head: Uint8Array;
}

/** The receipt of a server without records: 32 zeros. */
export const firstReceipt = (serverId: number): Receipt => ({
  serverId,
  sequence: 0,
  head: new Uint8Array(32),
});

/**
 * The head after another record: SHA-256 twice over the head before and the record's bytes.
 * @param head 32 bytes
 * @param record as `encodeRecord` returns it
 */
export const nextHead = (head: Uint8Array, record: Uint8Array): Uint8Array =>
  doubleSha256(concatBytes([head, record]));

/** The receipt after another record. */
export const nextReceipt = ({ serverId, sequence, head }: Receipt, record: LedgerRecord): Receipt => ({
  serverId,
  sequence: sequence + 1,
  head: nextHead(head, encodeRecord(record)),
});
