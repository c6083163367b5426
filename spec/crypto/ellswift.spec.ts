import { describe, expect, it, test } from '@jest/globals';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { elligatorSwift } from '@scure/btc-signer/p2p.js';
import fc from 'fast-check';
import { elligatorSwift as ours } from '../../src/crypto/ellswift.js';
import { fieldPowerNoble } from '../../src/crypto/field-power-noble.js';
import { fieldPowerWasm } from '../../src/crypto/field-power-wasm.js';
import { defaultCrypto, type KeyPair, type PublicKey } from '../../src/crypto/index.js';
import { readVectors } from './csv.js';
import { providers, seededRandom } from './providers.js';

const fields = [
  ['noble', ours(fieldPowerNoble)],
  ['WebAssembly', ours(fieldPowerWasm())],
] as const;

describe.each(fields)('the vectors of BIP 324 by %s', (_name, ellswift) => {
  const decodeRows = readVectors('bip324-ellswift-decode.csv');
  const inverseRows = readVectors('bip324-xswiftec-inv.csv');

  it('are complete', () => {
    expect(decodeRows).toHaveLength(76);
    expect(inverseRows).toHaveLength(32);
  });

  test.each(decodeRows.map((row) => [row['ellswift']!, row['x']!, row['comment']!]))(
    'decode %s',
    (encoded, x) => {
      expect(bytesToHex(ellswift.decode(hexToBytes(encoded)))).toBe(x);
    },
  );

  test.each(inverseRows.map((row, i) => [i, row] as const))('xswiftec_inv, row %i', (_, row) => {
    const [u, x] = [row['u']!, row['x']!];
    for (let branch = 0; branch < 8; branch++) {
      const t = ellswift.inverse(BigInt(`0x${x}`), BigInt(`0x${u}`), branch);
      const hex = t === undefined ? '' : t.toString(16).padStart(64, '0');
      expect(hex).toBe(row[`case${branch}_t`]);
      if (hex !== '') expect(bytesToHex(ellswift.decode(hexToBytes(u + hex)))).toBe(x);
    }
  });
});

it.each(fields)('%s agrees with the library that implements BIP 324 for others', (_name, ellswift) => {
  const random = seededRandom(3);
  for (let i = 0; i < 60; i++) {
    const encoded = random(64);
    const x = ellswift.decode(encoded);
    expect(elligatorSwift.decode(encoded)).toEqual(x);
    const [number, u] = [BigInt(`0x${bytesToHex(x)}`), BigInt(`0x${bytesToHex(random(32))}`)];
    for (let branch = 0; branch < 8; branch++) {
      expect(ellswift.inverse(number, u, branch)).toBe(elligatorSwift._inv(number, u, branch));
    }
  }
});

describe.each(providers)('key pairs of %s', (_, crypto) => {
  it('come from the randomness they are given, and encode the public key of their secret key', () => {
    const made = [1, 2, 3, 4, 5, 6].map((seed) => crypto.generateKeyPair(seededRandom(seed)));
    for (const [i, { publicKey }] of made.entries()) {
      expect(crypto.generateKeyPair(seededRandom(i + 1)).publicKey).toEqual(publicKey);
      expect(defaultCrypto.generateKeyPair(seededRandom(i + 1)).publicKey).toEqual(publicKey);
      expect(publicKey.x).toEqual(crypto.xOnlyPublicKey(seededRandom(i + 1)(32)));
      expect(crypto.publicKey(publicKey.encoded)).toEqual(publicKey);
    }
    expect(new Set(made.map(({ publicKey }) => bytesToHex(publicKey.encoded))).size).toBe(made.length);
  });

  it('are fresh by default', () => {
    expect(crypto.generateKeyPair().publicKey).not.toEqual(crypto.generateKeyPair().publicKey);
  });

  it('skip bytes that are no secret key', () => {
    const random = seededRandom(9);
    let calls = 0;
    const { publicKey } = crypto.generateKeyPair((length) =>
      calls++ === 0 ? new Uint8Array(length).fill(0xff) : random(length),
    );
    expect(publicKey).toEqual(crypto.generateKeyPair(seededRandom(9)).publicKey);
  });

  it('agree on a secret that depends on who began', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), fc.nat(0xffff), (seedA, seedB) => {
        const a = crypto.generateKeyPair(seededRandom(seedA));
        const b = crypto.generateKeyPair(seededRandom(seedB + 0x10000));
        const [ofA, ofB] = [a, b].map(({ publicKey }) => crypto.publicKey(publicKey.encoded)) as [
          PublicKey,
          PublicKey,
        ];
        const secret = a.ecdh(ofB, true);
        expect(secret).toHaveLength(32);
        expect(b.ecdh(ofA, false)).toEqual(secret);
        expect(b.ecdh(ofA, true)).not.toEqual(secret);
        // as the library that implements BIP 324 for others computes it
        const secretKey = seededRandom(seedA)(32);
        expect(elligatorSwift.getSharedSecretBip324(secretKey, ofB.encoded, ofA.encoded, true)).toEqual(
          secret,
        );
      }),
      { seed: 42, numRuns: 5 },
    );
  });

  it('agree with public keys that another provider decoded', () => {
    const [a, b] = [1, 2].map((seed) => crypto.generateKeyPair(seededRandom(seed))) as [KeyPair, KeyPair];
    const secret = a.ecdh(b.publicKey, true);
    for (const [, other] of providers) {
      expect(a.ecdh(other.publicKey(b.publicKey.encoded), true)).toEqual(secret);
    }
  });

  it('forget their secret when they are destroyed, and clear its bytes', () => {
    const made: Uint8Array[] = [];
    const random = seededRandom(1);
    const pair = crypto.generateKeyPair((length) => {
      const bytes = random(length);
      made.push(bytes);
      return bytes;
    });
    pair.destroy();
    expect(made[0]).toEqual(new Uint8Array(32));
    expect(() => pair.ecdh(pair.publicKey, true)).toThrow(expect.objectContaining({ code: 'key-destroyed' }));
  });

  it.each([0, 32, 63, 65])('have no public key of %d bytes', (length) => {
    expect(() => crypto.publicKey(new Uint8Array(length))).toThrow(
      expect.objectContaining({ code: 'crypto-input' }),
    );
  });
});
