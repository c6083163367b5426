/** Whether a chain can be one that somebody is paid on. */
import type { AddressNetwork } from '../bitcoin/payout-script.js';
import { Sv2Error } from '../codec/errors.js';
import { difficultyFromTarget, targetFromNbits } from '../bitcoin/target.js';

/** A chain is another than what is paid on it is for. */
export interface NetworkFault {
  /** For programs. */
  readonly code: 'wrong-network';
  /** For people: what the chain is, and what was expected. */
  readonly message: string;
}

/** Only mainnet is as hard as this: it has been since 2016, and no test network has come near. */
const mainnetDifficulty = 100_000_000_000;

/** Signet's easiest, 0x1e0377ae (Bitcoin Core, chainparams.cpp), less what rounding takes; those of testnets are 1. */
const easiestOfTestnets = 0.99 * difficultyFromTarget(targetFromNbits(0x1e03_77ae));

const difficultyOf = (nbits: number): number | null => {
  try {
    return difficultyFromTarget(targetFromNbits(nbits));
  } catch (error) {
    if (!(error instanceof Sv2Error)) throw error;
    return null;
  }
};

/**
 * The networks that a chain may be of. Templates do not name it, but its difficulty shows: of mainnet it is far above all
 * others', and below the easiest of testnets and signets there is regtest alone. Above that regtest's addresses are good for
 * any that is not mainnet: for chains that are made up for trying things out.
 * @param nbits of the chain's next block; U32
 * @returns none for nbits that no chain has
 */
export function chainNetworks(nbits: number): readonly AddressNetwork[] {
  const difficulty = difficultyOf(nbits);
  if (difficulty === null) return [];
  if (difficulty >= mainnetDifficulty) return ['mainnet'];
  return difficulty < easiestOfTestnets ? ['regtest'] : ['testnet', 'regtest'];
}

/**
 * Says whether a chain is another than the payout is for.
 * @param nbits of the chain's next block; U32
 * @param networks those that it may be
 */
export function networkFault(nbits: number, networks: readonly AddressNetwork[]): NetworkFault | undefined {
  const chain = chainNetworks(nbits);
  if (chain.some((network) => networks.includes(network))) return undefined;
  const difficulty = difficultyOf(nbits);
  const what =
    difficulty === null
      ? 'a tip with nbits that no chain has'
      : `a tip of difficulty ${difficulty.toPrecision(3)}, so that its chain is ${chain.join(' or ')}`;
  return {
    code: 'wrong-network',
    message: `${what}; expected ${networks.join(' or ')}, which the payout is for`,
  };
}
