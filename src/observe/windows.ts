/** Windows of time: their names, and sums of work over them. */
import { Sv2Error } from '../codec/errors.js';
import { poissonInterval } from './poisson.js';

/** A length of time: a number and `s`, `m`, `h` or `d`, such as `5m`. */
export type WindowName = `${number}${'s' | 'm' | 'h' | 'd'}`;

/** The windows that states have. */
export const defaultWindows = ['1m', '5m', '15m', '1h', '1d'] as const satisfies readonly WindowName[];

/** One of the windows that states have. */
export type DefaultWindow = (typeof defaultWindows)[number];

/** A hash rate as far as accepted work shows it. */
export interface HashRate {
  /** Hashes per second. */
  readonly value: number;
  /** Hashes per second: what is true lies between `low` and `high` in 95 of 100 cases. */
  readonly low: number;
  /** Null while nothing is known: no share, and no difficulty that shares would have. */
  readonly high: number | null;
  /** Seconds that it is the mean of: the window and up to a twelfth more, or as long as there has been anything to see. */
  readonly seconds: number;
}

/** Hash rates by window. */
export type HashRates<W extends WindowName = DefaultWindow> = Readonly<Record<W, HashRate>>;

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Milliseconds of a window.
 * @throws Sv2Error `invalid-window` unless it is a number above 0 and a unit, from 1 s up to 366 days
 */
function windowLength(name: WindowName): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(name) ?? [];
  const length = Number(number) * units[unit as keyof typeof units];
  if (length >= 1_000 && length <= 366 * units.d) return length;
  throw new Sv2Error(
    'invalid-window',
    `'${String(name)}' is no window, expected a number and s, m, h or d, such as 5m`,
    { window: name },
  );
}

/** Pieces that a window is cut into; one more is kept, so that a whole window is always covered. */
const slots = 12;

/** Hashes that a share of difficulty 1 takes in the mean. */
const hashesPerDifficulty = 2 ** 32;

/** The shape that the sums of many share. See {@link workWindows}. */
export interface WorkWindows<W extends WindowName> {
  /** Sums that have seen nothing. @param now milliseconds since when there would have been something to see */
  create(now: number): WorkSums;
  /** Adds a share. @param difficulty what it is credited with */
  add(sums: WorkSums, difficulty: number, now: number): void;
  /** Whether nothing is left in any window, and all of them are over. */
  isIdle(sums: WorkSums, now: number): boolean;
  /** The hash rates. @param difficulty what a share would be credited with: how much the absence of shares says */
  rates(sums: WorkSums, now: number, difficulty: number): HashRates<W>;
}

/** Sums of work: 1.2 KiB for five windows. */
export interface WorkSums {
  readonly since: number;
  /**
   * Allocated with the first share, all in one piece: when the last share came, then of each window the newest slot's number, Σw and Σw²,
   * then of each window Σw and Σw² of the slots before that. What a share adds to stands together: with the rings it was five places
   * of memory and more, each of which takes longer to reach than all that is done there.
   */
  cells: Float64Array | undefined;
}

/** Cells of a window's newest slot: its number, Σw, Σw². */
const newestCells = 3;

/** Sums of work over windows, in bounded memory however many shares there are: each window is a ring of 13 slots. */
export function workWindows<W extends WindowName>(names: readonly W[]): WorkWindows<W> {
  const windows = names.map((name) => ({ name, length: windowLength(name) }));
  const slotLengths = Float64Array.from(windows, ({ length }) => length / slots);
  const longest = Math.max(0, ...windows.map(({ length }) => length)) * (1 + 1 / slots);
  const ring = slots + 1;
  const rings = 1 + newestCells * windows.length;
  const cellCount = rings + 2 * ring * windows.length;
  /** Where a slot of a window that is not its newest has its sums. */
  const inRing = (window: number, slot: number): number => rings + 2 * (ring * window + (slot % ring));

  /** The numbers of the slots of a time: many shares are counted at the same. */
  const present = new Float64Array(windows.length);
  let presentAt = NaN;
  const look = (now: number): void => {
    if (now === presentAt) return;
    presentAt = now;
    for (let window = 0; window < present.length; window++)
      present[window] = Math.floor(now / (slotLengths[window] as number));
  };

  const begun = (): Float64Array => {
    const cells = new Float64Array(cellCount);
    for (let window = 0; window < present.length; window++)
      cells[1 + newestCells * window] = present[window] as number;
    return cells;
  };

  /** The newest slot of a window goes to its ring, and those that nothing was added to are empty there. */
  const close = (cells: Float64Array, window: number, before: number, slot: number): void => {
    const newest = 1 + newestCells * window;
    const at = inRing(window, before);
    cells[at] = cells[newest + 1] as number;
    cells[at + 1] = cells[newest + 2] as number;
    for (let empty = Math.max(before + 1, slot - slots); empty < slot; empty++) {
      const emptied = inRing(window, empty);
      cells[emptied] = 0;
      cells[emptied + 1] = 0;
    }
  };

  return {
    create: (now) => ({ since: now, cells: undefined }),

    add(sums, difficulty, now) {
      look(now);
      const cells = (sums.cells ??= begun());
      cells[0] = now;
      for (let window = 0; window < present.length; window++) {
        const newest = 1 + newestCells * window;
        const slot = present[window] as number;
        const before = cells[newest] as number;
        // a clock that was set back: what it says now belongs to the newest
        if (slot > before) {
          close(cells, window, before, slot);
          cells[newest] = slot;
          cells[newest + 1] = difficulty;
          cells[newest + 2] = difficulty * difficulty;
        } else {
          cells[newest + 1] = (cells[newest + 1] as number) + difficulty;
          cells[newest + 2] = (cells[newest + 2] as number) + difficulty * difficulty;
        }
      }
    },

    isIdle: ({ since, cells }, now) => Math.max(cells?.[0] ?? since, since) < now - longest,

    rates({ since, cells }, now, difficulty) {
      const rates: Partial<Record<W, HashRate>> = {};
      for (const [window, { name }] of windows.entries()) {
        const slotLength = slotLengths[window] as number;
        const at = 1 + newestCells * window;
        const last = cells?.[at] ?? -Infinity;
        const newest = Math.max(Math.floor(now / slotLength), last);
        let work = 0;
        let squares = 0;
        if (cells !== undefined && last >= newest - slots) {
          work = cells[at + 1] as number;
          squares = cells[at + 2] as number;
          for (let slot = newest - slots; slot < last; slot++) {
            if (slot < 0) continue;
            work += cells[inRing(window, slot)] as number;
            squares += cells[inRing(window, slot) + 1] as number;
          }
        }
        const from = Math.max(since, (newest - slots) * slotLength);
        rates[name] = rateOf(work, squares, Math.max(1, (now - from) / 1_000), difficulty);
      }
      return rates as HashRates<W>;
    },
  };
}

/** A rate from Σw and Σw² over so many seconds. */
function rateOf(work: number, squares: number, seconds: number, difficulty: number): HashRate {
  const scale = hashesPerDifficulty / seconds;
  const count = work > 0 ? (work * work) / squares : 0;
  const each = work > 0 ? squares / work : difficulty;
  const [low, high] = poissonInterval(count);
  return {
    value: work * scale,
    low: low * each * scale,
    high: each > 0 ? high * each * scale : null,
    seconds,
  };
}
