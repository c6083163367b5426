import type { Observable } from 'rxjs';

/** A transaction that a block may contain. Hashes are 32 bytes in wire order. */
export interface TemplateTransaction {
  /** With witnesses, as it is in the block. */
  readonly data: Uint8Array;
  readonly txid: Uint8Array;
  readonly wtxid: Uint8Array;
  /** In satoshis. */
  readonly fee: bigint;
  /** As counted for the limit of a block, which is 80,000 with SegWit. */
  readonly sigops: number;
  /** In weight units. */
  readonly weight: number;
  /** Which transactions earlier in the list must be in the block if this one is: indexes from 0. */
  readonly dependsOn: readonly number[];
}

/** The next block, all but its coinbase (BIP 22). */
export interface BlockTemplate {
  readonly type: 'BlockTemplate';
  readonly height: number;
  /** The hash of the block before, 32 bytes in wire order. */
  readonly prevHash: Uint8Array;
  readonly version: number;
  readonly nbits: number;
  /** Smallest ntime that is valid, seconds since 1970. */
  readonly minTime: number;
  /** The ntime to start at, seconds since 1970. */
  readonly currentTime: number;
  /** What the coinbase may pay in satoshis: subsidy and the fees of all transactions. */
  readonly coinbaseValue: bigint;
  /** The best first, none before those it depends on. */
  readonly transactions: readonly TemplateTransaction[];
  /** Whether the coinbase should carry a witness commitment even if no transaction has a witness. */
  readonly segwit: boolean;
  /** The most sigops a block may have. */
  readonly sigopLimit: number;
  /** The most a block may weigh, in weight units. */
  readonly weightLimit: number;
}

/** The source cannot do its work at present. */
export interface SourceError {
  readonly type: 'SourceError';
  /** Stable, kebab-case. */
  readonly code: string;
  /** For people: what is wrong and what to check. */
  readonly message: string;
  /** Milliseconds until it tries again; null if it does not. */
  readonly retryIn: number | null;
}

/** The source works, but something about it should be looked after. */
export interface SourceWarning {
  readonly type: 'SourceWarning';
  /** Stable, kebab-case. */
  readonly code: string;
  /** For people: what is wrong and what to check. */
  readonly message: string;
}

/** The source works again after a SourceError. */
export interface SourceRecovered {
  readonly type: 'SourceRecovered';
}

/** What a source says: templates, and how it fares. */
export type SourceUpdate = BlockTemplate | SourceError | SourceRecovered | SourceWarning;

/** A block that a solution made of a template. */
export interface SolvedBlock {
  /** Serialised, with witnesses. */
  readonly bytes: Uint8Array;
  /** 32 bytes in wire order. */
  readonly hash: Uint8Array;
  readonly height: number;
}

/** What became of a block. */
export type SubmitResult =
  /** It is the tip. */
  | { readonly accepted: true }
  | {
      readonly accepted: false;
      /** The judge's own word, such as `bad-cb-amount`. */
      readonly reason: string;
      /** For people. */
      readonly message: string;
    };

/** Where templates come from and blocks go to: a chain of our own, or a Bitcoin node. */
export interface BlockSource {
  /**
   * While subscribed, the templates: the first as soon as there is one, another at once when the tip changes, and
   * others as transactions come. Neither completes nor errors: trouble is a SourceError, and it goes on trying.
   */
  readonly update$: Observable<SourceUpdate>;
  /** Submits a block on subscription: emits what became of it and completes. */
  submit(block: SolvedBlock): Observable<SubmitResult>;
}
