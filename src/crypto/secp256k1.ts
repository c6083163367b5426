import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';
import { Sv2Error } from '../codec/errors.js';
import { requireLength, type RandomBytes } from './provider.js';

const { Fp } = secp256k1.Point;

/** Whether `bytes` is a secp256k1 secret key: 32 bytes, big-endian, in 1 … n - 1. */
export function isSecretKey(bytes: Uint8Array): boolean {
  return secp256k1.utils.isValidSecretKey(bytes);
}

/** A fresh secret key of 32 bytes, uniform in 1 … n - 1; the caller's to clear. */
export function generateSecretKey(randomBytes: RandomBytes): Uint8Array {
  let secretKey = randomBytes(32);
  while (!isSecretKey(secretKey)) secretKey = randomBytes(32);
  return secretKey;
}

/** Whether `bytes` is an x-only public key (BIP 340 `lift_x`): the 32-byte X coordinate of a point on the curve. */
export function isXOnlyPublicKey(bytes: Uint8Array): boolean {
  if (bytes.length !== 32) return false;
  try {
    schnorr.utils.lift_x(Fp.fromBytes(bytes));
    return true;
  } catch {
    return false;
  }
}

/** Whether `bytes` is a public key in SEC 1's form: 33 bytes beginning with 2 or 3, or 65 beginning with 4. */
export function isPublicKey(bytes: Uint8Array): boolean {
  try {
    secp256k1.Point.fromBytes(bytes);
    return true;
  } catch {
    return false;
  }
}

/**
 * The 32-byte x-only public key of a secret key (BIP 340).
 * @throws Sv2Error `crypto-input` when `secretKey` is not a secret key; the error does not show it
 */
export function xOnlyPublicKey(secretKey: Uint8Array): Uint8Array {
  requireSecretKey(secretKey);
  return schnorr.getPublicKey(secretKey);
}

/**
 * A BIP 340 signature of 64 bytes.
 * @param auxiliaryRandom 32 bytes
 * @throws Sv2Error `crypto-input`
 */
export function schnorrSign(
  message: Uint8Array,
  secretKey: Uint8Array,
  auxiliaryRandom: Uint8Array,
): Uint8Array {
  requireSecretKey(secretKey);
  requireLength('the auxiliary randomness of a signature', auxiliaryRandom, 32);
  return schnorr.sign(message, secretKey, auxiliaryRandom);
}

/** Whether a BIP 340 signature is valid; malformed keys and signatures are not. */
export function schnorrVerify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  return signature.length === 64 && publicKey.length === 32 && schnorr.verify(signature, message, publicKey);
}

function requireSecretKey(secretKey: Uint8Array): void {
  requireLength('a secret key', secretKey, 32);
  if (!isSecretKey(secretKey)) {
    throw new Sv2Error('crypto-input', 'a secret key must be in 1 … n - 1, n being the order of secp256k1');
  }
}
