/** A pool's ledger: where its shares are kept, and what it knows of them when it starts. */
import { bookkeeping, type Bookkeeping } from '../../ledger/bookkeeping.js';
import type { BlockJournal, NotedBlock } from '../../ledger/block-journal.js';
import type { Durability } from '../../ledger/spool.js';
import type { LedgerStore } from '../../ledger/store.js';
import type { PayoutPlan } from '../../ledger/payout-plan.js';
import type { DeclaredPayouts } from './declared-payouts.js';
import { ledgerPayout, type LedgerPayout } from './ledger-payout.js';
import { payoutHistory } from './payout-history.js';
import { seenShares, type SeenShares } from '../../mining/shares/seen-shares.js';

/** Where a pool keeps its shares, and how. */
export interface PoolLedgerOptions {
  /** Opened, and closed by whoever opened it once `Pool.start` has ended and `Pool.written` has resolved. */
  readonly store: LedgerStore;
  /**
   * When a share is acknowledged: once it is durable (`acknowledged`, unless given), or at once (`relaxed`), so that what
   * was acknowledged in the last moments can be lost.
   */
  readonly durability?: Durability;
  /** Milliseconds between two writes; 50 unless given. All shares of that time become durable together. */
  readonly commitInterval?: number;
  /** How blocks are paid by the ledger: user identities are those of `parseIdentity` then. Without, everything goes to `payoutScript`. */
  readonly payout?: PayoutPlan;
  /** Where there is a declaration server beside the pool, what that has to know of `payout`: made of the same plan. */
  readonly declaredPayouts?: DeclaredPayouts;
  /** Blocks on it, itself included, with which a block of ours is booked; 100 unless given, when its coinbase can be spent. */
  readonly confirmations?: number;
  /**
   * Where blocks are noted before they go out, of this pool alone: those that the ledger does not have when a pool starts come
   * from there. Without, what a block paid can be unknown to a ledger whose pool ends in that moment.
   */
  readonly journal?: BlockJournal;
  /** Accepted shares that may wait while the ledger cannot be written; 200,000 unless given. More are told of. */
  readonly maxWaitingShares?: number;
}

/** What a pool begins with. */
export interface OpenedBooks {
  readonly books: Bookkeeping;
  /** Shares that were accepted before and that could come again. */
  readonly alreadySeen: Pick<SeenShares, 'has'>;
  readonly payout: LedgerPayout | undefined;
}

/** Milliseconds after which a share can't be valid any more: there was another block, but once in 65 million times. */
const maxShareAge = 3 * 3_600_000;

/**
 * Reads what a pool begins with.
 * @param now what time it is: milliseconds since 1970
 * @throws Sv2Error `server-id-taken`, `ledger-unavailable`, `journal-unavailable`
 */
export const openBooks = async (
  { store, journal, payout: plan, confirmations = 100 }: PoolLedgerOptions,
  serverId: number,
  now: () => number,
): Promise<OpenedBooks> => {
  await store.lease?.(serverId);
  const books = await bookkeeping(store, serverId);
  const startedAt = now();
  const seen = await recentShares(store, startedAt);
  if (journal !== undefined) await recoverBlocks(journal, store, seen, [[serverId, books]]);
  const has = (hash: Uint8Array): boolean => {
    if (seen.size > 0 && now() - startedAt > maxShareAge) seen.clear();
    return seen.has(hash);
  };
  const payout =
    plan === undefined
      ? undefined
      : ledgerPayout({ plan, confirmations, history: await payoutHistory(store, plan, startedAt) });
  return { books, alreadySeen: { has }, payout };
};

/** Shares that were accepted lately. */
export const recentShares = async (store: LedgerStore, now: number): Promise<SeenShares> => {
  const seen = seenShares();
  for await (const { record } of store.records({ since: now - maxShareAge }))
    if (record.type === 'share') seen.add(record.hash);
  return seen;
};

/**
 * Gives a ledger the blocks that went out and that it does not have, with their shares.
 * @param seen shares that it has
 * @param open the books of servers that are open already
 * @throws Sv2Error `server-id-taken`, `ledger-unavailable`, `journal-unavailable`
 */
export const recoverBlocks = async (
  journal: { noted(): readonly NotedBlock[]; clear(hashes: Iterable<string>): void },
  store: LedgerStore,
  seen: SeenShares,
  open: Iterable<readonly [serverId: number, books: Bookkeeping]> = [],
): Promise<void> => {
  const all = new Map(open);
  const booksOf = async (serverId: number): Promise<Bookkeeping> => {
    const known = all.get(serverId);
    if (known !== undefined) return known;
    await store.lease?.(serverId);
    const books = await bookkeeping(store, serverId);
    all.set(serverId, books);
    return books;
  };
  const known = new Set((await store.blocks()).map(({ hash }) => hash));
  const noted = journal.noted();
  for (const { block, record } of noted) {
    if (known.has(block.hash)) continue;
    known.add(block.hash);
    if (record === null) {
      await store.saveBlocks([block]);
      continue;
    }
    const books = await booksOf(record.serverId);
    await books.write(seen.has(record.hash) ? [] : [record], [block]);
    seen.add(record.hash);
  }
  journal.clear(noted.map(({ block: { hash } }) => hash));
};
