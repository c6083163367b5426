/** How things were: a day by the minute, a quarter of a year by ten minutes. */

/** A series of values in time. */
export interface Series {
  /** When the first value is of, in milliseconds since 1970, and milliseconds from each to the next. */
  readonly from: number;
  readonly step: number;
  /** The mean of each slot; null where nothing was seen. */
  readonly values: readonly (number | null)[];
}

/** Slots of one length. */
export interface Resolution {
  /** Milliseconds of a slot. */
  readonly step: number;
  /** How many there are. */
  readonly slots: number;
}

/** A minute for a day, ten minutes for 90 days: 14,400 slots, 16 bytes each for every value: 230 KB. */
export const defaultResolutions: readonly [Resolution, Resolution] = [
  { step: 60_000, slots: 1_440 },
  { step: 600_000, slots: 12_960 },
];

/** One slot, with what it takes to go on with it. */
export interface HistorySlot {
  /** Milliseconds of the slot, and how many of them there were before it since 1970. */
  readonly step: number;
  readonly slot: number;
  /** In the order of the names: how often it was seen, and its mean, which is 0 when that is never. */
  readonly values: readonly { readonly count: number; readonly mean: number }[];
}

/** How things were. See {@link history}. */
export interface History<K extends string> {
  /** Takes note of how things are. @param now milliseconds since 1970; one before the last counts for the last */
  note(sample: Readonly<Record<K, number>>, now: number): void;
  /**
   * How a value was: by the shortest slots that reach as far back.
   * @param since milliseconds since 1970; what is longer ago than is kept is left out
   */
  series(name: K, since: number, now: number): Series;
  /** All that there is to keep over a restart, as plain data. */
  save(): SavedHistory;
  /**
   * Slots in which something was seen, of each resolution the oldest first.
   * @param since milliseconds since 1970: those that ended before are left out
   */
  slots(since: number): readonly HistorySlot[];
  /** Adds what was seen before, by another history with the same names; what is older than is kept is left out. */
  add(slots: readonly HistorySlot[]): void;
}

/** A history as plain data; what is of other resolutions or names is not read again. */
export interface SavedHistory {
  readonly version: 1;
  readonly rings: readonly {
    readonly step: number;
    readonly newest: number;
    readonly values: Readonly<Record<string, readonly (number | null)[]>>;
  }[];
}

interface Ring extends Resolution {
  /** The number of the newest slot; -1 before the first. */
  newest: number;
  readonly sums: Readonly<Record<string, Float64Array>>;
  readonly counts: Readonly<Record<string, Float64Array>>;
}

/**
 * Keeps how things were in memory that does not grow: for each value and slot its mean.
 * @param names of the values
 */
export function history<const K extends string>(
  names: readonly K[],
  resolutions: readonly Resolution[] = defaultResolutions,
  saved?: SavedHistory,
): History<K> {
  const rings: readonly Ring[] = resolutions.map(({ step, slots }) => ({
    ...{ step, slots, newest: -1 },
    sums: Object.fromEntries(names.map((name) => [name, new Float64Array(slots)])),
    counts: Object.fromEntries(names.map((name) => [name, new Float64Array(slots)])),
  }));

  const moveTo = (ring: Ring, slot: number): void => {
    const { slots, counts, sums } = ring;
    for (let cleared = Math.max(ring.newest + 1, slot - slots + 1); cleared <= slot; cleared++) {
      for (const name of names) {
        (counts[name] as Float64Array)[cleared % slots] = 0;
        (sums[name] as Float64Array)[cleared % slots] = 0;
      }
    }
    ring.newest = Math.max(ring.newest, slot);
  };

  const valueAt = ({ newest, slots, counts, sums }: Ring, name: K, slot: number): number | null => {
    const count =
      slot > newest || slot <= newest - slots || slot < 0
        ? 0
        : ((counts[name] as Float64Array)[slot % slots] as number);
    return count === 0 ? null : ((sums[name] as Float64Array)[slot % slots] as number) / count;
  };

  const valuesOf = (ring: Ring, name: K, first: number, last: number): (number | null)[] =>
    Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => valueAt(ring, name, first + index));

  for (const { step, newest, values } of saved?.version === 1 ? saved.rings : []) {
    const ring = rings.find((each) => each.step === step);
    if (ring === undefined || !Number.isSafeInteger(newest) || newest < 0) continue;
    moveTo(ring, newest);
    for (const name of names) {
      const all = Object.hasOwn(values, name) ? (values[name] ?? []) : [];
      for (const [back, value] of [...all].reverse().entries()) {
        const slot = newest - back;
        if (back >= ring.slots || slot < 0 || typeof value !== 'number' || !Number.isFinite(value)) continue;
        (ring.counts[name] as Float64Array)[slot % ring.slots] = 1;
        (ring.sums[name] as Float64Array)[slot % ring.slots] = value;
      }
    }
  }

  return {
    note(sample, now) {
      for (const ring of rings) {
        const slot = Math.max(Math.floor(now / ring.step), ring.newest);
        moveTo(ring, slot);
        const at = slot % ring.slots;
        for (const name of names) {
          if (!Number.isFinite(sample[name])) continue;
          const [counts, sums] = [ring.counts[name] as Float64Array, ring.sums[name] as Float64Array];
          counts[at] = (counts[at] as number) + 1;
          sums[at] = (sums[at] as number) + sample[name];
        }
      }
    },
    series(name, since, now) {
      // whoever asks for a day has read the clock a moment before
      const ring = rings.find(({ step, slots }) => since > now - step * (slots + 1)) ?? rings.at(-1);
      if (ring === undefined) return { from: since, step: 0, values: [] };
      const last = Math.floor(now / ring.step);
      const first = Math.max(Math.ceil(since / ring.step), last - ring.slots + 1, 0);
      return { from: first * ring.step, step: ring.step, values: valuesOf(ring, name, first, last) };
    },
    slots: (since) =>
      rings.flatMap(({ step, newest, slots, sums, counts }) => {
        const first = Math.max(newest - slots + 1, Math.floor(since / step), 0);
        return Array.from({ length: Math.max(0, newest - first + 1) }, (_, index) => {
          const at = (first + index) % slots;
          const values = names.map((name) => {
            const count = (counts[name] as Float64Array)[at] as number;
            return { count, mean: count === 0 ? 0 : ((sums[name] as Float64Array)[at] as number) / count };
          });
          return { step, slot: first + index, values };
        }).filter(({ values }) => values.some(({ count }) => count > 0));
      }),
    add(added) {
      for (const { step, slot, values } of added) {
        const ring = rings.find((each) => each.step === step);
        if (ring === undefined || slot <= ring.newest - ring.slots) continue;
        moveTo(ring, slot);
        const at = slot % ring.slots;
        for (const [place, name] of names.entries()) {
          const { count, mean } = values[place] ?? { count: 0, mean: 0 };
          if (count === 0 || !Number.isFinite(mean)) continue;
          const [counts, sums] = [ring.counts[name] as Float64Array, ring.sums[name] as Float64Array];
          counts[at] = (counts[at] as number) + count;
          sums[at] = (sums[at] as number) + mean * count;
        }
      }
    },
    save: () => ({
      version: 1,
      rings: rings.map((ring) => ({
        step: ring.step,
        newest: ring.newest,
        values: Object.fromEntries(
          names.map((name) => [
            name,
            valuesOf(ring, name, Math.max(0, ring.newest - ring.slots + 1), ring.newest),
          ]),
        ),
      })),
    }),
  };
}
