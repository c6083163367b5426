/** Numbers from 0 up to 1 by a seed (mulberry32). */
export const randomOf = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** What simulations draw by a seed. */
export interface Dice {
  /** A number from 0 up to 1. */
  random(): number;
  /** A whole number from 0 up to this one. */
  below(count: number): number;
  /** One of them; undefined of none. */
  pick<T>(items: readonly T[]): T | undefined;
  randomBytes(length: number): Uint8Array;
}

/** Draws by a seed. */
export const diceOf = (seed: number): Dice => {
  const random = randomOf(seed);
  const below = (count: number): number => Math.floor(random() * count);
  return {
    random,
    below,
    pick: (items) => items[below(items.length)],
    randomBytes: (length) => Uint8Array.from({ length }, () => below(256)),
  };
};
