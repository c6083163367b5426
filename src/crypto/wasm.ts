/** secp256k1 by libsecp256k1 in WebAssembly: handshakes in a third of noble's time or less, in browsers as in Node.js. */

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { elligatorSwift } from './ellswift.js';
import { fieldPowerWasm } from './field-power-wasm.js';
import { keyAgreement } from './key-agreement.js';
import { defaultCrypto } from './noble.js';
import type { CryptoProvider } from './provider.js';

const { Fn } = secp256k1.Point;

/** libsecp256k1's `secp256k1_pubkey`, 64 bytes in a form of its own. */
type Point = Uint8Array;

/**
 * Loads libsecp256k1, 180 kB that come with the package `@bitauth/libauth`, and makes a provider that differs from
 * `defaultCrypto` in its elliptic curve. A second call costs as much as the first: keep the provider.
 *
 * Key pairs are made in constant time. In an ECDH the time of a multiplication does depend on our secret key, by some
 * percent and always in the same way, since libsecp256k1 offers nothing else to this package: harmless for ephemeral keys, which
 * are used once; of a static key, which lasts half an hour unless configured otherwise, it tells how many digits are not 0. Whoever cannot
 * accept that takes `nobleCrypto`.
 *
 * Rejects with a WebAssembly.CompileError where the policy of a page forbids WebAssembly.
 */
export async function wasmCrypto(): Promise<CryptoProvider> {
  const { CompressionFlag, ContextFlag, instantiateSecp256k1Wasm } =
    await import('@bitauth/libauth/build/lib/bin/secp256k1/secp256k1-wasm.js');
  const library = await instantiateSecp256k1Wasm();
  const { heapU8: heap } = library;
  const context = library.contextCreate(ContextFlag.BOTH);
  const [scalarAt, pointAt, serializedAt] = [32, 64, 33].map((size) => library.malloc(size)) as [
    number,
    number,
    number,
  ];
  const lengthAt = library.mallocSizeT(33);

  /** Runs with a secret of 32 bytes in the library's memory, and clears it there. */
  const withScalar = <T>(bytes: Uint8Array, run: () => T): T => {
    heap.set(bytes, scalarAt);
    try {
      return run();
    } finally {
      heap.fill(0, scalarAt, scalarAt + 32);
    }
  };
  // protects against what can be measured from outside when secret keys are multiplied by the generator
  withScalar(defaultCrypto.randomBytes(32), () => library.contextRandomize(context, scalarAt));

  /** Takes up the point with an even Y coordinate; false if there is none with this X. */
  const load = (x: Uint8Array): boolean => {
    heap[serializedAt] = 2;
    heap.set(x, serializedAt + 1);
    return library.pubkeyParse(context, pointAt, serializedAt, 33) === 1;
  };

  /** The point in memory: 33 bytes, a view. */
  const serialized = (): Uint8Array => {
    library.pubkeySerialize(context, serializedAt, lengthAt, pointAt, CompressionFlag.COMPRESSED);
    return heap.subarray(serializedAt, serializedAt + 33);
  };

  const { generateKeyPair, publicKey } = keyAgreement<Uint8Array, Point>(
    {
      scalar(secretKey) {
        withScalar(secretKey, () => library.pubkeyCreate(context, pointAt, scalarAt));
        return [secretKey, serialized().slice(1)];
      },
      point(x) {
        load(x);
        return heap.slice(pointAt, pointAt + 64);
      },
      multiply(secretKey, point) {
        heap.set(point, pointAt);
        withScalar(secretKey, () => library.pubkeyTweakMul(context, pointAt, scalarAt));
        const product = serialized();
        const x = product.slice(1);
        product.fill(0);
        heap.fill(0, pointAt, pointAt + 64);
        return x;
      },
    },
    elligatorSwift(fieldPowerWasm()),
  );

  const challengeTag = defaultCrypto.sha256(new TextEncoder().encode('BIP0340/challenge'));

  /** BIP 340: R = sG - eP must be a point with an even Y coordinate and the X coordinate r. */
  const schnorrVerify = (signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean => {
    if (signature.length !== 64 || key.length !== 32) return false;
    const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
    const input = new Uint8Array(128 + message.length);
    input.set(challengeTag);
    input.set(challengeTag, 32);
    input.set(r, 64);
    input.set(key, 96);
    input.set(message, 128);
    const e = Fn.create(Fn.fromBytes(defaultCrypto.sha256(input), true));
    if (!load(key) || e === 0n) return false; // nobody can find a message whose e is 0
    heap.set(Fn.toBytes(Fn.neg(e)), scalarAt);
    library.pubkeyTweakMul(context, pointAt, scalarAt);
    heap.set(s, scalarAt);
    if (library.pubkeyTweakAdd(context, pointAt, scalarAt) !== 1) return false; // s is not below n, or R infinite
    const point = serialized();
    return point[0] === 2 && r.every((byte, i) => byte === point[i + 1]);
  };

  return {
    ...defaultCrypto,
    generateKeyPair: (random = defaultCrypto.randomBytes) => generateKeyPair(random),
    publicKey,
    schnorrVerify,
  };
}
