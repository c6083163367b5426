import { defaultCrypto, type CryptoProvider, type KeyPair } from '../../src/crypto/index.js';
import {
  CipherState,
  createInitiator,
  createStaticKey,
  respond,
  type InitiatorResult,
  type ResponderResult,
  type StaticKey,
} from '../../src/noise/index.js';
import { seededCrypto, seededRandom } from '../crypto/providers.js';

/** The unix time of the fixtures. */
export const now = 1_700_000_000;

/** An authority key pair that is the same in every run. */
export function authorityKeys(seed = 1): { readonly secretKey: Uint8Array; readonly publicKey: Uint8Array } {
  const secretKey = seededRandom(seed)(32);
  return { secretKey, publicKey: defaultCrypto.xOnlyPublicKey(secretKey) };
}

/** A responder's static key for the authority of `authorityKeys()`, valid for an hour from its first use. */
export function staticKey(certValiditySeconds = 3600): StaticKey {
  return createStaticKey(seededCrypto(defaultCrypto, 2), {
    authoritySecretKey: authorityKeys().secretKey,
    certValiditySeconds,
  });
}

/** A provider that generates one and the same key pair again and again. */
export function withKeyPair(crypto: CryptoProvider, seed: number): CryptoProvider {
  return { ...crypto, generateKeyPair: () => crypto.generateKeyPair(seededRandom(seed)) };
}

/** The key pair of a secret key and one of the encodings of its public key. */
export function keyPairOf(crypto: CryptoProvider, secretKey: Uint8Array, encoded: Uint8Array): KeyPair {
  for (let branch = 0; branch < 8; branch++) {
    // What has to be drawn for it: the secret key, u, and the branch that leads to t. Behind a branch that leads nowhere
    // others are drawn.
    const draws = [secretKey.slice(), encoded.subarray(0, 32), Uint8Array.of(branch)];
    const others = seededRandom(branch);
    const pair = crypto.generateKeyPair((length) => draws.shift() ?? others(length));
    if (pair.publicKey.encoded.every((byte, i) => byte === encoded[i])) return pair;
  }
  throw new Error('the bytes encode the public key of another secret key');
}

/** Both sides of a connection after a handshake. */
export function connect(crypto: CryptoProvider = defaultCrypto): {
  readonly client: InitiatorResult;
  readonly server: ResponderResult;
} {
  const initiator = createInitiator(crypto, authorityKeys().publicKey);
  const server = respond(crypto, staticKey().identity(now), initiator.act1);
  return { client: initiator.finish(server.act2, now), server };
}

/** Two cipher states with the same key, one for each end. */
export function cipherPair(crypto: CryptoProvider = defaultCrypto, nonce = 0n): [CipherState, CipherState] {
  const key = new Uint8Array(32).fill(7);
  return [new CipherState(crypto, key, nonce), new CipherState(crypto, key, nonce)];
}

/** A plaintext frame whose payload has `length` bytes, different for each `seed`. */
export function plainFrame(length: number, seed = 0): Uint8Array {
  const frame = new Uint8Array(6 + length);
  frame.set([0x34, 0x12, 0x56, length & 0xff, (length >>> 8) & 0xff, length >>> 16]);
  for (let i = 0; i < length; i++) frame[6 + i] = i * 31 + seed;
  return frame;
}

/** The code of the error that `action` throws, or undefined if it throws none. */
export function codeOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
