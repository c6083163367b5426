import { describe, expect, it, test } from '@jest/globals';
import { sha256 } from '@noble/hashes/sha2.js';
import { createBase58check } from '@scure/base';
import { defaultCrypto } from '../../src/crypto/index.js';
import {
  decodeAuthorityPublicKey,
  decodeAuthoritySecretKey,
  encodeAuthorityPublicKey,
  encodeAuthoritySecretKey,
  generateAuthorityKeyPair,
} from '../../src/noise/index.js';

// spec §4.7.1
const raw = Uint8Array.from([
  118, 99, 112, 0, 151, 156, 28, 17, 175, 12, 48, 11, 205, 140, 127, 228, 134, 16, 252, 233, 185, 193, 30, 61,
  174, 227, 90, 224, 176, 138, 116, 85,
]);
const encoded = '9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh';

// a pair that the reference implementation's key-utils crate tests with
const publicText = '9bDuixKmZqAJnrmP746n8zU1wyAQRrus7th9dxnkPg6RzQvCnan';
const secretText = 'zmBEmPhqo3A92FkiLVvyCz6htc3e53ph3ZbD4ASqGaLjwnFLi';

const { encode } = createBase58check(sha256);

describe('authority public keys', () => {
  it('are written as in §4.7.1', () => {
    expect(encodeAuthorityPublicKey(raw)).toBe(encoded);
    expect(decodeAuthorityPublicKey(encoded)).toEqual(raw);
  });

  const version12 = Uint8Array.from([12, 0, ...raw]);
  const version256 = Uint8Array.from([0, 1, ...raw]);
  const offCurve = Uint8Array.from([1, 0, ...new Uint8Array(32).fill(0xff)]);
  test.each([
    ['', 'checksum', /checksum/],
    ['not a key', 'character', /not base58/],
    [encoded.replace('9', '0'), 'character', /not base58/],
    [`${encoded.slice(0, -1)}i`, 'checksum', /a character is wrong or missing/],
    [encoded.slice(1), 'checksum', /checksum/],
    [encode(version12), 'version', /version must be 1, got 12/],
    [encode(version256), 'version', /version must be 1, got 256/],
    [encode(version12.subarray(0, 33)), 'length', /34 bytes.*got 33/],
    [encode(Uint8Array.from([1, 0, ...raw, 0])), 'length', /got 35/],
    [secretText, 'length', /without a prefix it is a secret key/],
    [encode(offCurve), 'range', /not the X coordinate/],
  ])('%j is refused: %s', (text, reason, message) => {
    const decode = () => decodeAuthorityPublicKey(text);
    expect(decode).toThrow(
      expect.objectContaining({ code: 'authority-key', detail: { kind: 'public', reason } }),
    );
    expect(decode).toThrow(message);
    if (text !== '') expect(decode).not.toThrow(text);
  });

  it('are not written unless they are keys', () => {
    expect(() => encodeAuthorityPublicKey(new Uint8Array(32).fill(0xff))).toThrow(/not the X coordinate/);
    expect(() => encodeAuthorityPublicKey(new Uint8Array(33))).toThrow(/not the X coordinate/);
  });
});

describe('authority secret keys', () => {
  it('are written without a prefix, and belong to their public keys', () => {
    const secretKey = decodeAuthoritySecretKey(secretText);
    expect(secretKey).toHaveLength(32);
    expect(encodeAuthoritySecretKey(secretKey)).toBe(secretText);
    expect(encodeAuthorityPublicKey(defaultCrypto.xOnlyPublicKey(secretKey))).toBe(publicText);
  });

  const order = Uint8Array.from(
    'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'
      .match(/../g)!
      .map((byte) => parseInt(byte, 16)),
  );
  test.each([
    ['O0Il', 'character', /not base58/],
    [`${secretText.slice(0, -1)}j`, 'checksum', /checksum/],
    [publicText, 'length', /must hold 32 bytes, got 34.*is it a public key\?/],
    [encode(new Uint8Array(31).fill(1)), 'length', /got 31/],
    [encode(new Uint8Array(32)), 'range', /1 … n - 1/],
    [encode(order), 'range', /1 … n - 1/],
  ])('%j is refused: %s', (text, reason, message) => {
    const decode = () => decodeAuthoritySecretKey(text);
    expect(decode).toThrow(
      expect.objectContaining({ code: 'authority-key', detail: { kind: 'secret', reason } }),
    );
    expect(decode).toThrow(message);
    expect(decode).not.toThrow(text);
  });

  it('are not written unless they are keys', () => {
    expect(() => encodeAuthoritySecretKey(order)).toThrow(/1 … n - 1/);
    expect(() => encodeAuthoritySecretKey(new Uint8Array(31))).toThrow(/1 … n - 1/);
  });
});

it('generated authority keys belong together and survive their text form', () => {
  const { secretKey, publicKey } = generateAuthorityKeyPair(defaultCrypto);
  expect(defaultCrypto.xOnlyPublicKey(secretKey)).toEqual(publicKey);
  expect(decodeAuthorityPublicKey(encodeAuthorityPublicKey(publicKey))).toEqual(publicKey);
  expect(decodeAuthoritySecretKey(encodeAuthoritySecretKey(secretKey))).toEqual(secretKey);
  expect(generateAuthorityKeyPair(defaultCrypto).secretKey).not.toEqual(secretKey);
});
