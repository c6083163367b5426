import { describe, expect, it, test } from '@jest/globals';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { elligatorSwift } from '@scure/btc-signer/p2p.js';
import fc from 'fast-check';
import { defaultCrypto, isSecretKey } from '../../src/crypto/index.js';
import { readVectors } from './csv.js';
import { providers, seededRandom } from './providers.js';

describe('the vectors of BIP 324', () => {
  const decodeRows = readVectors('bip324-ellswift-decode.csv');
  const inverseRows = readVectors('bip324-xswiftec-inv.csv');

  it('are complete', () => {
    expect(decodeRows).toHaveLength(76);
    expect(inverseRows).toHaveLength(32);
  });

  test.each(decodeRows.map((row) => [row['ellswift']!, row['x']!, row['comment']!]))(
    'decode %s',
    (ellswift, x) => {
      expect(bytesToHex(defaultCrypto.decodePublicKey(hexToBytes(ellswift)))).toBe(x);
    },
  );

  test.each(inverseRows.map((row, i) => [i, row] as const))('xswiftec_inv, row %i', (_, row) => {
    const [u, x] = [row['u']!, row['x']!];
    for (let branch = 0; branch < 8; branch++) {
      const t = elligatorSwift._inv(BigInt(`0x${x}`), BigInt(`0x${u}`), branch);
      const hex = t === undefined ? '' : t.toString(16).padStart(64, '0');
      expect(hex).toBe(row[`case${branch}_t`]);
      if (hex !== '') expect(bytesToHex(defaultCrypto.decodePublicKey(hexToBytes(u + hex)))).toBe(x);
    }
  });
});

describe.each(providers)('key pairs of %s', (_, crypto) => {
  it('come from the randomness they are given, and encode the public key of their secret key', () => {
    const made = [1, 2, 3, 4, 5, 6].map((seed) => crypto.generateKeyPair(seededRandom(seed)));
    for (const [i, pair] of made.entries()) {
      expect(crypto.generateKeyPair(seededRandom(i + 1))).toEqual(pair);
      expect(isSecretKey(pair.secretKey)).toBe(true);
      expect(crypto.decodePublicKey(pair.publicKey)).toEqual(crypto.xOnlyPublicKey(pair.secretKey));
    }
    expect(new Set(made.map(({ publicKey }) => bytesToHex(publicKey))).size).toBe(made.length);
  });

  it('are fresh by default', () => {
    expect(crypto.generateKeyPair()).not.toEqual(crypto.generateKeyPair());
  });

  it('skip bytes that are no secret key', () => {
    const random = seededRandom(9);
    let calls = 0;
    const pair = crypto.generateKeyPair((length) =>
      calls++ === 0 ? new Uint8Array(length).fill(0xff) : random(length),
    );
    expect(isSecretKey(pair.secretKey)).toBe(true);
  });

  it('agree on a secret that depends on who began', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), fc.nat(0xffff), (seedA, seedB) => {
        const a = crypto.generateKeyPair(seededRandom(seedA));
        const b = crypto.generateKeyPair(seededRandom(seedB + 0x10000));
        const secret = crypto.ecdh(a, b.publicKey, true);
        expect(secret).toHaveLength(32);
        expect(crypto.ecdh(b, a.publicKey, false)).toEqual(secret);
        expect(crypto.ecdh(b, a.publicKey, true)).not.toEqual(secret);
        // as the library that implements BIP 324 for others computes it
        expect(elligatorSwift.getSharedSecretBip324(a.secretKey, b.publicKey, a.publicKey, true)).toEqual(
          secret,
        );
      }),
      { seed: 42, numRuns: 5 },
    );
  });

  it('are refused when they have the wrong size', () => {
    const pair = crypto.generateKeyPair(seededRandom(1));
    const wrong = expect.objectContaining({ code: 'crypto-input' });
    expect(() => crypto.decodePublicKey(new Uint8Array(63))).toThrow(wrong);
    expect(() => crypto.ecdh(pair, new Uint8Array(65), true)).toThrow(wrong);
    expect(() => crypto.ecdh({ ...pair, secretKey: new Uint8Array(32) }, pair.publicKey, true)).toThrow(
      wrong,
    );
    expect(() => crypto.ecdh({ ...pair, publicKey: new Uint8Array(33) }, pair.publicKey, true)).toThrow(
      wrong,
    );
  });
});
