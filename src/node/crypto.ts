import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
} from 'node:crypto';
import { chacha20Poly1305Key } from '../crypto/chacha20-poly1305.js';
import { elligatorSwift } from '../crypto/ellswift.js';
import { fieldPowerWasm } from '../crypto/field-power-wasm.js';
import { keyAgreement } from '../crypto/key-agreement.js';
import { defaultCrypto } from '../crypto/noble.js';
import { requireAeadInput, tagLength, type AeadKey, type CryptoProvider } from '../crypto/provider.js';

/** From this many bytes on OpenSSL is faster, for all that each call of it costs some microseconds. */
const nativeLength = 1536;

const cipherName = 'chacha20-poly1305';
const cipherOptions = { authTagLength: tagLength };

// DER: SEC 1 §C.4 ECPrivateKey and RFC 5280 SubjectPublicKeyInfo of secp256k1, around the bytes of the keys.
const privateKeyStart = Buffer.from('30740201010420', 'hex');
const privateKeyMiddle = Buffer.from('a00706052b8104000aa144034200', 'hex');
const publicKeyStart = Buffer.from('3036301006072a8648ce3d020106052b8104000a03220002', 'hex');

/**
 * OpenSSL's multiplication. Key objects take a while to make, but in every `computeSecret` an ECDH object multiplies two
 * more times, to check its own key pair; a key object once, to check the other key.
 */
const { generateKeyPair, publicKey } = keyAgreement<KeyObject, KeyObject>(
  {
    scalar(secretKey) {
      const curve = createECDH('secp256k1');
      curve.setPrivateKey(secretKey);
      const point = curve.getPublicKey(); // SEC 1, uncompressed
      const key = Buffer.concat([privateKeyStart, secretKey, privateKeyMiddle, point]);
      const scalar = createPrivateKey({ key, format: 'der', type: 'sec1' });
      key.fill(0);
      return [scalar, Uint8Array.from(point.subarray(1, 33))];
    },
    point: (x) => createPublicKey({ key: Buffer.concat([publicKeyStart, x]), format: 'der', type: 'spki' }),
    multiply: (privateKey, publicKey) => diffieHellman({ privateKey, publicKey }),
  },
  elligatorSwift(fieldPowerWasm()),
);

/** The provider for Node: OpenSSL where that is faster (key agreement, large AEAD blocks), `defaultCrypto` for all the rest. */
export const nodeCrypto: CryptoProvider = {
  ...defaultCrypto,
  aeadKey: (key) => new NodeAeadKey(key),
  generateKeyPair: (random = defaultCrypto.randomBytes) => generateKeyPair(random),
  publicKey,
};

// A class, so that thousands of connections share the methods.
/** A key that leaves long messages to OpenSSL. */
class NodeAeadKey implements AeadKey {
  readonly #short: AeadKey;
  readonly #key: Uint8Array;
  #destroyed = false;

  constructor(key: Uint8Array) {
    this.#short = chacha20Poly1305Key(key);
    this.#key = key.slice();
  }

  seal(
    nonce: Uint8Array,
    ad: Uint8Array,
    input: Uint8Array,
    start: number,
    end: number,
    out: Uint8Array,
    offset: number,
  ): void {
    const length = end - start;
    if (length < nativeLength || this.#destroyed) {
      this.#short.seal(nonce, ad, input, start, end, out, offset);
      return;
    }
    requireAeadInput(nonce, input, start, end, length + tagLength, out, offset);
    const cipher = createCipheriv(cipherName, this.#key, nonce, cipherOptions);
    if (ad.length > 0) cipher.setAAD(ad, { plaintextLength: length });
    out.set(cipher.update(input.subarray(start, end)), offset);
    cipher.final();
    out.set(cipher.getAuthTag(), offset + length);
  }

  open(
    nonce: Uint8Array,
    ad: Uint8Array,
    input: Uint8Array,
    start: number,
    end: number,
    out: Uint8Array,
    offset: number,
  ): boolean {
    const length = end - start - tagLength;
    if (length < nativeLength || this.#destroyed) {
      return this.#short.open(nonce, ad, input, start, end, out, offset);
    }
    requireAeadInput(nonce, input, start, end, length, out, offset);
    const decipher = createDecipheriv(cipherName, this.#key, nonce, cipherOptions);
    if (ad.length > 0) decipher.setAAD(ad, { plaintextLength: length });
    decipher.setAuthTag(input.subarray(start + length, end));
    const plaintext = decipher.update(input.subarray(start, start + length));
    try {
      decipher.final();
    } catch {
      plaintext.fill(0);
      return false;
    }
    out.set(plaintext, offset);
    return true;
  }

  destroy(): void {
    this.#destroyed = true;
    this.#key.fill(0);
    this.#short.destroy();
  }
}
