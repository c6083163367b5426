/** The window of PPLNS, kept up to date: another costs what has changed, and not all that is in it. */
import { reachOf, type SlotWork, type WorkWindow } from './window.js';

/** See {@link slidingWindow}. */
export interface SlidingWindow {
  /** Adds work to that of the same user in the same slot. */
  add(entries: Iterable<SlotWork>): void;
  /** As `windowOver` all that was added and not forgotten. @throws Sv2Error `out-of-range` */
  over(windowWork: bigint): WorkWindow;
  /** Forgets the work of slots before this one. */
  forgetBefore(slot: number): void;
  /** All work that is not forgotten. */
  slots(): Iterable<SlotWork>;
}

interface Slot {
  work: bigint;
  readonly users: Map<string, SlotWork>;
}

/** What a user delivered in the slots that count in full, and in how many of them. */
interface Sum {
  slots: number;
  shares: number;
  work: bigint;
}

/**
 * Keeps what each user delivered in the slots of the last window that count in full. They stay the same for ten minutes, so that
 * a window over 10,000 users and 144 slots takes 10,000 steps instead of 1,440,000.
 */
export const slidingWindow = (): SlidingWindow => {
  const bySlot = new Map<number, Slot>();
  const summed = new Set<number>();
  const sums = new Map<string, Sum>();

  const sumOf = (user: string): Sum => {
    let sum = sums.get(user);
    if (sum === undefined) sums.set(user, (sum = { slots: 0, shares: 0, work: 0n }));
    return sum;
  };

  const takeIn = (slot: number): void => {
    for (const { user, shares, work } of bySlot.get(slot)?.users.values() ?? []) {
      const sum = sumOf(user);
      sum.slots += 1;
      sum.shares += shares;
      sum.work += work;
    }
    summed.add(slot);
  };

  const takeOut = (slot: number): void => {
    for (const { user, shares, work } of bySlot.get(slot)?.users.values() ?? []) {
      const sum = sumOf(user);
      sum.slots -= 1;
      sum.shares -= shares;
      sum.work -= work;
      if (sum.slots === 0) sums.delete(user);
    }
    summed.delete(slot);
  };

  return {
    add(entries) {
      for (const { slot: number, user, shares, work } of entries) {
        let slot = bySlot.get(number);
        if (slot === undefined) bySlot.set(number, (slot = { work: 0n, users: new Map() }));
        const before = slot.users.get(user);
        slot.work += work;
        slot.users.set(user, {
          ...{ slot: number, user },
          shares: shares + (before?.shares ?? 0),
          work: work + (before?.work ?? 0n),
        });
        if (!summed.has(number)) continue;
        const sum = sumOf(user);
        if (before === undefined) sum.slots += 1;
        sum.shares += shares;
        sum.work += work;
      }
    },
    over(windowWork) {
      const totals = [...bySlot].map(([slot, { work }]) => [slot, work] as const);
      const { taken, part } = reachOf(totals, windowWork);
      const oldest = taken.at(-1);
      const whole = new Set(taken.slice(0, -1));
      for (const slot of summed) if (!whole.has(slot)) takeOut(slot);
      for (const slot of whole) if (!summed.has(slot)) takeIn(slot);
      const ofOldest =
        (oldest === undefined ? undefined : bySlot.get(oldest))?.users ?? new Map<string, SlotWork>();
      const scale = part.denominator;
      const contributions = [...new Set([...sums.keys(), ...ofOldest.keys()])].sort().map((user) => {
        const [sum, own] = [sums.get(user), ofOldest.get(user)];
        const [work, old] = [sum?.work ?? 0n, own?.work ?? 0n];
        return {
          user,
          shares: (sum?.shares ?? 0) + (own?.shares ?? 0),
          work: work + old,
          weight: work * scale + old * part.numerator,
        };
      });
      return {
        newestSlot: taken[0] ?? null,
        oldestSlot: oldest ?? null,
        partOfOldest: part,
        ...{ scale, contributions },
      };
    },
    forgetBefore(first) {
      for (const slot of bySlot.keys()) {
        if (slot >= first) continue;
        if (summed.has(slot)) takeOut(slot);
        bySlot.delete(slot);
      }
    },
    *slots() {
      for (const { users } of bySlot.values()) yield* users.values();
    },
  };
};
