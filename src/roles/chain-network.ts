/** Whether a chain can be one that somebody is paid on. */
import type { AddressNetwork } from '../bitcoin/payout-script.js';
import { difficultyFromTarget, targetFromNbits } from '../bitcoin/target.js';

/** A chain is another than what is paid on it is for. */
export interface NetworkFault {
  /** For programs. */
  readonly code: 'wrong-network';
  /** For people: what the chain is, and what was expected. */
  readonly message: string;
}

/** Only mainnet has been as hard as this: it passed it in 2016, and no test network has come near. */
const mainnetDifficulty = 100_000_000_000;

/**
 * Says whether a chain is another than the payout is for. Templates do not name the chain, but its difficulty shows:
 * mainnet's is never below 1, and that of others far below mainnet's.
 * @param nbits of the chain's next block; U32
 * @param networks those that it may be
 * @throws Sv2Error `invalid-nbits`
 */
export function networkFault(nbits: number, networks: readonly AddressNetwork[]): NetworkFault | undefined {
  const difficulty = difficultyFromTarget(targetFromNbits(nbits));
  const mayBeMainnet = networks.includes('mainnet');
  const isMainnet = difficulty >= mainnetDifficulty;
  const isNotMainnet = difficulty < 0.99; // of 0x1d00ffff, the easiest that mainnet allows, it is 1
  if (!(isMainnet && !mayBeMainnet) && !(isNotMainnet && mayBeMainnet && networks.length === 1))
    return undefined;
  const message = `a tip of difficulty ${difficulty.toPrecision(3)}, which is ${isMainnet ? '' : 'not '}mainnet; expected ${networks.join(' or ')}`;
  return { code: 'wrong-network', message };
}
