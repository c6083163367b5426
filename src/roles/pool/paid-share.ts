/** What a front that finds a block tells of what it pays, so that its core can state it exactly. */
import type { ShareRecord } from '../../ledger/record.js';

/** By what its template's block pays those whose work counts. */
export interface SharedPayment {
  readonly kind: 'shared';
  /** Bytes of the longest coinbase that it was made for; Infinity for any. */
  readonly coinbaseSize: number;
}

/** To its finder alone. */
export interface SoloPayment {
  readonly kind: 'solo';
  /** Satoshis. */
  readonly value: bigint;
  /** What was owed to who is paid by it when its job was made, by output script in hex: see `soloBalances`. */
  readonly balances: ReadonlyMap<string, bigint>;
}

/** What the outputs of a job were made by. */
export type Payment = SharedPayment | SoloPayment;

/** The share that a block is, and what that pays. */
export interface PaidShare {
  readonly share: ShareRecord;
  readonly payment: Payment;
}
