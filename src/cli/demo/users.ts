/** The demo's miners as the pool's users: each with an address of its own, whose shares of blocks are worth nothing. */
import { bech32 } from '@scure/base';
import { doubleSha256 } from '../../bitcoin/hash.js';

/** Bytes of the program of a P2WPKH output (BIP 141). */
const programLength = 20;

/**
 * The user identity of a miner, `<address>.<name>`: a regtest address (BIP 173) made from the name, to which nobody has the key.
 * @param name of a miner of the demo
 */
export function identityOf(name: string): string {
  const program = doubleSha256(new TextEncoder().encode(name)).subarray(0, programLength);
  return `${bech32.encode('bcrt', [0, ...bech32.toWords(program)])}.${name}`;
}

/** The name of the miner behind a user identity; the identity itself if it is none of {@link identityOf}. */
export const nameOf = (userIdentity: string): string => userIdentity.slice(userIdentity.indexOf('.') + 1);
