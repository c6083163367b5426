import type { CryptoProvider, KeyPair } from '../crypto/provider.js';

/** Ephemeral key pairs made ahead, each of which is taken once. */
export interface ReadyKeys {
  /** A key pair that nobody else has: one that is ready, or else a new one. */
  take(): KeyPair;
  /** Makes one more. Returns whether there is room for others. */
  make(): boolean;
}

/**
 * A stock of ephemeral key pairs, as making one (with its ElligatorSwift encoding) is 40 % of a responder's work and needs nothing
 * that the initiator says.
 * @param room how many at most
 */
export function readyKeys(crypto: CryptoProvider, room: number): ReadyKeys {
  const ready: KeyPair[] = [];
  return {
    take: () => ready.pop() ?? crypto.generateKeyPair(),
    make() {
      if (ready.length < room) ready.push(crypto.generateKeyPair());
      return ready.length < room;
    },
  };
}
