/** What happens between a pool and its ledger. */
import type { PayoutOutcome } from './ledger-payout.js';

/** The ledger cannot be written: mining goes on, and nothing is acknowledged until it can; told once. */
export interface LedgerStalled {
  readonly type: 'LedgerStalled';
  readonly code: string;
  readonly message: string;
  /** Shares that wait. */
  readonly waiting: number;
}

/** The ledger is written again, after {@link LedgerStalled}. */
export interface LedgerResumed {
  readonly type: 'LedgerResumed';
  /** Shares that waited, and are durable now or very soon. */
  readonly waiting: number;
}

/** So many shares wait for the ledger that no more can: those that come are neither credited nor acknowledged. Told once until it is written again. */
export interface LedgerFull {
  readonly type: 'LedgerFull';
  readonly waiting: number;
}

/** Another pool has written to the ledger for this server: nothing of this one is written any more. */
export interface LedgerConflict {
  readonly type: 'LedgerConflict';
  readonly message: string;
}

/** A block went out that could not be noted before: were the pool to end before it is in the ledger, nobody would know what it paid. */
export interface BlockNotNoted {
  readonly type: 'BlockNotNoted';
  /** As explorers show it. */
  readonly hash: string;
  readonly message: string;
}

/** A block of a front went out that pays what its core has not settled: it has no statement, and the ledger does not know what it pays. */
export interface BlockNotStated {
  readonly type: 'BlockNotStated';
  /** As explorers show it. */
  readonly hash: string;
  readonly message: string;
}

/** What happens between a pool and its ledger. */
export type LedgerOutcome =
  | LedgerStalled
  | LedgerResumed
  | LedgerFull
  | LedgerConflict
  | BlockNotNoted
  | BlockNotStated
  | PayoutOutcome;
