/** What a block pays whose coinbase its miner made (job declaration): earned by the rules, and paid as the coinbase has it. */
import type { TxOut } from '../bitcoin/outputs.js';
import { bytesToHex } from '../codec/hex.js';
import { Sv2Error } from '../codec/errors.js';
import { earnedOf, requireExact, sumOf, type Distribution, type DistributionRules } from './distribution.js';

/**
 * The payments of a block whose outputs are there already. What somebody has earned and was not paid is owed, and what
 * somebody was paid and has not earned was paid ahead: the next blocks that are paid by `distribute` make up for it.
 *
 * @param outputs of the coinbase; their sum is the block's value
 * @param weights by output script in hex, 0 or more
 * @param balances what payees are owed, by output script in hex; their sum must be 0
 * @throws Sv2Error `out-of-range`
 */
export const distributedAsPaid = (
  outputs: readonly TxOut[],
  weights: ReadonlyMap<string, bigint>,
  balances: ReadonlyMap<string, bigint>,
  rules: DistributionRules,
): Distribution => {
  const owed = sumOf(balances.values());
  if (owed !== 0n) throw new Sv2Error('out-of-range', `balances must sum to 0, got ${owed}`, { owed });
  const own = outputs.filter(({ value }) => value > 0n);
  const paid = new Map<string, bigint>();
  for (const { scriptPubKey, value } of own) {
    const script = bytesToHex(scriptPubKey);
    paid.set(script, (paid.get(script) ?? 0n) + value);
  }
  const value = sumOf(paid.values());
  const earned = earnedOf(value, weights, rules);
  const scripts = [...new Set([...earned.keys(), ...paid.keys(), ...balances.keys()])].sort();
  const payments = scripts.map((script) => {
    const before = balances.get(script) ?? 0n;
    const payment = { script, earned: earned.get(script) ?? 0n, before, paid: paid.get(script) ?? 0n };
    return { ...payment, after: before + payment.earned - payment.paid };
  });
  requireExact(value, payments);
  return { value, payments, outputs: own };
};
