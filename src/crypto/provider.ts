import { Sv2Error } from '../codec/errors.js';

/** Returns `length` bytes that nobody can predict. */
export type RandomBytes = (length: number) => Uint8Array;

/** A secp256k1 public key in its ElligatorSwift encoding (BIP 324). */
export interface PublicKey {
  /** 64 bytes: u ‖ t, each 32 bytes big-endian. */
  readonly encoded: Uint8Array;
  /** The X coordinate they stand for: 32 bytes, big-endian. */
  readonly x: Uint8Array;
}

/** A secp256k1 key pair, its secret half out of sight. Whoever holds it destroys it after use. */
export interface KeyPair {
  readonly publicKey: PublicKey;
  /**
   * The shared secret of BIP 324 `v2_ecdh`.
   * @param theirs their public key, from `CryptoProvider.publicKey`
   * @param initiator whether we began the handshake
   * @returns 32 secret bytes, the caller's to clear
   * @throws Sv2Error `key-destroyed`
   */
  ecdh(theirs: PublicKey, initiator: boolean): Uint8Array;
  /** Forgets the secret key. Every later call of `ecdh` throws. */
  destroy(): void;
}

/** A ChaCha20-Poly1305 key (RFC 8439). Its tag is 16 bytes and follows the ciphertext. */
export interface AeadKey {
  /**
   * Encrypts the bytes `input[start]` … `input[end - 1]` and writes ciphertext ‖ tag, 16 bytes more, at `out[offset]`.
   * That region may begin where the plaintext does (encryption in place), but may not overlap it otherwise.
   * (Ranges instead of views: for a short message a view costs as much as its encryption.)
   * @param nonce 12 bytes, never used before with this key; the caller writes the next one over it
   * @throws Sv2Error `key-destroyed`, `crypto-input`
   */
  seal(
    nonce: Uint8Array,
    ad: Uint8Array,
    input: Uint8Array,
    start: number,
    end: number,
    out: Uint8Array,
    offset: number,
  ): void;
  /**
   * Authenticates the ciphertext `input[start]` … `input[end - 1]`, which ends with its tag, and, only if it is authentic,
   * writes the plaintext, 16 bytes less, at `out[offset]`. Decryption in place is allowed as in `seal`.
   * @returns false, with `out` untouched, when the tag does not match
   * @throws Sv2Error `key-destroyed`, `crypto-input`
   */
  open(
    nonce: Uint8Array,
    ad: Uint8Array,
    input: Uint8Array,
    start: number,
    end: number,
    out: Uint8Array,
    offset: number,
  ): boolean;
  /** Overwrites the key. Every later call of `seal` or `open` throws. */
  destroy(): void;
}

/** The primitives that Noise and certificates need (spec §4.3). */
export interface CryptoProvider {
  /** Unpredictable bytes. */
  readonly randomBytes: RandomBytes;
  /** SHA-256: 32 bytes. */
  sha256(data: Uint8Array): Uint8Array;
  /** HMAC-SHA-256 (RFC 2104): 32 bytes. */
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
  /**
   * Makes an AEAD key of 32 bytes. The bytes are copied: the caller clears its own.
   * @throws Sv2Error `crypto-input`
   */
  aeadKey(key: Uint8Array): AeadKey;
  /**
   * A fresh key pair (spec §4.3.1.1, BIP 324 `ellswift_create`).
   * @param randomBytes where the randomness comes from; the provider's own by default
   */
  generateKeyPair(randomBytes?: RandomBytes): KeyPair;
  /**
   * Decodes a public key (BIP 324 `ellswift_decode`), for any number of ECDHs with it.
   * @param encoded 64 bytes, not copied; whatever they are, they are the encoding of some key
   * @throws Sv2Error `crypto-input`
   */
  publicKey(encoded: Uint8Array): PublicKey;
  /**
   * A BIP 340 signature.
   * @param message any length; the specification always signs a 32-byte hash
   * @param secretKey 32 bytes
   * @param auxiliaryRandom 32 bytes; fresh ones by default
   * @returns 64 bytes
   * @throws Sv2Error `crypto-input`
   */
  schnorrSign(message: Uint8Array, secretKey: Uint8Array, auxiliaryRandom?: Uint8Array): Uint8Array;
  /**
   * Whether `signature` (64 bytes) is one of `message` under the 32-byte x-only `publicKey` (BIP 340).
   * Signatures and keys that are malformed in any way are simply not valid.
   */
  schnorrVerify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  /**
   * The 32-byte x-only public key of a 32-byte secret key (BIP 340).
   * @throws Sv2Error `crypto-input`
   */
  xOnlyPublicKey(secretKey: Uint8Array): Uint8Array;
}

/** Length in bytes of the Poly1305 tag that ends every AEAD ciphertext. */
export const tagLength = 16;

/**
 * Requires `bytes` to be `length` bytes long.
 * @throws Sv2Error `crypto-input`, naming `what` but never showing the bytes
 */
export function requireLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) {
    throw new Sv2Error('crypto-input', `${what} must be ${length} bytes, got ${bytes.length}`, {
      what,
      expected: length,
      got: bytes.length,
    });
  }
}

/**
 * Checks what every AEAD implementation has to check before it touches memory.
 * @param written how many bytes will be written at `out[offset]`
 * @throws Sv2Error `crypto-input`
 */
export function requireAeadInput(
  nonce: Uint8Array,
  input: Uint8Array,
  start: number,
  end: number,
  written: number,
  out: Uint8Array,
  offset: number,
): void {
  if (nonce.length !== 12) requireLength('the nonce', nonce, 12);
  if (!(start >= 0 && start <= end && end <= input.length)) {
    throw new Sv2Error(
      'crypto-input',
      `the input cannot be the bytes from ${start} to ${end}, its length is ${input.length}`,
    );
  }
  if (written < 0) {
    throw new Sv2Error(
      'crypto-input',
      `a ciphertext must be at least ${tagLength} bytes, got ${end - start}`,
    );
  }
  if (!(offset >= 0 && offset + written <= out.length)) {
    throw new Sv2Error(
      'crypto-input',
      `the output needs ${written} bytes at offset ${offset}, its length is ${out.length}`,
    );
  }
}

/** The error of a key that is used after it was destroyed. */
export function keyDestroyed(): Sv2Error {
  return new Sv2Error('key-destroyed', 'this key was destroyed and cannot be used any more');
}
