/** A ledger in memory: for simulations and specs, and for what may be lost. */
import { sameBytes } from '../bitcoin/consensus-bytes.js';
import { Sv2Error } from '../codec/errors.js';
import { emptyAccount, type LedgerAccount } from './accounts.js';
import type { SequencedRecord } from './audit.js';
import { decodeRecords, encodeRecord } from './record-codec.js';
import { firstReceipt, nextHead, type Receipt } from './receipts.js';
import type { LedgerCommit, LedgerStore, StoredBlock } from './store.js';
import type { SlotWork } from './window.js';

/** Adds accounts of one user and worker, as servers have them. */
export const sumAccounts = (accounts: Iterable<LedgerAccount>): LedgerAccount[] => {
  const sums = new Map<string, LedgerAccount>();
  for (const account of accounts) {
    const { user, worker, rejectedByCode } = account;
    const key = JSON.stringify([user, worker]);
    const sum = sums.get(key) ?? emptyAccount(user, worker);
    const codes = new Map(Object.entries(sum.rejectedByCode));
    for (const [code, count] of Object.entries(rejectedByCode))
      codes.set(code, (codes.get(code) ?? 0) + count);
    sums.set(key, {
      user,
      worker,
      accepted: sum.accepted + account.accepted,
      rejected: sum.rejected + account.rejected,
      rejectedByCode: Object.fromEntries(codes),
      work: sum.work + account.work,
      difficultySum: sum.difficultySum + account.difficultySum,
      bestDifficulty: Math.max(sum.bestDifficulty, account.bestDifficulty),
      blocksFound: sum.blocksFound + account.blocksFound,
      lastShareAt: Math.max(sum.lastShareAt, account.lastShareAt),
    });
  }
  return [...sums.values()].sort((one, other) =>
    one.user !== other.user ? (one.user < other.user ? -1 : 1) : one.worker < other.worker ? -1 : 1,
  );
};

/** The records of a commit with their places and receipts. */
export const sequencedRecords = ({
  before,
  records,
}: Pick<LedgerCommit, 'before' | 'records'>): SequencedRecord[] => {
  let { sequence, head } = before;
  return decodeRecords(records).map((record) => {
    sequence += 1;
    head = nextHead(head, encodeRecord(record));
    return { sequence, record, receipt: head };
  });
};

/** The error of a commit that does not follow from a server's last. */
export const conflict = ({ serverId }: Pick<Receipt, 'serverId'>): Sv2Error =>
  new Sv2Error(
    'ledger-conflict',
    `another pool writes to this ledger as server ${serverId}: each needs a server id of its own`,
    { serverId },
  );

/** Whether two receipts are the same. */
export const isSameReceipt = (one: Receipt, other: Receipt): boolean =>
  one.sequence === other.sequence && sameBytes(one.head, other.head);

const recordsIn = ({ before, after }: LedgerCommit): number => after.sequence - before.sequence;

/** What a {@link memoryStore} keeps. */
export interface MemoryStoreOptions {
  /** How many of the last records, 1 or more; 100,000 unless given, some 25 MB. Those of a commit are kept together. */
  readonly maxRecords?: number;
}

/**
 * A store in memory alone. It keeps the last records; of those before it has what they have come to: receipts, accounts, the
 * work of slots, and all blocks with their statements. A statement whose window reaches back further can be audited by its own numbers, and not by
 * records any more.
 */
export const memoryStore = ({ maxRecords = 100_000 }: MemoryStoreOptions = {}): LedgerStore => {
  const commits: LedgerCommit[] = [];
  let kept = 0;
  const receipts = new Map<number, Receipt>();
  const accounts = new Map<string, LedgerAccount>();
  const slots = new Map<string, SlotWork>();
  const blocks = new Map<string, StoredBlock>();
  const receiptOf = (serverId: number): Receipt => receipts.get(serverId) ?? firstReceipt(serverId);
  const accountKey = (serverId: number, user: string, worker: string) =>
    JSON.stringify([serverId, user, worker]);

  return {
    receipt: (serverId) => Promise.resolve(receiptOf(serverId)),
    receipts: () =>
      Promise.resolve([...receipts.values()].sort((one, other) => one.serverId - other.serverId)),
    commit(commit) {
      const { serverId } = commit.after;
      const last = receiptOf(serverId);
      const isKnown = isSameReceipt(last, commit.after);
      if (!isKnown && !isSameReceipt(last, commit.before)) return Promise.reject(conflict(commit.after));
      for (const block of commit.blocks) blocks.set(block.hash, block);
      if (isKnown) return Promise.resolve();
      commits.push(commit);
      kept += recordsIn(commit);
      while (kept > maxRecords && commits.length > 1) {
        const oldest = commits.shift();
        if (oldest !== undefined) kept -= recordsIn(oldest);
      }
      receipts.set(serverId, commit.after);
      for (const account of commit.accounts)
        accounts.set(accountKey(serverId, account.user, account.worker), account);
      for (const entry of commit.slots) slots.set(JSON.stringify([serverId, entry.slot, entry.user]), entry);
      return Promise.resolve();
    },
    serverAccounts: (serverId, owners) =>
      Promise.resolve(
        owners.flatMap(({ user, worker }) => accounts.get(accountKey(serverId, user, worker)) ?? []),
      ),
    serverSlot: (serverId, slot) =>
      Promise.resolve(
        [...slots]
          .filter(([key, entry]) => entry.slot === slot && key.startsWith(`[${serverId},`))
          .map(([, entry]) => entry),
      ),
    accounts: () => Promise.resolve(sumAccounts(accounts.values())),
    slots: (since = 0) => Promise.resolve([...slots.values()].filter(({ slot }) => slot >= since)),
    // eslint-disable-next-line @typescript-eslint/require-await -- others wait for files and databases
    async *records({ user, since = 0 } = {}) {
      for (const commit of [...commits].sort((one, other) => one.after.serverId - other.after.serverId)) {
        if (commit.time < since) continue;
        for (const sequenced of sequencedRecords(commit))
          if (user === undefined || sequenced.record.user === user) yield sequenced;
      }
    },
    blocks: () => Promise.resolve([...blocks.values()]),
    saveBlocks(changed) {
      for (const block of changed) blocks.set(block.hash, block);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
};
