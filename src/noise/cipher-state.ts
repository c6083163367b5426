import { keyDestroyed, type AeadKey, type CryptoProvider } from '../crypto/provider.js';
import { NoiseError } from './errors.js';

const word = 0x1_0000_0000;

/** The nonce of the call under way: 32 zero bits, then the counter as little-endian U64. One for all keys, none of which keeps it. */
const nonce = new Uint8Array(12);

/**
 * A key and the nonce that counts its uses (spec §4.4.1, Noise rev. 34 §5.1).
 *
 * Every nonce is used once: it advances with each success, and when 2^64 - 1 is reached, which Noise reserves,
 * nothing more can be encrypted or decrypted.
 */
export class CipherState {
  readonly #key: AeadKey;
  #low: number;
  #high: number;
  #destroyed = false;

  /**
   * `InitializeKey(key)`.
   * @param key 32 bytes, copied: the caller clears its own
   * @param first the first nonce, U64; other than 0 only to take up a count where it was left
   */
  constructor(crypto: CryptoProvider, key: Uint8Array, first = 0n) {
    this.#key = crypto.aeadKey(key);
    this.#low = Number(BigInt.asUintN(32, first));
    this.#high = Number(BigInt.asUintN(32, first >> 32n));
  }

  /** The nonce that comes next, U64. */
  get nonce(): bigint {
    return (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  /**
   * `EncryptWithAd`: encrypts `input[start]` … `input[end - 1]` and writes ciphertext ‖ tag, 16 bytes more, at `out[offset]`.
   * @throws NoiseError `nonce-exhausted`, Sv2Error `key-destroyed`, `crypto-input`
   */
  encrypt(
    ad: Uint8Array,
    input: Uint8Array,
    start: number,
    end: number,
    out: Uint8Array,
    offset: number,
  ): void {
    this.#takeNonce();
    this.#key.seal(nonce, ad, input, start, end, out, offset);
    this.#advance();
  }

  /**
   * `DecryptWithAd`: decrypts `input[start]` … `input[end - 1]` and writes the plaintext, 16 bytes less, at `out[offset]`.
   * @returns false, with the nonce where it was and `out` untouched, if the ciphertext is not authentic
   * @throws NoiseError `nonce-exhausted`, Sv2Error `key-destroyed`, `crypto-input`
   */
  decrypt(
    ad: Uint8Array,
    input: Uint8Array,
    start: number,
    end: number,
    out: Uint8Array,
    offset: number,
  ): boolean {
    this.#takeNonce();
    if (!this.#key.open(nonce, ad, input, start, end, out, offset)) return false;
    this.#advance();
    return true;
  }

  /** Overwrites the key; from now on everything throws `key-destroyed`. */
  destroy(): void {
    this.#destroyed = true;
    this.#key.destroy();
  }

  /** Writes the nonce that comes next. */
  #takeNonce(): void {
    if (this.#destroyed) throw keyDestroyed();
    if (this.#low === word - 1 && this.#high === word - 1) {
      throw new NoiseError(
        'nonce-exhausted',
        'this key has been used 2^64 - 1 times: the connection has to be set up anew',
      );
    }
    const low = this.#low;
    nonce[4] = low;
    nonce[5] = low >>> 8;
    nonce[6] = low >>> 16;
    nonce[7] = low >>> 24;
    const high = this.#high;
    nonce[8] = high;
    nonce[9] = high >>> 8;
    nonce[10] = high >>> 16;
    nonce[11] = high >>> 24;
  }

  #advance(): void {
    this.#low++;
    if (this.#low === word) {
      this.#low = 0;
      this.#high++;
    }
  }
}
