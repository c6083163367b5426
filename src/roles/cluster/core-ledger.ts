/** The ledger of a core that pays by it: what fronts write counts for payouts, and blocks become durable with their shares. */
import {
  catchError,
  defer,
  EMPTY,
  exhaustMap,
  finalize,
  from,
  ignoreElements,
  mergeMap,
  repeat,
  retry,
  throwError,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { bytesToHex } from '../../codec/hex.js';
import { bookkeeping } from '../../ledger/bookkeeping.js';
import type { PayoutPlan } from '../../ledger/payout-plan.js';
import { decodeRecords } from '../../ledger/record-codec.js';
import type { LedgerRecord, ShareRecord } from '../../ledger/record.js';
import type { LedgerCommit, LedgerStore, StoredBlock } from '../../ledger/store.js';
import type { Sibling } from '../../service/siblings.js';
import type { LedgerOutcome } from '../pool/ledger-outcomes.js';
import { ledgerPayout, type LedgerPayout } from '../pool/ledger-payout.js';
import { payoutHistory } from '../pool/payout-history.js';
import { recentShares, recoverBlocks } from '../pool/pool-ledger.js';
import type { CoreJournal } from './core-journal.js';
import { corePayout, type CorePayout, type UnsavedBlock } from './core-payout.js';

/** Milliseconds between two looks at what is to be saved, and after one that failed. */
const saveInterval = 200;
const retryInterval = 1_000;

/** What a core is told that pays by its ledger. */
export interface CoreLedgerOptions {
  readonly store: LedgerStore;
  readonly plan: PayoutPlan;
  /** Blocks on it, itself included, with which a block of ours is booked; 100 unless given, when its coinbase can be spent. */
  readonly confirmations?: number;
  /** Where blocks are noted before they go out: see `PoolLedgerOptions.journal`. */
  readonly journal?: CoreJournal;
  /**
   * Whether fronts live on without their core, and go on with their chains themselves: what was noted of them waits for their
   * commits, or for `frontEnded`. False unless given: what was noted is written at once.
   */
  readonly doFrontsLiveOn?: boolean;
  readonly scheduler: SchedulerLike;
}

/** See {@link coreLedger}. */
export interface CoreLedger extends Pick<CorePayout, 'sibling'> {
  /** What fronts write to: give it to `servedLedger`. */
  readonly store: LedgerStore;
  /**
   * A front has ended: blocks of it whose shares it has not written are written. Completes when they are, so that its server
   * id can be another's; tries again while the ledger cannot be written, for as long as it is started.
   */
  frontEnded(serverId: number): Observable<never>;
  /** Servers with blocks whose shares are not written. */
  waiting(): ReadonlySet<number>;
  /** Saves what becomes of blocks, while subscribed, and tells of it. Never completes, nor errors. */
  start(): Observable<LedgerOutcome>;
  /** Saves what is to be saved, once more, if that can be done: for the end. */
  written(): Promise<void>;
}

/**
 * Reads what payouts begin with.
 * @throws Sv2Error `server-id-taken`, `ledger-unavailable`, `journal-unavailable`
 */
export const coreLedger = async ({
  store,
  plan,
  confirmations = 100,
  journal,
  doFrontsLiveOn = false,
  scheduler,
}: CoreLedgerOptions): Promise<CoreLedger> => {
  const startedAt = scheduler.now();
  const before = journal?.noted() ?? [];
  if (journal !== undefined && before.length > 0 && !doFrontsLiveOn)
    await recoverBlocks(journal, store, await recentShares(store, startedAt));
  const saved = before.length === 0 ? [] : await store.blocks();
  const inLedger = new Set(saved.map(({ hash }) => hash));
  const noted = before.filter(({ block }) => !inLedger.has(block.hash));
  journal?.clear(before.flatMap(({ block: { hash } }) => (inLedger.has(hash) ? [hash] : [])));
  const unsaved = noted.map(({ block }) => block);
  const all = { ...store, blocks: async () => [...(await store.blocks()), ...unsaved] };
  const history = await payoutHistory(all, plan, startedAt);
  const payout = ledgerPayout({ plan, confirmations, history, unsaved });
  const core = corePayout(payout, { journal, noted, scheduler });
  const own = countingStore(store, payout, core, startedAt);
  let isStarted = false;

  /** Blocks for which it was looked whether their shares were written before they were stated. */
  const looked = new WeakSet<ShareRecord>();

  /** Finds those whose shares were written ahead of them: a block can be later at the core than what its front wrote. */
  const findWritten = async (): Promise<void> => {
    const unlooked = core.unsaved().filter(({ share }) => !looked.has(share));
    if (unlooked.length === 0) return;
    const written = await writtenOf(store, unlooked);
    for (const { share } of unlooked) looked.add(share);
    core.withoutShare(written);
  };

  /** Saves what has become of blocks whose shares are in the ledger. */
  const save = async (): Promise<void> => {
    await findWritten();
    const waiting = new Set(core.unsaved().map(({ block }) => block.hash));
    const blocks = payout.unsaved().filter(({ hash }) => !waiting.has(hash));
    if (blocks.length === 0) return;
    await store.saveBlocks(blocks);
    core.saved(blocks);
  };

  const writeSharesOf = async (serverId: number): Promise<void> => {
    const lost = core.unsaved().filter(({ share }) => share.serverId === serverId);
    if (lost.length === 0) return;
    const known = new Set((await store.blocks()).map(({ hash }) => hash));
    core.saved(lost.map(({ block }) => block).filter(({ hash }) => known.has(hash)));
    const written = await writtenOf(store, lost);
    core.withoutShare(written);
    const withShare = new Set(written.map(({ hash }) => hash));
    const books = await bookkeeping(own, serverId);
    for (const { block, share } of lost)
      if (!known.has(block.hash) && !withShare.has(block.hash)) await books.write([share]);
  };

  const opened: CoreLedger = {
    store: own,
    sibling: (fronts: Sibling) => core.sibling(fronts),
    frontEnded(serverId) {
      return defer(() => from(writeSharesOf(serverId))).pipe(
        retry({
          delay: (error) =>
            isStarted ? timer(retryInterval, scheduler) : throwError(() => error as unknown),
        }),
        catchError(() => EMPTY), // they are in the journal
        ignoreElements(),
      );
    },
    waiting: () => new Set(core.unsaved().map(({ share }) => share.serverId)),
    start: () =>
      defer(() => {
        isStarted = true;
        let triedAt = -Infinity;
        const saved = async (): Promise<readonly LedgerOutcome[]> => {
          const now = scheduler.now();
          if (now - triedAt >= retryInterval) {
            try {
              await save();
            } catch {
              triedAt = now; // fronts tell that the ledger cannot be written
            }
          }
          return core.takeOutcomes();
        };
        return timer(saveInterval, scheduler).pipe(
          repeat(),
          exhaustMap(() => from(saved())),
          mergeMap((outcomes) => outcomes),
        );
      }).pipe(
        finalize(() => {
          isStarted = false;
        }),
      ),
    written: () => save().catch(() => undefined), // what becomes of blocks is seen by tips again
  };
  return opened;
};

/** Of blocks, those whose shares a store has. Its records are read from the first of these shares on. */
const writtenOf = async (store: LedgerStore, blocks: readonly UnsavedBlock[]): Promise<StoredBlock[]> => {
  const byHash = new Map(blocks.map(({ block, share }) => [bytesToHex(share.hash), block]));
  const since = blocks.reduce((first, { share }) => Math.min(first, share.time), Infinity);
  const found: StoredBlock[] = [];
  for await (const { record } of store.records({ since })) {
    const block = record.type === 'share' ? byHash.get(bytesToHex(record.hash)) : undefined;
    if (block !== undefined) found.push(block);
  }
  return found;
};

/** A store whose commits count for payouts, each record once, and take the blocks with them that their shares are. */
const countingStore = (
  store: LedgerStore,
  payout: LedgerPayout,
  core: CorePayout,
  startedAt: number,
): LedgerStore => {
  /** When the last commit of a server was that is counted. */
  const countedAt = new Map<number, number>();

  /** Records of a server that are in the store and were not counted: of a commit that nobody heard to have succeeded. */
  const missed = async (serverId: number, until: number): Promise<LedgerRecord[]> => {
    const from = payout.countedTo(serverId);
    const found: LedgerRecord[] = [];
    if (from >= until) return found;
    for await (const { sequence, record } of store.records({ since: countedAt.get(serverId) ?? startedAt }))
      if (record.serverId === serverId && sequence > from && sequence <= until) found.push(record);
    return found;
  };

  const count = ({ before, after, time }: LedgerCommit, records: readonly LedgerRecord[]): void => {
    const { serverId } = after;
    const from = payout.countedTo(serverId);
    if (after.sequence <= from) return; // it was tried again
    payout.written(records.slice(Math.max(0, from - before.sequence)), after);
    countedAt.set(serverId, time);
  };

  /** The blocks that shares among these are. */
  const blocksOf = (records: readonly LedgerRecord[]): StoredBlock[] => {
    const unsaved = core.unsaved();
    if (unsaved.length === 0) return [];
    const hashes = new Set(
      records.flatMap((record) => (record.type === 'share' ? [bytesToHex(record.hash)] : [])),
    );
    return unsaved.filter(({ share }) => hashes.has(bytesToHex(share.hash))).map(({ block }) => block);
  };

  return {
    ...store,
    async commit(commit) {
      const records = decodeRecords(commit.records);
      const { serverId, sequence } = commit.before;
      const before = await missed(serverId, sequence);
      const blocks = blocksOf(records);
      await store.commit({ ...commit, blocks: [...commit.blocks, ...blocks] });
      if (before.length > 0) payout.written(before, commit.before);
      count(commit, records);
      core.saved(blocks);
      core.withoutShare(blocksOf(records)); // of those that were stated meanwhile
    },
  };
};
