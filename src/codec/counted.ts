/** Numbers of things, for messages that people read. */

/** A number of things: `1 share`, `2 shares`. @param what one of them, whose plural takes an s */
export const counted = (count: number | bigint, what: string): string =>
  `${count} ${what}${count === 1 || count === 1n ? '' : 's'}`;
