import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { randomBytes } from '@noble/hashes/utils.js';
import { chacha20Poly1305Key } from './chacha20-poly1305.js';
import { elligatorSwift } from './ellswift.js';
import { fieldPowerNoble } from './field-power-noble.js';
import { keyAgreement } from './key-agreement.js';
import {
  keyDestroyed,
  requireAeadInput,
  requireLength,
  tagLength,
  type AeadKey,
  type CryptoProvider,
} from './provider.js';
import { schnorrSign, schnorrVerify, xOnlyPublicKey } from './secp256k1.js';

const { Point } = secp256k1;
const { Fp, Fn } = Point;

/** Noble's multiplication, which always takes the same steps. */
const { generateKeyPair, publicKey } = keyAgreement(
  {
    scalar: (secretKey) => [secretKey, schnorr.getPublicKey(secretKey)],
    point: (x) => schnorr.utils.lift_x(Fp.fromBytes(x)),
    multiply: (secretKey, point) => Fp.toBytes(point.multiply(Fn.fromBytes(secretKey)).x),
  },
  elligatorSwift(fieldPowerNoble),
);

/**
 * Everything from @noble/curves, @noble/ciphers and @noble/hashes: audited code, and nothing native.
 * `defaultCrypto` differs in its cipher only.
 */
export const nobleCrypto: CryptoProvider = {
  randomBytes,
  sha256,
  hmacSha256: (key, data) => hmac(sha256, key, data),
  aeadKey: nobleAeadKey,
  generateKeyPair: (random = randomBytes) => generateKeyPair(random),
  publicKey,
  schnorrSign: (message, secretKey, auxiliaryRandom = randomBytes(32)) =>
    schnorrSign(message, secretKey, auxiliaryRandom),
  schnorrVerify,
  xOnlyPublicKey,
};

/**
 * What the library uses unless told otherwise: noble, with the cipher of chacha20-poly1305.ts, which seals and opens the
 * short frames of Stratum several times faster than the general-purpose one.
 */
export const defaultCrypto: CryptoProvider = { ...nobleCrypto, aeadKey: chacha20Poly1305Key };

function nobleAeadKey(bytes: Uint8Array): AeadKey {
  requireLength('a ChaCha20-Poly1305 key', bytes, 32);
  const key = bytes.slice();
  let destroyed = false;
  const cipher = (nonce: Uint8Array, ad: Uint8Array): ReturnType<typeof chacha20poly1305> => {
    if (destroyed) throw keyDestroyed();
    return chacha20poly1305(key, nonce, ad);
  };
  return {
    seal(nonce, ad, input, start, end, out, offset) {
      const length = end - start + tagLength;
      requireAeadInput(nonce, input, start, end, length, out, offset);
      cipher(nonce, ad).encrypt(input.subarray(start, end), out.subarray(offset, offset + length));
    },
    open(nonce, ad, input, start, end, out, offset) {
      const length = end - start - tagLength;
      requireAeadInput(nonce, input, start, end, length, out, offset);
      const opened = cipher(nonce, ad);
      try {
        opened.decrypt(input.subarray(start, end), out.subarray(offset, offset + length));
        return true;
      } catch (error) {
        if (error instanceof Error && error.message === 'invalid tag') return false;
        throw error;
      }
    },
    destroy() {
      key.fill(0);
      destroyed = true;
    },
  };
}
