/** Upkeep over all channels in slices, so that however many there are, nobody waits for it. */

/** How often every channel has its turn, in milliseconds. */
const CYCLE = 5_000;
/** Channels in the largest slice: at 2 µs each, a millisecond, which is how long shares wait for it. */
const LARGEST = 500;
/** Channels that have their turn in a millisecond: 500 if called every 250 ms, 100 if every 50 ms. */
const PACE = 2;

/** Some of the items. */
export interface Slice<T> {
  readonly items: readonly T[];
  /** Whether there are no more. */
  readonly isLast: boolean;
}

/**
 * The next items.
 * @param rest what they are taken from: an iterator that notices what is removed
 * @param most how many of them
 */
export const nextSlice = <T>(rest: Iterator<T>, most = LARGEST): Slice<T> => {
  const items: T[] = [];
  while (items.length < most) {
    const next = rest.next();
    if (next.done === true) return { items, isLast: true };
    items.push(next.value);
  }
  return { items, isLast: false };
};

/**
 * How many items have their turn at a time, by how long ago the last turn was: work that is called for more often is cut smaller.
 * @returns a function of the time in milliseconds, which says 1 to 500; the first time, and after a clock was set back, 500
 */
export const pace = (): ((now: number) => number) => {
  let before = Infinity;
  return (now) => {
    const passed = now - before;
    before = now;
    return passed < 0 ? LARGEST : Math.min(Math.max(Math.ceil(PACE * passed), 1), LARGEST);
  };
};

/**
 * What is due now. Every 5 s a cycle begins in which each item has its turn, two for each millisecond since the last call and up to 500 in
 * one, so that 10,000 items take 5 s, and more take longer. Items that come or go during a cycle may have their turn in it or not.
 * @param all the items, live: an iterator that notices what is removed
 * @returns a function of the time in milliseconds since 1970
 */
export const slices = <T>(all: () => Iterator<T>): ((now: number) => readonly T[]) => {
  const most = pace();
  let rest: Iterator<T> | undefined;
  let cycle: number | undefined;
  return (now) => {
    const present = Math.floor(now / CYCLE);
    cycle ??= present;
    if (rest === undefined && present !== cycle) {
      cycle = present;
      rest = all();
    }
    const count = most(now);
    if (rest === undefined) return [];
    const { items, isLast } = nextSlice(rest, count);
    if (isLast) rest = undefined;
    return items;
  };
};

/**
 * All items in turns: two for each millisecond since the last call, up to 500 in one, and after the last the first again.
 * @param all as for {@link slices}
 */
export const turns = <T>(all: () => Iterator<T>): ((now: number) => readonly T[]) => {
  const most = pace();
  let rest: Iterator<T> | undefined;
  return (now) => {
    const { items, isLast } = nextSlice((rest ??= all()), most(now));
    if (isLast) rest = undefined;
    return items;
  };
};
