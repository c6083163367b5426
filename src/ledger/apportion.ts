/** Divides an amount by weights so that nothing is lost. */
import { Sv2Error } from '../codec/errors.js';

/**
 * Divides an amount by weights, exactly: to each `amount × weight / sum` rounded down, then one satoshi each to those
 * with the largest remainders, and of equal ones to the first by key (UTF-16 order). What comes out does not depend on
 * the order in which they are given.
 * @param amount satoshis, 0 or more
 * @param weights by key, 0 or more each; their sum above 0 unless the amount is 0
 * @returns by key, for each that was given; the sum is the amount
 * @throws Sv2Error `out-of-range` for something negative, or when there is an amount and no weight
 */
export const apportion = (amount: bigint, weights: ReadonlyMap<string, bigint>): Map<string, bigint> => {
  let sum = 0n;
  for (const [key, weight] of weights) {
    if (weight < 0n)
      throw new Sv2Error('out-of-range', `a weight must be 0 or more, got ${weight}`, { key, weight });
    sum += weight;
  }
  if (amount < 0n)
    throw new Sv2Error('out-of-range', `an amount must be 0 or more, got ${amount}`, { amount });
  if (amount > 0n && sum === 0n)
    throw new Sv2Error('out-of-range', `${amount} satoshis can't be divided: there is no weight`, { amount });
  const parts = new Map<string, bigint>();
  const remainders: { readonly key: string; readonly remainder: bigint }[] = [];
  let left = amount;
  for (const [key, weight] of weights) {
    const part = sum === 0n ? 0n : (amount * weight) / sum;
    parts.set(key, part);
    left -= part;
    if (weight > 0n) remainders.push({ key, remainder: (amount * weight) % sum });
  }
  remainders.sort((one, other) =>
    one.remainder !== other.remainder
      ? one.remainder > other.remainder
        ? -1
        : 1
      : one.key < other.key
        ? -1
        : 1,
  );
  for (const { key } of remainders) {
    if (left === 0n) break;
    parts.set(key, (parts.get(key) ?? 0n) + 1n);
    left -= 1n;
  }
  if (left !== 0n) throw new Error(`dividing ${amount} satoshis left ${left}`);
  return parts;
};
