import type { Observable } from 'rxjs';
import type { KnownTransaction } from '../../declaration/known-transactions.js';
import type { BlockSource, SourceWarning } from '../template-provider/block-source.js';

/** What a node says of a block without proof of work. */
export type ProposalResult =
  | { readonly accepted: true }
  | {
      readonly accepted: false;
      /** The node's own word, such as `bad-txns-inputs-missingorspent`. */
      readonly reason: string;
    };

/** Transactions that a node has come to know. */
export interface KnownTransactionsArrived {
  readonly type: 'KnownTransactions';
  readonly transactions: readonly KnownTransaction[];
}

/** A node that a declaration server takes its tip and known transactions from, and submits blocks to. */
export interface DeclarationNode extends BlockSource {
  /**
   * Judges a block without proof of work on subscription (BIP 23): emits what it is and completes. Errors if the node
   * cannot tell. A source without it leaves declared jobs to what is known here.
   * @param block serialised, with witnesses
   */
  propose?(block: Uint8Array): Observable<ProposalResult>;

  /**
   * While subscribed, the transactions of the node's mempool that were not told before. Neither completes nor errors. Of a
   * source without it those of its templates are known alone.
   */
  readonly transaction$?: Observable<KnownTransactionsArrived | SourceWarning>;
}
