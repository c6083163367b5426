/** What users and their workers have delivered: the accounts of a mining server. */
import { Sv2Error } from '../../codec/errors.js';
import type { MiningServerOutcome } from '../mining-server-types.js';
import { shareCounts, type ShareCounts, type ShareTotals } from './share-accounting.js';

/** What one worker of a user has delivered. */
export interface Account extends ShareTotals {
  /** The user identity that the channel was opened with. */
  readonly user: string;
  /**
   * As shares name it (extension 0x0002). Empty for the user's own account: shares that name no worker, and what
   * workers delivered that are no longer kept apart.
   */
  readonly worker: string;
  /** Tells this account from one of the same name that was given up before; grows from account to account. */
  readonly serial: number;
}

/** A snapshot of all accounts. */
export interface AccountTotals {
  /** Of users with open channels, and of those with accepted work that were there last; a user's own comes first. */
  readonly accounts: readonly Account[];
  /** What was delivered besides, so that sums over everything are right. */
  readonly others: ShareTotals;
}

/** Keeps accounts. See {@link accountBook}. */
export interface AccountBook {
  /** Takes note of what happened at a mining server: of one input's outcomes, in order. */
  count(outcomes: readonly MiningServerOutcome[]): void;
  totals(): AccountTotals;
}

interface Entry {
  readonly serial: number;
  readonly counts: ShareCounts;
}

interface User {
  openChannels: number;
  readonly own: Entry;
  /** The one that was idle longest comes first. */
  readonly workers: Map<string, Entry>;
}

/**
 * Counts shares by user (who opened the channel) and worker (whom the share names). Two users' workers of one name
 * are two accounts.
 *
 * Clients choose these names, so memory is bounded. A user has an account while it has a channel (of which
 * `ChannelLimits` has a limit), and only accepted work makes anything last longer: rejected shares that name a worker
 * without an account count for its user, and those of a user that leaves without accepted work for the others.
 * Beyond `limit` accounts, the user is given up that has been without a channel longest, and if there is none,
 * the idlest worker of the user that has just got another, in favour of the user's own account.
 *
 * @param limit accounts kept apart, 1 or more, default 10,000: of the longest names, some 10 MB. Each user that
 *   has open channels may keep one more.
 * @throws Sv2Error `out-of-range` when the limit isn't a whole number above 0
 */
export const accountBook = (limit = 10_000): AccountBook => {
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new Sv2Error('out-of-range', `the number of accounts must be 1 or more, got ${limit}`, { limit });
  }
  const present = new Map<string, User>();
  const absent = new Map<string, User>(); // the one gone longest comes first
  const others = shareCounts();
  let size = 0;
  let lastSerial = 0;

  const open = (): Entry => {
    size += 1;
    return { serial: ++lastSerial, counts: shareCounts() };
  };

  const fold = (entry: Entry, into: ShareCounts): void => {
    into.add(entry.counts.totals());
    size -= 1;
  };

  const giveUp = (name: string, { own, workers }: User): void => {
    absent.delete(name);
    for (const entry of [own, ...workers.values()]) fold(entry, others);
  };

  const arrive = (name: string): void => {
    const user = present.get(name) ?? absent.get(name) ?? newUser();
    absent.delete(name);
    present.set(name, user);
    user.openChannels += 1;
    shrink(user);
  };

  const leave = (name: string): void => {
    const user = present.get(name);
    if (user === undefined) return;
    user.openChannels -= 1;
    if (user.openChannels > 0) return;
    present.delete(name);
    absent.set(name, user);
    if (user.workers.size === 0 && user.own.counts.totals().accepted === 0) giveUp(name, user);
    shrink();
  };

  const newUser = (): User => ({ openChannels: 0, own: open(), workers: new Map() });

  const shrink = (grown?: User): void => {
    if (size <= limit) return;
    for (const [name, user] of absent) {
      if (size <= limit) return;
      if (user !== grown) giveUp(name, user);
    }
    if (grown === undefined) return;
    for (const [name, worker] of grown.workers) {
      if (size <= limit) return;
      fold(worker, grown.own.counts);
      grown.workers.delete(name);
    }
  };

  const userOf = (name: string): User => {
    const known = present.get(name) ?? absent.get(name);
    if (known !== undefined) return known;
    const user = newUser();
    absent.set(name, user);
    return user;
  };

  /** The account of accepted work, opened when it is the first. */
  const accountOf = (name: string, worker: string): ShareCounts => {
    const user = userOf(name);
    const account = worker === '' ? user.own : (user.workers.get(worker) ?? open());
    if (worker !== '') {
      user.workers.delete(worker); // a Map keeps the order of insertion
      user.workers.set(worker, account);
    }
    shrink(user);
    return (worker === '' || user.workers.has(worker) ? account : user.own).counts;
  };

  const rejected = (name: string, worker: string): ShareCounts => {
    const user = present.get(name) ?? absent.get(name);
    return user === undefined ? others : (user.workers.get(worker) ?? user.own).counts;
  };

  return {
    count(outcomes) {
      outcomes.forEach((outcome, index) => {
        if (outcome.type === 'ChannelOpened') arrive(outcome.userIdentity);
        else if (outcome.type === 'ChannelClosed') leave(outcome.userIdentity);
        else if (outcome.type === 'ShareAccepted') {
          const { userIdentity, worker, hash, difficulty } = outcome;
          // a block is told of right after the share that it is
          const blockFound = outcomes[index + 1]?.type === 'BlockFound';
          accountOf(userIdentity, worker).accept({ hash, difficulty, blockFound });
        } else if (outcome.type === 'ShareRejected') {
          const { userIdentity, worker, errorCode } = outcome;
          (userIdentity === null ? others : rejected(userIdentity, worker)).reject(errorCode);
        }
      });
    },
    totals: () => ({
      accounts: [...absent, ...present].flatMap(([user, { own, workers }]) =>
        ([['', own], ...workers] as const).map(([worker, { serial, counts }]) => ({
          user,
          worker,
          serial,
          ...counts.totals(),
        })),
      ),
      others: others.totals(),
    }),
  };
};
