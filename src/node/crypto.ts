import { createCipheriv, createDecipheriv, createECDH } from 'node:crypto';
import { chacha20Poly1305Key } from '../crypto/chacha20-poly1305.js';
import { defaultCrypto } from '../crypto/noble.js';
import { requireAeadInput, tagLength, type AeadKey, type CryptoProvider } from '../crypto/provider.js';
import { ecdhWith } from '../crypto/secp256k1.js';

/** From this many bytes on OpenSSL is faster, for all that each call of it costs some microseconds. */
const nativeLength = 1536;

const cipherName = 'chacha20-poly1305';
const cipherOptions = { authTagLength: tagLength };

/** The provider for Node: OpenSSL where that is faster (ECDH, large AEAD blocks), `defaultCrypto` for all the rest. */
export const nodeCrypto: CryptoProvider = {
  ...defaultCrypto,
  aeadKey: nodeAeadKey,
  ecdh: ecdhWith(multiplyX),
};

/** The X coordinate of `secretKey` times the point with X coordinate `x`. */
function multiplyX(secretKey: Uint8Array, x: Uint8Array): Uint8Array {
  const point = new Uint8Array(33); // SEC 1, compressed; either Y gives the same X
  point[0] = 2;
  point.set(x, 1);
  const curve = createECDH('secp256k1');
  curve.setPrivateKey(secretKey);
  return curve.computeSecret(point);
}

/** A key that leaves long messages to OpenSSL. */
function nodeAeadKey(bytes: Uint8Array): AeadKey {
  const short = chacha20Poly1305Key(bytes);
  const key = bytes.slice();
  let destroyed = false;
  return {
    seal(nonce, ad, plaintext, out, offset) {
      const { length } = plaintext;
      if (length < nativeLength || destroyed) {
        short.seal(nonce, ad, plaintext, out, offset);
        return;
      }
      requireAeadInput(nonce, length + tagLength, out, offset);
      const cipher = createCipheriv(cipherName, key, nonce, cipherOptions);
      if (ad.length > 0) cipher.setAAD(ad, { plaintextLength: length });
      out.set(cipher.update(plaintext), offset);
      cipher.final();
      out.set(cipher.getAuthTag(), offset + length);
    },
    open(nonce, ad, ciphertext, out, offset) {
      const length = ciphertext.length - tagLength;
      if (length < nativeLength || destroyed) return short.open(nonce, ad, ciphertext, out, offset);
      requireAeadInput(nonce, length, out, offset);
      const decipher = createDecipheriv(cipherName, key, nonce, cipherOptions);
      if (ad.length > 0) decipher.setAAD(ad, { plaintextLength: length });
      decipher.setAuthTag(ciphertext.subarray(length));
      const plaintext = decipher.update(ciphertext.subarray(0, length));
      try {
        decipher.final();
      } catch {
        plaintext.fill(0);
        return false;
      }
      out.set(plaintext, offset);
      return true;
    },
    destroy() {
      destroyed = true;
      key.fill(0);
      short.destroy();
    },
  };
}
