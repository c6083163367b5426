/** From records to what a store is to commit: one server's accounts, slots and receipts go on from where they were. */
import { concatBytes, sameBytes } from '../bitcoin/consensus-bytes.js';
import { accountsAfter, listAccounts, type LedgerAccount } from './accounts.js';
import { encodeRecord } from './record-codec.js';
import { isSameReceipt } from './memory-store.js';
import { creditedWork, type LedgerRecord } from './record.js';
import { nextHead, type Receipt } from './receipts.js';
import type { LedgerCommit, LedgerStore, StoredBlock } from './store.js';
import { slotOf, slotsOf, type SlotWork } from './window.js';

/** Keeps one server's part of a ledger. */
export interface Bookkeeping {
  /**
   * Makes records durable, in this order. When it fails, whether they are durable may be known to nobody: the same are to be given
   * again, which adds them once. Only accepted work opens an account: what was rejected of a worker without one
   * counts for its user, and of a user without one for nobody.
   * @param blocks that become durable with them: a block's share is not in the ledger without its statement
   * @throws Sv2Error as `LedgerStore.commit`
   */
  write(records: readonly LedgerRecord[], blocks?: readonly StoredBlock[]): Promise<void>;
  readonly receipt: Receipt;
}

/** Accounts kept in memory; of others, what they were is read again. */
const maxKept = 20_000;

/** What is about to be committed. */
interface Prepared {
  /** The bytes of the records that were given. */
  readonly given: Uint8Array;
  readonly commit: Omit<LedgerCommit, 'blocks'>;
  readonly slot: number;
  readonly slotWork: Map<string, SlotWork>;
}

const bytesOf = (records: readonly LedgerRecord[]): Uint8Array => concatBytes(records.map(encodeRecord));

const keyOf = ({ user, worker }: { readonly user: string; readonly worker: string }): string =>
  JSON.stringify([user, worker]);

/** Begins where a server's chain in a store has come to. @throws Sv2Error `ledger-unavailable` */
export const bookkeeping = async (store: LedgerStore, serverId: number): Promise<Bookkeeping> => {
  let receipt = await store.receipt(serverId);
  const accounts = new Map<string, LedgerAccount>();
  let slot = -1;
  let slotWork = new Map<string, SlotWork>();

  /** Reads the accounts that are not in memory. */
  const load = async (owners: readonly Pick<LedgerAccount, 'user' | 'worker'>[]): Promise<void> => {
    const missing = new Map(
      owners.filter((owner) => !accounts.has(keyOf(owner))).map((owner) => [keyOf(owner), owner]),
    );
    if (missing.size === 0) return;
    if (accounts.size + missing.size > maxKept) accounts.clear();
    const wanted = accounts.size === 0 ? owners : [...missing.values()];
    for (const account of await store.serverAccounts(serverId, wanted)) accounts.set(keyOf(account), account);
  };

  /** Whose a record is, when only accepted work opens accounts. */
  const owned = (record: LedgerRecord, opened: ReadonlySet<string>): LedgerRecord | undefined => {
    if (record.type === 'share') return record;
    const isThere = (worker: string): boolean => {
      const key = keyOf({ user: record.user, worker });
      return accounts.has(key) || opened.has(key);
    };
    if (isThere(record.worker)) return record;
    return isThere('') ? { ...record, worker: '' } : undefined;
  };

  /** What a store is to commit, but for blocks, and what is known once it has; undefined for records that are nobody's. */
  const prepare = async (given: readonly LedgerRecord[]): Promise<Prepared | undefined> => {
    await load(
      given.flatMap(({ user, worker }) => [
        { user, worker },
        { user, worker: '' },
      ]),
    );
    const opened = new Set(given.filter(({ type }) => type === 'share').map(keyOf));
    const records = given.map((record) => owned(record, opened)).filter((record) => record !== undefined);
    const last = records.at(-1);
    if (last === undefined) return undefined;

    const touched = new Map<string, Map<string, LedgerAccount>>();
    for (const record of records) {
      const account = accounts.get(keyOf(record));
      if (account === undefined) continue;
      const workers = touched.get(account.user) ?? new Map<string, LedgerAccount>();
      touched.set(account.user, workers.set(account.worker, account));
    }
    const changed = listAccounts(accountsAfter(records, touched));
    const encoded = records.map(encodeRecord);
    const after: Receipt = {
      serverId,
      sequence: receipt.sequence + records.length,
      head: encoded.reduce(nextHead, receipt.head),
    };

    const slots: SlotWork[] = [];
    let [lastSlot, lastWork] = [slot, slotWork];
    for (const number of new Set(slotsOf(records).map((entry) => entry.slot))) {
      const own = slotsOf(records.filter(({ time }) => slotOf(time) === number));
      const before =
        number === lastSlot
          ? lastWork
          : new Map((await store.serverSlot(serverId, number)).map((entry) => [entry.user, entry]));
      const now = new Map(before);
      for (const { user, shares, work } of own) {
        const was = before.get(user);
        const entry = {
          slot: number,
          user,
          shares: shares + (was?.shares ?? 0),
          work: work + (was?.work ?? 0n),
        };
        now.set(user, entry);
        slots.push(entry);
      }
      if (number >= lastSlot) [lastSlot, lastWork] = [number, now];
    }

    requireSameWork(records, changed, touched);
    const commit = {
      ...{ before: receipt, after, records: concatBytes(encoded), time: last.time },
      ...{ accounts: changed, slots },
    };
    const isAll =
      records.every((record, index) => record === given[index]) && records.length === given.length;
    return {
      given: isAll ? commit.records : bytesOf(given),
      ...{ commit, slot: lastSlot, slotWork: lastWork },
    };
  };

  /**
   * What was tried last, and failed as far as anybody knows. A store may have it all the same, or get it later: accounts and slots that
   * were read anew could have its records already, and would count them twice.
   */
  let tried: Prepared | undefined;

  const settled = (prepared: Prepared): void => {
    receipt = prepared.commit.after;
    ({ slot, slotWork } = prepared);
    for (const account of prepared.commit.accounts) accounts.set(keyOf(account), account);
    tried = undefined;
  };

  return {
    async write(given, blocks = []) {
      if (tried !== undefined && !sameBytes(tried.given, bytesOf(given))) {
        // others than those that failed: what became of those is asked
        if (isSameReceipt(await store.receipt(serverId), tried.commit.after)) settled(tried);
        else tried = undefined;
      }
      tried ??= await prepare(given);
      if (tried === undefined) {
        if (blocks.length > 0) await store.saveBlocks(blocks);
        return;
      }
      await store.commit({ ...tried.commit, blocks });
      settled(tried);
    },
    get receipt() {
      return receipt;
    },
  };
};

/** What must hold: accounts have grown by exactly the work of the records. */
const requireSameWork = (
  records: readonly LedgerRecord[],
  changed: readonly LedgerAccount[],
  before: ReadonlyMap<string, ReadonlyMap<string, LedgerAccount>>,
): void => {
  let proved = 0n;
  for (const record of records) if (record.type === 'share') proved += creditedWork(record);
  let credited = 0n;
  for (const { user, worker, work } of changed)
    credited += work - (before.get(user)?.get(worker)?.work ?? 0n);
  if (credited !== proved) throw new Error(`${proved} hashes were proved, and ${credited} would be credited`);
};
