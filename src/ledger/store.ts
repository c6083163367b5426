/** What the ledger needs of a place to keep it: implemented by files and databases, and in memory. */
import type { LedgerAccount } from './accounts.js';
import type { SequencedRecord } from './audit.js';
import type { Receipt } from './receipts.js';
import type { LeaseServerId } from './server-lease.js';
import type { LedgerBlock } from './settlement.js';
import type { Statement } from './statement.js';
import type { SlotWork } from './window.js';

/** Records of one server that become durable together, or not at all, and what they change. */
export interface LedgerCommit {
  /** The server's receipt before and after them: a store takes no commit that does not follow from its last. */
  readonly before: Receipt;
  readonly after: Receipt;
  /** Their bytes, one after another, as `encodeRecord` returns them. */
  readonly records: Uint8Array;
  /** When the last of them was, milliseconds since 1970. */
  readonly time: number;
  /** Accounts and slots of this server as they are with them; those that do not change are left out. */
  readonly accounts: readonly LedgerAccount[];
  readonly slots: readonly SlotWork[];
  /** Blocks that were found with them, or what has become of others. */
  readonly blocks: readonly StoredBlock[];
}

/** A block as a store keeps it. */
export interface StoredBlock extends LedgerBlock {
  /** Null when nothing was paid by the ledger's rules. */
  readonly statement: Statement | null;
}

/** Which records are asked for. */
export interface RecordQuery {
  /** Of one user; of all unless given. */
  readonly user?: string;
  /** Milliseconds since 1970: those from then on, and a few before; all unless given. */
  readonly since?: number;
}

/**
 * A place that keeps a ledger. One process writes for each server id, any number may read meanwhile. Its errors are
 * Sv2Errors: `ledger-conflict` when somebody else wrote for this server, `ledger-unavailable` for whatever may pass (a
 * full disk, a database that is away): what was to be written can be tried again, and counts once.
 */
export interface LedgerStore {
  /**
   * Has a server id for this store until it is closed, or its process is gone. A commit for an id whose lease was lost, and
   * taken by somebody else, is a `ledger-conflict`. Where nobody else can be, there is none.
   */
  readonly lease?: LeaseServerId;
  /** Where a server's chain has come to. */
  receipt(serverId: number): Promise<Receipt>;
  /** Where the chains of all servers have come to, by server id. */
  receipts(): Promise<Receipt[]>;
  /** Makes records and blocks durable, together. The same records again change nothing, whatever blocks come with them. */
  commit(commit: LedgerCommit): Promise<void>;
  /** A server's own accounts by these names; those that are not there are left out. */
  serverAccounts(
    serverId: number,
    owners: readonly Pick<LedgerAccount, 'user' | 'worker'>[],
  ): Promise<LedgerAccount[]>;
  /** A server's own work in one slot. */
  serverSlot(serverId: number, slot: number): Promise<SlotWork[]>;
  /** All accounts, those of all servers together, by user and worker. */
  accounts(): Promise<LedgerAccount[]>;
  /** Work by slot, of all servers: from a slot on, all unless given. */
  slots(since?: number): Promise<SlotWork[]>;
  /** Records, of each server in their order. */
  records(query?: RecordQuery): AsyncIterable<SequencedRecord>;
  /** All blocks, the oldest first. */
  blocks(): Promise<StoredBlock[]>;
  /** Adds blocks, or what has become of them. */
  saveBlocks(blocks: readonly StoredBlock[]): Promise<void>;
  /** Copies everything into a new file, also while it is written to; where the database has no tools of its own for that. */
  backup?(file: string): Promise<void>;
  /** Lets go of files and connections. */
  close(): Promise<void>;
}
