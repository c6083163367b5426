/**
 * What kinds of miners need, by what they say of themselves in `mining.subscribe`. Bytes of extranonce2: rental services
 * check for 7 or 8, proxies have miners of their own to tell apart, Whatsminer's firmware cannot use more than 8
 * (stratum-mining/stratum#1861). Difficulties are those below which a rental service takes no pool.
 */

/** What a kind of miner needs. */
export interface MinerClass {
  /** Bytes of extranonce2 that it has to have, at least. */
  readonly least: number;
  /** Bytes of extranonce2 that it can use, at most. */
  readonly most: number;
  /** The least difficulty; 0 for any. */
  readonly difficulty: number;
}

const classes: readonly (readonly [RegExp, MinerClass])[] = [
  [/nicehash/i, { least: 8, most: 16, difficulty: 524_288 }],
  [/miningrigrentals|\bmrr\b/i, { least: 8, most: 16, difficulty: 1_000_000 }],
  [/whatsminer|btminer/i, { least: 1, most: 8, difficulty: 0 }],
  [/proxy|ckpool|farm-?proxy|btcagent|stratehm|\bxnsub\b/i, { least: 8, most: 16, difficulty: 0 }],
];

/** One that says nothing of itself is, in the field, a rental service's probe (Braiins: 7 bytes or more). */
const silent: MinerClass = { least: 8, most: 16, difficulty: 0 };

/** @param userAgent of `mining.subscribe`, null if there was none */
export const minerClass = (userAgent: string | null): MinerClass =>
  userAgent === null || userAgent === ''
    ? silent
    : (classes.find(([pattern]) => pattern.test(userAgent))?.[1] ?? { least: 1, most: 16, difficulty: 0 });
