import { base58, createBase58check } from '@scure/base';
import { defaultCrypto } from '../crypto/noble.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { generateSecretKey, isSecretKey, isXOnlyPublicKey } from '../crypto/secp256k1.js';
import { NoiseError } from './errors.js';

const base58check = createBase58check((bytes: Uint8Array) => defaultCrypto.sha256(bytes));
const version = 1;

/** An authority's keys. */
export interface AuthorityKeyPair {
  /** 32 bytes; whoever holds the pair clears it after use. */
  readonly secretKey: Uint8Array;
  /** 32 bytes, x-only (BIP 340). */
  readonly publicKey: Uint8Array;
}

/** A fresh authority key pair. */
export function generateAuthorityKeyPair(crypto: CryptoProvider): AuthorityKeyPair {
  const secretKey = generateSecretKey(crypto.randomBytes);
  return { secretKey, publicKey: crypto.xOnlyPublicKey(secretKey) };
}

/**
 * Writes an authority public key as in spec §4.7: base58check of the version prefix [1, 0] and the key.
 * @param publicKey 32 bytes, x-only
 * @throws NoiseError `authority-key` if it is not the X coordinate of a point on the curve
 */
export function encodeAuthorityPublicKey(publicKey: Uint8Array): string {
  requirePublicKey(publicKey);
  const prefixed = new Uint8Array(34);
  prefixed[0] = version;
  prefixed.set(publicKey, 2);
  return base58check.encode(prefixed);
}

/**
 * Reads an authority public key (spec §4.7).
 * @returns 32 bytes, x-only
 * @throws NoiseError `authority-key` that says what is wrong with the text
 */
export function decodeAuthorityPublicKey(text: string): Uint8Array {
  const bytes = decodeBase58check('public', text);
  if (bytes.length !== 34) {
    // The two cannot be told apart, and the right form of this one may not be shown: it would be a secret key's.
    const hint =
      bytes.length === 32
        ? '; without a prefix it is a secret key, or a public key in a form from before the specification of today: ' +
          'ask the pool for the one of 51 or 52 characters that begins with a 9'
        : '';
    bytes.fill(0);
    throw wrongKey(
      'public',
      'length',
      `it must hold 34 bytes, a 2-byte version prefix and 32 bytes of key, got ${bytes.length}${hint}`,
    );
  }
  const found = bytes[0]! | (bytes[1]! << 8);
  if (found !== version) {
    throw wrongKey('public', 'version', `its version must be ${version}, got ${found}`);
  }
  const publicKey = bytes.slice(2);
  requirePublicKey(publicKey);
  return publicKey;
}

/**
 * Writes an authority secret key: base58check of its 32 bytes, without a prefix, as the reference implementation does.
 * @throws NoiseError `authority-key` if it is not a secret key of secp256k1
 */
export function encodeAuthoritySecretKey(secretKey: Uint8Array): string {
  requireSecretKey(secretKey);
  return base58check.encode(secretKey);
}

/**
 * Reads an authority secret key.
 * @returns 32 bytes, the caller's to clear
 * @throws NoiseError `authority-key` that says what is wrong with the text, without repeating it
 */
export function decodeAuthoritySecretKey(text: string): Uint8Array {
  const bytes = decodeBase58check('secret', text);
  if (bytes.length !== 32) {
    const hint = bytes.length === 34 ? ' (34 bytes: is it a public key?)' : '';
    bytes.fill(0);
    throw wrongKey('secret', 'length', `it must hold 32 bytes, got ${bytes.length}${hint}`);
  }
  requireSecretKey(bytes);
  return bytes;
}

type Kind = 'public' | 'secret';
type Reason = 'character' | 'checksum' | 'length' | 'version' | 'range';

/** Errors show nothing of the text: it may be a secret key that was put in the wrong place. */
function decodeBase58check(kind: Kind, text: string): Uint8Array {
  try {
    return base58check.decode(text);
  } catch {
    try {
      base58.decode(text).fill(0);
    } catch {
      throw wrongKey(
        kind,
        'character',
        'it is not base58: only 1-9, A-Z without I and O, a-z without l may occur',
      );
    }
    throw wrongKey(kind, 'checksum', 'its checksum does not match: a character is wrong or missing');
  }
}

function requirePublicKey(publicKey: Uint8Array): void {
  if (!isXOnlyPublicKey(publicKey)) {
    throw wrongKey('public', 'range', 'its 32 bytes are not the X coordinate of a point on secp256k1');
  }
}

function requireSecretKey(secretKey: Uint8Array): void {
  if (!isSecretKey(secretKey)) {
    throw wrongKey('secret', 'range', 'its 32 bytes are not in 1 … n - 1, n being the order of secp256k1');
  }
}

function wrongKey(kind: Kind, reason: Reason, why: string): NoiseError {
  return new NoiseError('authority-key', `the authority ${kind} key is wrong: ${why}`, { kind, reason });
}
