/**
 * What kinds of miners need, by what they say of themselves in `mining.subscribe`.
 *
 * Bytes of extranonce2: rental services check for 7 or 8, proxies have miners of their own to tell apart, Whatsminer's
 * firmware cannot use more than 8 (stratum-mining/stratum#1861). Difficulties are those below which a rental service takes no
 * pool. Bytes of the coinbase are what firmware was found to cope with by DATUM (OCEAN-xyz/datum_gateway,
 * datum_stratum.c and .h).
 */

/** What a kind of miner needs. */
export interface MinerClass {
  /** Bytes of extranonce2 that it has to have, at least. */
  readonly least: number;
  /** Bytes of extranonce2 that it can use, at most. */
  readonly most: number;
  /** The least difficulty; 0 for any. */
  readonly difficulty: number;
  /** Bytes of the longest coinbase that it can hash, without witness; Infinity if none is known to be too long. */
  readonly coinbase: number;
}

const any: MinerClass = { least: 1, most: 16, difficulty: 0, coinbase: Infinity };

/** The first that matches. What is not here is taken to do with anything. */
const classes: readonly (readonly [RegExp, Partial<MinerClass>])[] = [
  [/nicehash/i, { least: 8, difficulty: 524_288, coinbase: 500 }],
  [/miningrigrentals|\bmrr\b/i, { least: 8, difficulty: 1_000_000 }],
  [/whatsminer|btminer/i, { most: 8, coinbase: 6_500 }],
  // "S21 Pro" was not found to cope with it, hence the slash
  [/^antminer s21\//i, { coinbase: 2_250 }],
  [/^(antminer|bmminer)\b/i, { coinbase: 750 }],
  [/^(powerplay-bm\/|xminer-1\.)/i, { coinbase: 16_384 }],
  [/proxy|ckpool|farm-?proxy|btcagent|stratehm|\bxnsub\b/i, { least: 8 }],
];

/** What coinbases of miners may be at most: all that {@link MinerClass.coinbase} can be. */
export const coinbaseSizes: readonly number[] = [
  ...new Set([any, ...classes.map(([, needs]) => needs)].map(({ coinbase = Infinity }) => coinbase)),
];

/** One that says nothing of itself is, in the field, a rental service's probe (Braiins: 7 bytes or more). */
const silent: MinerClass = { ...any, least: 8 };

/**
 * A miner's class. A pool that serves miners behind `sv1Miners` finds what they say as `firmware` of their SetupConnection.
 * @param userAgent of `mining.subscribe`, null if there was none
 */
export function minerClass(userAgent: string | null): MinerClass {
  if (userAgent === null || userAgent === '') return silent;
  const [, needs] = classes.find(([pattern]) => pattern.test(userAgent)) ?? [];
  return { ...any, ...needs };
}
