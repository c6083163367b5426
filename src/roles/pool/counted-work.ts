/** Which work the next shared block is for: the last of all there is, or what was done since the block before. */
import { sharedWindow, type FrozenPayout, type PayoutPlan } from '../../ledger/payout-plan.js';
import type { Receipt } from '../../ledger/receipts.js';
import { roundWork } from '../../ledger/round-work.js';
import { slidingWindow } from '../../ledger/sliding-window.js';
import type { StoredBlock } from '../../ledger/store.js';
import {
  oldestSlotOf,
  windowOver,
  windowsKept,
  type SlotWork,
  type WorkWindow,
} from '../../ledger/window.js';
import { endsRound, receiptOf, type PayoutHistory } from './payout-history.js';

/** The work that counts now. */
export interface Counted {
  /** Which of it counts: the last of so many hashes, all for null. What no window will reach back to is forgotten. */
  window(windowWork: bigint | null): WorkWindow;
  /** It is that of the records after these. */
  readonly since: readonly Receipt[];
  /** Takes note of what was settled by it. */
  settledBy(payout: FrozenPayout): void;
}

/** See {@link countedWork}. */
export interface CountedWork {
  add(entries: readonly SlotWork[]): void;
  /** What counts for a block on top of these. */
  now(blocks: readonly StoredBlock[]): Counted;
  /** A block was found by a payout that was settled. */
  found(hash: string, payout: FrozenPayout): void;
}

/**
 * Keeps the work of a plan's window, or that of rounds.
 * @param isShared whether a user's work is shared out: it is not when it is paid for its own blocks alone
 */
export const countedWork = (
  { mode }: Pick<PayoutPlan, 'mode'>,
  history: PayoutHistory,
  isShared: (user: string) => boolean,
): CountedWork =>
  mode === 'proportional' ? workOfRounds(history, isShared) : workOfWindow(history, isShared);

const workOfWindow = ({ slots: before }: PayoutHistory, isShared: (user: string) => boolean): CountedWork => {
  const work = slidingWindow();
  let cleared: number | null = null;

  /** Forgets what no window will reach back to. Once in a slot: it takes a look at all there is. */
  const forget = (windowWork: bigint, { newestSlot }: WorkWindow): void => {
    if (newestSlot === null || newestSlot === cleared) return;
    cleared = newestSlot;
    const oldest = oldestSlotOf(work.slots(), windowsKept * windowWork, () => true);
    if (oldest !== null) work.forgetBefore(oldest);
  };

  const add = (entries: readonly SlotWork[]): void => work.add(entries.filter(({ user }) => isShared(user)));
  add(before);
  return {
    add,
    now: () => ({
      window(windowWork) {
        if (windowWork === null) return windowOver(work.slots(), null);
        const window = work.over(windowWork);
        forget(windowWork, window);
        return window;
      },
      since: [],
      settledBy: () => undefined,
    }),
    found: () => undefined,
  };
};

const workOfRounds = (
  { rounds, roundsSince }: PayoutHistory,
  isShared: (user: string) => boolean,
): CountedWork => {
  const work = roundWork();
  /** Where the rounds of blocks ended. */
  const ends = new Map<string, number>();
  const endOf = (block: StoredBlock | undefined): number => ends.get(block?.hash ?? '') ?? 0;
  /** Where what was settled ended. */
  const settledAt = new WeakMap<FrozenPayout, number>();
  for (const { hash, slots } of rounds) {
    work.add(slots);
    if (hash === null) continue;
    const cut = work.cut();
    work.keep(cut);
    ends.set(hash, cut);
  }
  return {
    add: (entries) => {
      work.add(entries);
    },
    now(blocks) {
      const cut = work.cut();
      let last: StoredBlock | undefined;
      for (const block of blocks)
        if (endsRound(block) && endOf(block) > 0 && endOf(block) >= endOf(last)) last = block;
      return {
        window: (windowWork) =>
          sharedWindow(work.since(endOf(last)), windowWork, (user) => (isShared(user) ? [] : null)),
        since: last?.statement?.until.map(receiptOf) ?? roundsSince,
        settledBy: (payout) => settledAt.set(payout, cut),
      };
    },
    found(hash, payout) {
      const cut = settledAt.get(payout);
      if (cut === undefined) return; // one of its finder's alone
      work.keep(cut);
      ends.set(hash, cut);
    },
  };
};
