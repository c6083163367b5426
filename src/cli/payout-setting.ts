import * as z from 'zod';
import { parsePayoutScript } from '../bitcoin/payout-script.js';
import { spendabilityProblem } from '../bitcoin/spendability.js';
import { Sv2Error } from '../codec/errors.js';
import { trouble, type LogLine } from './log-line.js';

/** An address or a descriptor; comes out as the output script and its networks. */
export function payoutScript() {
  const expected = 'expected an address, or a descriptor such as addr(ADDRESS) or wpkh(PUBLIC KEY IN HEX)';
  return z.string({ error: expected }).transform((value, context) => {
    try {
      return parsePayoutScript(value);
    } catch (error) {
      if (!(error instanceof Sv2Error)) throw error;
      context.issues.push({ code: 'custom', message: `${expected}: ${error.message}`, input: undefined });
      return z.NEVER;
    }
  });
}

/** Warns of a `coinbase_reward_script` that nobody, or everybody, can spend. */
export function payoutWarnings(script: Uint8Array): readonly LogLine[] {
  const problem = spendabilityProblem(script);
  return problem === undefined ? [] : [trouble(`coinbase_reward_script: ${problem}`)];
}
