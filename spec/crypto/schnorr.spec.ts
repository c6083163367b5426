import { describe, expect, it, test } from '@jest/globals';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { defaultCrypto, isSecretKey, isXOnlyPublicKey } from '../../src/crypto/index.js';
import { readVectors } from './csv.js';
import { providers, seededRandom } from './providers.js';

describe('the vectors of BIP 340', () => {
  const rows = readVectors('bip340.csv');

  it('are complete', () => {
    expect(rows).toHaveLength(19);
    expect(rows.filter((row) => row['verification result'] === 'FALSE')).toHaveLength(10);
  });

  for (const row of rows) {
    const [publicKey, message, signature] = [row['public key']!, row['message']!, row['signature']!].map(
      hexToBytes,
    ) as [Uint8Array, Uint8Array, Uint8Array];

    test.each(providers)(
      `${row['index']} verifies: ${row['verification result']} ${row['comment']} (%s)`,
      (_, crypto) => {
        const expected = row['verification result'] === 'TRUE';
        expect(crypto.schnorrVerify(signature, message, publicKey)).toBe(expected);
      },
    );

    if (row['secret key'] !== '') {
      test(`${row['index']} is signed`, () => {
        const secretKey = hexToBytes(row['secret key']!);
        expect(defaultCrypto.xOnlyPublicKey(secretKey)).toEqual(publicKey);
        const signed = defaultCrypto.schnorrSign(message, secretKey, hexToBytes(row['aux_rand']!));
        expect(bytesToHex(signed).toUpperCase()).toBe(row['signature']);
      });
    }
  }

  it.each(providers)('%s verifies what is signed, and nothing else', (_, crypto) => {
    const random = seededRandom(340);
    for (let i = 0; i < 20; i++) {
      const [secretKey, message] = [random(32), random(i)];
      const [publicKey, signature] = [
        defaultCrypto.xOnlyPublicKey(secretKey),
        defaultCrypto.schnorrSign(message, secretKey, random(32)),
      ];
      expect(crypto.schnorrVerify(signature, message, publicKey)).toBe(true);
      const at = random(1)[0]! % 64;
      const changed = signature.map((byte, index) => (index === at ? byte ^ (1 << (i & 7)) : byte));
      expect(crypto.schnorrVerify(changed, message, publicKey)).toBe(false);
      expect(crypto.schnorrVerify(signature, Uint8Array.of(...message, 0), publicKey)).toBe(false);
      expect(crypto.schnorrVerify(signature, message, random(32))).toBe(false);
    }
  });

  it('tell keys on the curve from others', () => {
    expect(isXOnlyPublicKey(hexToBytes(rows[0]!['public key']!))).toBe(true);
    expect(isXOnlyPublicKey(hexToBytes(rows[5]!['public key']!))).toBe(false);
    expect(isXOnlyPublicKey(hexToBytes(rows[14]!['public key']!))).toBe(false); // not below p
    expect(isXOnlyPublicKey(new Uint8Array(31))).toBe(false);
  });
});

describe('secret keys', () => {
  const order = hexToBytes('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141');
  const orderMinusOne = order.slice();
  orderMinusOne[31]!--;

  it('are in 1 … n - 1', () => {
    expect(isSecretKey(new Uint8Array(32))).toBe(false);
    expect(isSecretKey(order)).toBe(false);
    expect(isSecretKey(orderMinusOne)).toBe(true);
    expect(isSecretKey(new Uint8Array(31).fill(1))).toBe(false);
  });

  it('are refused by name and never shown', () => {
    for (const key of [order, new Uint8Array(32), new Uint8Array(33).fill(7)]) {
      const attempt = () => defaultCrypto.schnorrSign(new Uint8Array(32), key);
      expect(attempt).toThrow(expect.objectContaining({ code: 'crypto-input' }));
      expect(attempt).toThrow(/secret key must be/);
      expect(attempt).not.toThrow(bytesToHex(key));
    }
  });

  it('sign with fresh randomness', () => {
    const sign = () => defaultCrypto.schnorrSign(new Uint8Array(32), orderMinusOne);
    expect(sign()).not.toEqual(sign());
  });
});
