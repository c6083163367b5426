/** The transactions that are known by their wtxid, in bounded memory. */
import { countLegacySigops } from '../bitcoin/script.js';
import {
  parseTransaction,
  transactionWeight,
  txid,
  wtxid,
  type Transaction,
} from '../bitcoin/transaction.js';
import { bytesKey, bytesToHex } from '../codec/hex.js';

/** A transaction that can be in a declared job. Hashes are 32 bytes in wire order. */
export interface KnownTransaction {
  /** With witnesses, as it is in the block. */
  readonly data: Uint8Array;
  readonly txid: Uint8Array;
  readonly wtxid: Uint8Array;
  /** In satoshis; null if it is not known. */
  readonly fee: bigint | null;
  /** As counted for the limit of a block; of a transaction that only a client had, those that it shows itself. */
  readonly sigops: number;
  /** In weight units. */
  readonly weight: number;
}

/**
 * A transaction that came from a client.
 * @param bytes any at all; copied
 * @throws Sv2Error as `parseTransaction`
 */
export const transactionFrom = (bytes: Uint8Array): KnownTransaction => {
  const data = bytes.slice();
  const transaction = parseTransaction(data);
  return {
    data,
    txid: txid(transaction),
    wtxid: wtxid(transaction),
    fee: null,
    sigops: legacySigopCost(transaction),
    weight: transactionWeight(transaction),
  };
};

/** The sigops that a transaction shows without what it spends, each counted four times (BIP 141). */
export const legacySigopCost = ({ inputs, outputs }: Transaction): number =>
  4 *
  [...inputs.map(({ scriptSig }) => scriptSig), ...outputs.map(({ scriptPubKey }) => scriptPubKey)].reduce(
    (sum, script) => sum + countLegacySigops(script),
    0,
  );

const outpoints = new WeakMap<Uint8Array, readonly string[]>();

/**
 * What a transaction spends, as `txid:index` with the txid's hex in wire order. Parsed once.
 * @throws Sv2Error as `parseTransaction`
 */
export const outpointsOf = ({ data }: KnownTransaction): readonly string[] => {
  let spent = outpoints.get(data);
  if (spent === undefined) {
    spent = parseTransaction(data).inputs.map(
      ({ previousTxid, previousIndex }) => `${bytesToHex(previousTxid)}:${previousIndex}`,
    );
    outpoints.set(data, spent);
  }
  return spent;
};

/** Transactions by wtxid. */
export interface KnownTransactions {
  /** @param wtxid 32 bytes in wire order */
  get(wtxid: Uint8Array): KnownTransaction | undefined;
  /** Adds a transaction, or makes it the newest; one whose fee is known replaces one whose fee is not. */
  add(transaction: KnownTransaction): void;
  /** Keeps transactions, however old they become, until they are released as often as they were kept. */
  keep(transactions: readonly KnownTransaction[]): void;
  release(transactions: readonly KnownTransaction[]): void;
  /** Bytes of all that are known, the kept ones too: more than the limit only if more are kept. */
  readonly bytes: number;
  readonly size: number;
}

/** What a transaction costs beside its own bytes: its hashes, twice as text too, and what holds them. */
const OVERHEAD = 400;

/** What keeping a list of transactions costs beside them: its job's coinbase and path, and where each is. */
const listCost = (list: readonly KnownTransaction[]): number => 2_000 + 8 * list.length;

interface Entry {
  transaction: KnownTransaction;
  kept: number;
}

/**
 * Transactions by their whole wtxid: there are no short ids here that could collide. Those that came first are forgotten
 * first.
 * @param maxBytes of transactions that are not kept
 */
export const knownTransactions = (maxBytes: number): KnownTransactions => {
  const entries = new Map<string, Entry>();
  const kept = new Map<string, Entry>();
  let bytes = 0;

  const cost = ({ data }: KnownTransaction): number => data.length + OVERHEAD;
  const shrink = (): void => {
    for (const [id, { transaction }] of entries) {
      if (bytes <= maxBytes) return;
      entries.delete(id);
      bytes -= cost(transaction);
    }
  };

  return {
    get: (id) => {
      const key = bytesKey(id);
      return (kept.get(key) ?? entries.get(key))?.transaction;
    },
    add(transaction) {
      const id = bytesKey(transaction.wtxid);
      const entry = kept.get(id) ?? entries.get(id);
      if (entry === undefined) {
        entries.set(id, { transaction, kept: 0 });
        bytes += cost(transaction);
        shrink();
        return;
      }
      if (transaction.fee !== null) entry.transaction = { ...transaction, data: entry.transaction.data };
      if (entries.delete(id)) entries.set(id, entry);
    },
    keep(transactions) {
      bytes += listCost(transactions);
      for (const transaction of transactions) {
        const id = bytesKey(transaction.wtxid);
        let entry = kept.get(id) ?? entries.get(id);
        if (entry === undefined) {
          entry = { transaction, kept: 0 };
          bytes += cost(transaction);
        }
        entry.kept += 1;
        entries.delete(id);
        kept.set(id, entry);
      }
      shrink();
    },
    release(transactions) {
      bytes -= listCost(transactions);
      for (const transaction of transactions) {
        const id = bytesKey(transaction.wtxid);
        const entry = kept.get(id);
        if (entry === undefined) continue;
        entry.kept -= 1;
        if (entry.kept > 0) continue;
        kept.delete(id);
        entries.set(id, entry);
      }
      shrink();
    },
    get bytes() {
      return bytes;
    },
    get size() {
      return entries.size + kept.size;
    },
  };
};
