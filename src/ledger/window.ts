/** Which work a payout is for: records gathered into slots of time, and the windows over them. */
import { Sv2Error } from '../codec/errors.js';
import { fraction, type Fraction } from './fraction.js';
import { creditedWork, type LedgerRecord } from './record.js';

/** How long a slot is, in milliseconds: records within one are of one age, whatever order they came in. */
export const SLOT_LENGTH = 600_000;

/** What a user delivered within one slot. */
export interface SlotWork {
  /** Slots since 1970. */
  readonly slot: number;
  readonly user: string;
  /** Shares with any credit. */
  readonly shares: number;
  /** Hashes. */
  readonly work: bigint;
}

/** What each user delivered within a window. */
export interface Contribution {
  readonly user: string;
  readonly shares: number;
  /** Hashes, those of the oldest slot in full. */
  readonly work: bigint;
  /** What counts, in parts of a hash: see {@link WorkWindow.scale}. */
  readonly weight: bigint;
}

/** The work that a payout is for. */
export interface WorkWindow {
  /** The slots that it reaches over, both included; null when there is no work at all. */
  readonly newestSlot: number | null;
  readonly oldestSlot: number | null;
  /** The part of the oldest slot's work that counts: above 0, at most 1. */
  readonly partOfOldest: Fraction;
  /** Weights are work times this, so that they are whole. */
  readonly scale: bigint;
  /** By user, in UTF-16 order. */
  readonly contributions: readonly Contribution[];
}

/** The slot that a time falls into. @param time milliseconds since 1970 */
export const slotOf = (time: number): number => Math.floor(time / SLOT_LENGTH);

/** The work of records, by slot and user. Records that credit nothing are left out. */
export const slotsOf = (records: Iterable<LedgerRecord>): SlotWork[] => {
  const slots = new Map<number, Map<string, SlotWork>>();
  for (const record of records) {
    if (record.type !== 'share') continue;
    const work = creditedWork(record);
    if (work === 0n) continue;
    const { user, time } = record;
    const slot = slotOf(time);
    let users = slots.get(slot);
    if (users === undefined) slots.set(slot, (users = new Map<string, SlotWork>()));
    const before = users.get(user);
    users.set(user, { slot, user, shares: (before?.shares ?? 0) + 1, work: (before?.work ?? 0n) + work });
  }
  return [...slots.values()].flatMap((users) => [...users.values()]);
};

/** How far back a window reaches. */
export interface WindowReach {
  /** The slots that count, the newest first. */
  readonly taken: readonly number[];
  /** The part of the oldest's work that does. */
  readonly part: Fraction;
}

/**
 * How far back a window reaches: see {@link windowOver}.
 * @param totals the work of each slot, in any order
 * @throws Sv2Error `out-of-range`
 */
export const reachOf = (
  totals: readonly (readonly [slot: number, work: bigint])[],
  windowWork: bigint | null,
): WindowReach => {
  if (windowWork !== null && windowWork <= 0n)
    throw new Sv2Error('out-of-range', `a window must be above 0 hashes, got ${windowWork}`, { windowWork });
  const taken: number[] = [];
  let total = 0n;
  for (const [slot, work] of [...totals].sort(([one], [other]) => other - one)) {
    if (work === 0n) continue;
    taken.push(slot);
    if (windowWork !== null && total + work >= windowWork)
      return { taken, part: fraction(windowWork - total, work) };
    total += work;
  }
  return { taken, part: fraction(1n) };
};

/**
 * The last `windowWork` hashes, whole slots at a time from the newest; of the oldest slot that is needed for it every
 * user's work counts for the same part. While there is less, all there is.
 * @param slots in any order, any number of entries for a slot and user
 * @param windowWork hashes, above 0; all work, however much, when it is null
 * @throws Sv2Error `out-of-range`
 */
export const windowOver = (slots: Iterable<SlotWork>, windowWork: bigint | null): WorkWindow => {
  const bySlot = new Map<number, SlotWork[]>();
  for (const entry of slots) {
    if (entry.work < 0n) throw new Sv2Error('out-of-range', `work must be 0 or more, got ${entry.work}`);
    const own = bySlot.get(entry.slot);
    if (own === undefined) bySlot.set(entry.slot, [entry]);
    else own.push(entry);
  }
  const totals = [...bySlot].map(
    ([slot, entries]) => [slot, entries.reduce((sum, { work }) => sum + work, 0n)] as const,
  );
  const { taken, part } = reachOf(totals, windowWork);
  const oldest = taken.at(-1);
  const scale = part.denominator;
  const contributions = new Map<string, Contribution>();
  for (const slot of taken) {
    const factor = slot === oldest ? part.numerator : scale;
    for (const { user, shares, work } of bySlot.get(slot) ?? []) {
      const before = contributions.get(user);
      contributions.set(user, {
        user,
        shares: (before?.shares ?? 0) + shares,
        work: (before?.work ?? 0n) + work,
        weight: (before?.weight ?? 0n) + work * factor,
      });
    }
  }
  return {
    newestSlot: taken[0] ?? null,
    oldestSlot: oldest ?? null,
    partOfOldest: part,
    scale,
    contributions: [...contributions.values()].sort((one, other) => (one.user < other.user ? -1 : 1)),
  };
};

/**
 * How many windows of work are kept: with each retarget a block, and so the window, takes four times as much at most, and the
 * next one is two weeks later.
 */
export const windowsKept = 4n;

/**
 * The oldest slot that is needed for so much work, whole slots at a time from the newest.
 * @param slots in any order, any number of entries for a slot and user
 * @param work hashes
 * @param counts whether a user's work does
 * @returns null while there is less
 */
export const oldestSlotOf = (
  slots: Iterable<SlotWork>,
  work: bigint,
  counts: (user: string) => boolean,
): number | null => {
  const bySlot = new Map<number, bigint>();
  for (const entry of slots)
    if (counts(entry.user)) bySlot.set(entry.slot, (bySlot.get(entry.slot) ?? 0n) + entry.work);
  let sum = 0n;
  for (const slot of [...bySlot.keys()].sort((one, other) => other - one)) {
    sum += bySlot.get(slot) ?? 0n;
    if (sum >= work) return slot;
  }
  return null;
};

/**
 * What a window of PPLNS is: a multiple of what a block takes, rounded down.
 * @param multiple above 0
 * @param networkWork hashes
 */
export const pplnsWindow = ({ numerator, denominator }: Fraction, networkWork: bigint): bigint => {
  const work = (networkWork * numerator) / denominator;
  return work < 1n ? 1n : work;
};
