import { sha256 } from '@noble/hashes/sha2.js';
import type { ElligatorSwift } from './ellswift.js';
import {
  keyDestroyed,
  type CryptoProvider,
  type KeyPair,
  type PublicKey,
  type RandomBytes,
} from './provider.js';
import { generateSecretKey } from './secp256k1.js';

const ecdhTag = sha256(new TextEncoder().encode('bip324_ellswift_xonly_ecdh'));

/** Multiplication on secp256k1, with scalars and points in the form that suits it. */
export interface Multiplication<Scalar, Point> {
  /**
   * Takes up a secret key.
   * @param secretKey 32 bytes in 1 … n - 1; they are cleared when the scalar is needed no longer
   * @returns the scalar, and the X coordinate, 32 bytes, of the public key
   */
  scalar(secretKey: Uint8Array): readonly [Scalar, Uint8Array];
  /** One of the two points with an X coordinate of 32 bytes: the products of both have the same X coordinate. */
  point(x: Uint8Array): Point;
  /** The X coordinate, 32 bytes, of a scalar times a point. */
  multiply(scalar: Scalar, point: Point): Uint8Array;
}

/** What `keyAgreement` contributes to a provider. */
export interface KeyAgreement extends Pick<CryptoProvider, 'publicKey'> {
  generateKeyPair(randomBytes: RandomBytes): KeyPair;
}

/** The key agreement of BIP 324 on top of a multiplication and an encoding. */
export function keyAgreement<Scalar, Point>(
  { scalar: scalarOf, point: toPoint, multiply }: Multiplication<Scalar, Point>,
  ellswift: ElligatorSwift,
): KeyAgreement {
  /** A responder multiplies the initiator's key twice. */
  const points = new WeakMap<PublicKey, Point>();

  function pointOf(key: PublicKey): Point {
    let point = points.get(key);
    if (point === undefined) {
      point = toPoint(key.x);
      points.set(key, point);
    }
    return point;
  }

  return {
    generateKeyPair(randomBytes): KeyPair {
      const secretKey = generateSecretKey(randomBytes);
      const [loaded, x] = scalarOf(secretKey);
      let scalar: Scalar | undefined = loaded;
      const publicKey = { encoded: ellswift.encode(x, randomBytes), x };
      return {
        publicKey,
        ecdh(theirs, initiator) {
          if (scalar === undefined) throw keyDestroyed();
          const product = multiply(scalar, pointOf(theirs));
          const [first, second] = initiator ? [publicKey, theirs] : [theirs, publicKey];
          const hashed = new Uint8Array(64 + 64 + 64 + 32);
          hashed.set(ecdhTag);
          hashed.set(ecdhTag, 32);
          hashed.set(first.encoded, 64);
          hashed.set(second.encoded, 128);
          hashed.set(product, 192);
          const shared = sha256(hashed);
          hashed.fill(0);
          product.fill(0);
          return shared;
        },
        destroy() {
          secretKey.fill(0);
          scalar = undefined;
        },
      };
    },
    publicKey: (encoded) => ({ encoded, x: ellswift.decode(encoded) }),
  };
}
