import * as z from 'zod';
import { parsePayoutScript, type AddressNetwork } from '../bitcoin/payout-script.js';
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

/**
 * What the chain may be that an address is paid on: any for a mainnet address, which is let be on the chains that are
 * made up for trying things out.
 * @param networks of the address; null for a script that is of none
 * @returns undefined for any
 */
export const chainsOf = (
  networks: readonly AddressNetwork[] | null,
): readonly AddressNetwork[] | undefined =>
  networks === null || networks.includes('mainnet') ? undefined : networks;

/** Warns of a `coinbase_reward_script` that nobody, or everybody, can spend. */
export function payoutWarnings(script: Uint8Array): readonly LogLine[] {
  const problem = spendabilityProblem(script);
  return problem === undefined ? [] : [trouble(`coinbase_reward_script: ${problem}`)];
}
