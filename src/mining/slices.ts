/** Upkeep over all channels in slices, so that however many there are, nobody waits for it. */

/** How often every channel has its turn, in milliseconds. */
const CYCLE = 5_000;
/** Channels in a slice: at 2 µs each, a millisecond. */
const SLICE = 500;

/**
 * The next items, up to 500.
 * @param rest what they are taken from: an iterator that notices what is removed
 * @returns fewer than 500 only if there are no more
 */
export const nextSlice = <T>(rest: Iterator<T>): readonly T[] => {
  const slice: T[] = [];
  while (slice.length < SLICE) {
    const next = rest.next();
    if (next.done === true) break;
    slice.push(next.value);
  }
  return slice;
};

/** Whether a slice was the last. */
export const isLastSlice = (slice: readonly unknown[]): boolean => slice.length < SLICE;

/**
 * What is due now. Every 5 s a cycle begins in which each item has its turn, up to 500 in a call; called every 250 ms it takes 5 s for
 * 10,000 items, and longer for more. Items that come or go during a cycle may have their turn in it or not.
 * @param all the items, live: an iterator that notices what is removed
 * @returns a function of the time in milliseconds since 1970
 */
export const slices = <T>(all: () => Iterator<T>): ((now: number) => readonly T[]) => {
  let rest: Iterator<T> | undefined;
  let cycle: number | undefined;
  return (now) => {
    const present = Math.floor(now / CYCLE);
    cycle ??= present;
    if (rest === undefined && present !== cycle) {
      cycle = present;
      rest = all();
    }
    if (rest === undefined) return [];
    const slice = nextSlice(rest);
    if (isLastSlice(slice)) rest = undefined;
    return slice;
  };
};

/**
 * All items in turns: up to 500 a call, and after the last the first again.
 * @param all as for {@link slices}
 */
export const turns = <T>(all: () => Iterator<T>): (() => readonly T[]) => {
  let rest: Iterator<T> | undefined;
  return () => {
    const slice = nextSlice((rest ??= all()));
    if (isLastSlice(slice)) rest = undefined;
    return slice;
  };
};
