import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { elligatorSwift } from '@scure/btc-signer/p2p.js';
import { Sv2Error } from '../codec/errors.js';
import { requireLength, type KeyPair, type RandomBytes } from './provider.js';

const { Point } = secp256k1;
const { Fp, Fn } = Point;
const ecdhTag = sha256(new TextEncoder().encode('bip324_ellswift_xonly_ecdh'));

/** Whether `bytes` is a secp256k1 secret key: 32 bytes, big-endian, in 1 … n - 1. */
export function isSecretKey(bytes: Uint8Array): boolean {
  return secp256k1.utils.isValidSecretKey(bytes);
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

/**
 * A fresh key pair (BIP 324 `ellswift_create`): a uniform secret key and one of the many encodings of its public
 * key, chosen at random so that the 64 bytes look like noise.
 */
export function generateKeyPair(randomBytes: RandomBytes): KeyPair {
  let secretKey = randomBytes(32);
  while (!isSecretKey(secretKey)) secretKey = randomBytes(32);
  const { x } = Point.BASE.multiply(Fn.fromBytes(secretKey));
  return { secretKey, publicKey: encodePublicKey(x, randomBytes) };
}

/**
 * BIP 324 `XElligatorSwift`: tries random u and branches of the inverse map until one leads to X.
 * elligatorSwift.encode would do the same, but takes its randomness from nowhere we could choose.
 */
function encodePublicKey(x: bigint, randomBytes: RandomBytes): Uint8Array {
  for (;;) {
    const u = Fp.create(Fp.fromBytes(randomBytes(32), true));
    const branch = randomBytes(1)[0]! & 7;
    if (Fp.is0(u)) continue;
    const t = elligatorSwift._inv(x, u, branch);
    if (t === undefined || Fp.is0(t)) continue;
    const encoded = new Uint8Array(64);
    encoded.set(Fp.toBytes(u));
    encoded.set(Fp.toBytes(t), 32);
    return encoded;
  }
}

/**
 * BIP 324 `ellswift_decode`: the 32-byte X coordinate that 64 bytes stand for.
 * @throws Sv2Error `crypto-input`
 */
export function decodePublicKey(publicKey: Uint8Array): Uint8Array {
  requireLength('an ElligatorSwift public key', publicKey, 64);
  return elligatorSwift.decode(publicKey);
}

/** The X coordinate, 32 bytes, of a secret key times the point of the curve whose X coordinate is `x`. */
export type MultiplyX = (secretKey: Uint8Array, x: Uint8Array) => Uint8Array;

/**
 * BIP 324 `v2_ecdh` on top of a multiplication: 32 secret bytes, as `CryptoProvider.ecdh` describes it.
 * @throws Sv2Error `crypto-input`
 */
export function ecdhWith(multiplyX: MultiplyX) {
  return (ours: KeyPair, theirs: Uint8Array, initiator: boolean): Uint8Array => {
    requireSecretKey(ours.secretKey);
    requireLength('our ElligatorSwift public key', ours.publicKey, 64);
    const secret = multiplyX(ours.secretKey, decodePublicKey(theirs));
    const hashed = new Uint8Array(64 + 64 + 64 + 32);
    hashed.set(ecdhTag);
    hashed.set(ecdhTag, 32);
    hashed.set(initiator ? ours.publicKey : theirs, 64);
    hashed.set(initiator ? theirs : ours.publicKey, 128);
    hashed.set(secret, 192);
    const shared = sha256(hashed);
    hashed.fill(0);
    secret.fill(0);
    return shared;
  };
}

/** BIP 324 `v2_ecdh` with noble's constant-time multiplication. */
export const ecdh = ecdhWith((secretKey, x) => {
  const point = schnorr.utils.lift_x(Fp.fromBytes(x));
  return Fp.toBytes(point.multiply(Fn.fromBytes(secretKey)).x);
});

function requireSecretKey(secretKey: Uint8Array): void {
  requireLength('a secret key', secretKey, 32);
  if (!isSecretKey(secretKey)) {
    throw new Sv2Error('crypto-input', 'a secret key must be in 1 … n - 1, n being the order of secp256k1');
  }
}
