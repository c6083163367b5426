/** The transactions of a declared job that a declarator asks for. */
import { counted } from '../codec/counted.js';
import { Sv2Error } from '../codec/errors.js';

/**
 * Those at the positions that were asked for, in that order.
 * @throws Sv2Error `invalid-request` for positions beyond them, or more than there are: an honest declarator asks for each once
 */
export const askedTransactions = (
  transactions: readonly Uint8Array[],
  positions: readonly number[],
): readonly Uint8Array[] => {
  const isTooMany = positions.length > transactions.length;
  const beyond = positions.find((position) => position >= transactions.length);
  if (isTooMany || beyond !== undefined) {
    const got = isTooMany ? 'more positions than there are' : `position ${beyond}`;
    const known = counted(transactions.length, 'transaction');
    throw new Sv2Error('invalid-request', `the declarator asked for ${got} of ${known}`);
  }
  return positions.map((position) => transactions[position] as Uint8Array);
};
