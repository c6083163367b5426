import { tagLength, type CryptoProvider } from '../crypto/provider.js';
import { CipherState } from './cipher-state.js';

const protocolName = 'Noise_NX_Secp256k1+EllSwift_ChaChaPoly_SHA256';
const empty = new Uint8Array(0);

/**
 * Chaining key, handshake hash and cipher of a handshake under way (spec §4.4.2, Noise rev. 34 §5.2).
 */
export class SymmetricState {
  readonly #crypto: CryptoProvider;
  #chainingKey: Uint8Array;
  #hash: Uint8Array;
  #cipher: CipherState | undefined;

  /** Begins the transcript of `Noise_NX_Secp256k1+EllSwift_ChaChaPoly_SHA256` (spec §4.5.1). */
  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto;
    this.#chainingKey = crypto.sha256(new TextEncoder().encode(protocolName));
    this.#hash = crypto.sha256(this.#chainingKey);
  }

  /** `MixHash`: adds data to the transcript. */
  mixHash(data: Uint8Array): void {
    this.#hash = this.#crypto.sha256(concat(this.#hash, data));
  }

  /**
   * `MixKey`: adds a shared secret to the chaining key and takes a new cipher key from it.
   * @param inputKeyMaterial cleared by this call
   */
  mixKey(inputKeyMaterial: Uint8Array): void {
    const [chainingKey, key] = this.#hkdf(inputKeyMaterial);
    inputKeyMaterial.fill(0);
    this.#chainingKey.fill(0);
    this.#chainingKey = chainingKey;
    this.#cipher?.destroy();
    this.#cipher = new CipherState(this.#crypto, key);
    key.fill(0);
  }

  /**
   * `EncryptAndHash`.
   * @returns the ciphertext with its 16-byte tag, or the plaintext itself while there is no key
   */
  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    let ciphertext = plaintext;
    if (this.#cipher !== undefined) {
      ciphertext = new Uint8Array(plaintext.length + tagLength);
      this.#cipher.encrypt(this.#hash, plaintext, 0, plaintext.length, ciphertext, 0);
    }
    this.mixHash(ciphertext);
    return ciphertext;
  }

  /**
   * `DecryptAndHash`.
   * @returns the plaintext, or undefined if the ciphertext is not authentic
   */
  decryptAndHash(ciphertext: Uint8Array): Uint8Array | undefined {
    let plaintext = ciphertext;
    if (this.#cipher !== undefined) {
      plaintext = new Uint8Array(ciphertext.length - tagLength);
      if (!this.#cipher.decrypt(this.#hash, ciphertext, 0, ciphertext.length, plaintext, 0)) return undefined;
    }
    this.mixHash(ciphertext);
    return plaintext;
  }

  /**
   * `Split`: ends the handshake.
   * @returns the key of messages from initiator to responder, and that of the other direction, 32 secret bytes each, the
   * caller's to clear
   */
  split(): readonly [Uint8Array, Uint8Array] {
    return this.#hkdf(empty);
  }

  /** Clears every secret. */
  destroy(): void {
    this.#chainingKey.fill(0);
    this.#hash.fill(0);
    this.#cipher?.destroy();
  }

  /** HKDF of RFC 5869 with an empty info and two outputs of 32 bytes. */
  #hkdf(inputKeyMaterial: Uint8Array): readonly [Uint8Array, Uint8Array] {
    const { hmacSha256 } = this.#crypto;
    const temporaryKey = hmacSha256(this.#chainingKey, inputKeyMaterial);
    const output1 = hmacSha256(temporaryKey, Uint8Array.of(1));
    const input2 = concat(output1, Uint8Array.of(2));
    const output2 = hmacSha256(temporaryKey, input2);
    temporaryKey.fill(0);
    input2.fill(0);
    return [output1, output2];
  }
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
