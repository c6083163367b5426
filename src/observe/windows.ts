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

/** Sums of work: 1 KiB for five windows. */
export interface WorkSums {
  readonly since: number;
  lastAt: number;
  /** Allocated with the first share: of each slot of each window Σw and Σw². */
  slots: Float64Array | undefined;
  /** Of each window, the number of the newest slot. */
  newest: Float64Array | undefined;
}

/** Sums of work over windows, in bounded memory however many shares there are: each window is a ring of 13 slots. */
export function workWindows<W extends WindowName>(names: readonly W[]): WorkWindows<W> {
  const windows = names.map((name) => ({ name, length: windowLength(name) }));
  const slotLengths = windows.map(({ length }) => length / slots);
  const longest = Math.max(0, ...windows.map(({ length }) => length)) * (1 + 1 / slots);
  const ring = slots + 1;

  return {
    create: (now) => ({ since: now, lastAt: -Infinity, slots: undefined, newest: undefined }),

    add(sums, difficulty, now) {
      const values = (sums.slots ??= new Float64Array(windows.length * ring * 2));
      const newest = (sums.newest ??= new Float64Array(windows.length));
      sums.lastAt = now;
      for (let window = 0; window < slotLengths.length; window++) {
        const slot = Math.floor(now / (slotLengths[window] as number));
        const before = newest[window] as number;
        const base = window * ring;
        if (slot > before) {
          const first = Math.max(before + 1, slot - slots);
          for (let cleared = first; cleared <= slot; cleared++) {
            const at = (base + (cleared % ring)) * 2;
            values[at] = 0;
            values[at + 1] = 0;
          }
          newest[window] = slot;
        }
        // a clock that was set back: what it says now belongs to the newest
        const at = (base + ((slot > before ? slot : before) % ring)) * 2;
        values[at] = (values[at] as number) + difficulty;
        values[at + 1] = (values[at + 1] as number) + difficulty * difficulty;
      }
    },

    isIdle: (sums, now) => Math.max(sums.lastAt, sums.since) < now - longest,

    rates(sums, now, difficulty) {
      const rates: Partial<Record<W, HashRate>> = {};
      for (const [window, { name }] of windows.entries()) {
        const slotLength = slotLengths[window] as number;
        const newest = Math.max(Math.floor(now / slotLength), sums.newest?.[window] ?? -Infinity);
        let work = 0;
        let squares = 0;
        if (sums.slots !== undefined) {
          const last = sums.newest?.[window] as number;
          for (let slot = newest - slots; slot <= last; slot++) {
            if (slot < last - slots) continue;
            const at = (window * ring + (((slot % ring) + ring) % ring)) * 2;
            work += sums.slots[at] as number;
            squares += sums.slots[at + 1] as number;
          }
        }
        const from = Math.max(sums.since, (newest - slots) * slotLength);
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
