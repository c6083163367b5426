/** Whether the transactions that a client provides are those that it was asked for. */
import { counted } from '../codec/counted.js';
import { sameBytes } from '../bitcoin/consensus-bytes.js';
import { Sv2Error } from '../codec/errors.js';
import { transactionFrom, type KnownTransaction } from './known-transactions.js';
import { Refusal } from './refusal.js';

/**
 * Reads ProvideMissingTransactions.Success (spec §6.4.8). There is one round: what is not right now is missing.
 *
 * @param list any bytes at all
 * @param missing the positions that were asked for
 * @param wtxids of the declaration, 32 bytes each
 * @returns the transactions by their positions
 * @throws Refusal `missing-txs` with the first that is not what was asked for
 */
export const providedTransactions = (
  list: readonly Uint8Array[],
  missing: readonly number[],
  wtxids: readonly Uint8Array[],
): readonly (readonly [position: number, transaction: KnownTransaction])[] => {
  if (list.length !== missing.length) {
    throw new Refusal(
      'missing-txs',
      `expected ${counted(missing.length, 'transaction')}, got ${list.length}`,
    );
  }
  return list.map((bytes, index) => {
    const position = missing[index] as number;
    try {
      const transaction = transactionFrom(bytes);
      if (sameBytes(transaction.wtxid, wtxids[position] as Uint8Array)) return [position, transaction];
    } catch (error) {
      if (!(error instanceof Sv2Error)) throw error;
      throw new Refusal('missing-txs', `transaction ${position} is none: ${error.message}`, error);
    }
    throw new Refusal('missing-txs', `transaction ${position} is another than the declared one`);
  });
};
