/** What users and workers delivered, as a reduction of the ledger's records. */
import { difficultyFromTarget, meetsTarget } from '../bitcoin/target.js';
import { creditedWork, isBlock, workOf, type LedgerRecord } from './record.js';

/** What one worker of a user delivered; of the user alone, what named no worker. */
export interface LedgerAccount {
  readonly user: string;
  /** Empty for the user's own. */
  readonly worker: string;
  /** Shares accepted, blocks included. */
  readonly accepted: number;
  readonly rejected: number;
  /** By error code. */
  readonly rejectedByCode: Readonly<Record<string, number>>;
  /** Hashes that were proved, exactly: what payouts go by. */
  readonly work: bigint;
  /** The same as a sum of difficulties, for people. */
  readonly difficultySum: number;
  /** The highest difficulty that a hash reached; 0 before the first. */
  readonly bestDifficulty: number;
  readonly blocksFound: number;
  /** Milliseconds since 1970; 0 before the first. */
  readonly lastShareAt: number;
}

/** Accounts by user, then by worker. */
export type LedgerAccounts = ReadonlyMap<string, ReadonlyMap<string, LedgerAccount>>;

/** An account without anything. */
export const emptyAccount = (user: string, worker: string): LedgerAccount => ({
  user,
  worker,
  accepted: 0,
  rejected: 0,
  rejectedByCode: {},
  work: 0n,
  difficultySum: 0,
  bestDifficulty: 0,
  blocksFound: 0,
  lastShareAt: 0,
});

/** An account after a record of its own. */
export const withRecord = (account: LedgerAccount, record: LedgerRecord): LedgerAccount => {
  if (record.type === 'rejected') {
    const { errorCode, count } = record;
    const before = Object.hasOwn(account.rejectedByCode, errorCode) ? account.rejectedByCode[errorCode] : 0;
    // an own property whatever the code is called
    const rejectedByCode = Object.fromEntries([
      ...Object.entries(account.rejectedByCode),
      [errorCode, (before ?? 0) + count],
    ]);
    return { ...account, rejected: account.rejected + count, rejectedByCode };
  }
  const { hash, target, time } = record;
  return {
    ...account,
    accepted: account.accepted + 1,
    work: account.work + creditedWork(record),
    difficultySum: account.difficultySum + (meetsTarget(hash, target) ? difficultyFromTarget(target) : 0),
    bestDifficulty: Math.max(account.bestDifficulty, difficultyFromTarget(hash)),
    blocksFound: account.blocksFound + (isBlock(record) ? 1 : 0),
    lastShareAt: Math.max(account.lastShareAt, time),
  };
};

/**
 * Accounts after more records. What is given is not changed.
 * @throws Error when an account would be credited more than its hashes prove: a fault of this library
 */
export const accountsAfter = (
  records: Iterable<LedgerRecord>,
  before: LedgerAccounts = new Map(),
): LedgerAccounts => {
  const after = new Map([...before].map(([user, workers]) => [user, new Map(workers)]));
  for (const record of records) {
    const { user, worker } = record;
    let workers = after.get(user);
    if (workers === undefined) after.set(user, (workers = new Map<string, LedgerAccount>()));
    const account = withRecord(workers.get(worker) ?? emptyAccount(user, worker), record);
    // proved: the target is met, and by 2^256 / (hash + 1) at most
    if (record.type === 'share' && creditedWork(record) > workOf(record.hash))
      throw new Error(`a share of ${user} would be credited more than its hash proves`);
    workers.set(worker, account);
  }
  return after;
};

/** All accounts, a user's own first. */
export const listAccounts = (accounts: LedgerAccounts): LedgerAccount[] =>
  [...accounts.values()].flatMap((workers) =>
    [...workers.values()].sort((one, other) =>
      one.worker < other.worker ? -1 : one.worker > other.worker ? 1 : 0,
    ),
  );
