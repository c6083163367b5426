/** Work in the order in which it became durable, cut where blocks were paid: what is since a block, though another is lost. */
import type { SlotWork } from './window.js';

/** See {@link roundWork}. */
export interface RoundWork {
  /** Adds work that is after all that was added before. */
  add(entries: Iterable<SlotWork>): void;
  /** Cuts here. @returns the cut's number: 0 while there is no work */
  cut(): number;
  /** Keeps a cut, where a block was paid; others are given up once there are many. */
  keep(cut: number): void;
  /** All work since a cut, or all there is since 0. */
  since(cut: number): SlotWork[];
}

/** Pieces between cuts that nobody keeps: one for each template, and none of so many templates ago is mined. */
const maxPieces = 128;

/** Work by slot and user. */
export type WorkBySlot = Map<string, SlotWork>;

/** Adds work to that of the same user in the same slot. */
const addWork = (work: WorkBySlot, entries: Iterable<SlotWork>): void => {
  for (const entry of entries) {
    const key = `${entry.slot} ${entry.user}`;
    const before = work.get(key);
    work.set(key, {
      ...entry,
      shares: entry.shares + (before?.shares ?? 0),
      work: entry.work + (before?.work ?? 0n),
    });
  }
};

/** The work of rounds that are not settled for good. */
export const roundWork = (): RoundWork => {
  let pieces: { readonly end: number; readonly work: WorkBySlot }[] = [];
  const kept = new Set<number>();
  let open: WorkBySlot = new Map();
  let last = 0;

  /** Joins the oldest two pieces whose cut nobody keeps. */
  const join = (): void => {
    const at = pieces.findIndex(({ end }, index) => index + 1 < pieces.length && !kept.has(end));
    const [first, second] = pieces.slice(at, at + 2);
    if (at === -1 || first === undefined || second === undefined) return;
    const work: WorkBySlot = new Map(first.work);
    addWork(work, second.work.values());
    pieces = [...pieces.slice(0, at), { end: second.end, work }, ...pieces.slice(at + 2)];
  };

  return {
    add: (entries) => {
      addWork(open, entries);
    },
    cut() {
      if (open.size === 0) return last;
      last += 1;
      pieces.push({ end: last, work: open });
      open = new Map();
      if (pieces.length > maxPieces + kept.size) join();
      return last;
    },
    keep(cut) {
      if (cut > 0) kept.add(cut);
    },
    since(cut) {
      const work: WorkBySlot = new Map();
      for (const piece of pieces) if (piece.end > cut) addWork(work, piece.work.values());
      addWork(work, open.values());
      return [...work.values()];
    },
  };
};
