/** Who is due what of the last template's blocks, worked out once for coinbases of all sizes. */
import { divideBlock, type BlockDivision, type DistributionRules } from '../../ledger/distribution.js';
import type { SharedWork } from '../../ledger/payout-plan.js';

/**
 * Remembers one division: a template's sizes are asked for together, and 10,000 amounts are not kept for more.
 * @returns a function of what a template leaves in satoshis, of work, and of what payees are owed by output script in hex; the
 *   two are compared by identity. It throws as `divideBlock`
 */
export const templateDivision = (
  rules: DistributionRules,
): ((value: bigint, shared: SharedWork, balances: ReadonlyMap<string, bigint>) => BlockDivision) => {
  let last: [bigint, SharedWork, ReadonlyMap<string, bigint>, BlockDivision] | undefined;
  return (value, shared, balances) => {
    if (last?.[0] !== value || last[1] !== shared || last[2] !== balances)
      last = [value, shared, balances, divideBlock(value, shared.weights, balances, rules)];
    return last[3];
  };
};
