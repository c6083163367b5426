import { describe, expect, it } from '@jest/globals';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { tagLength, type AeadKey } from '../../src/crypto/index.js';
import { providers, seededRandom } from './providers.js';

const empty = new Uint8Array(0);
function seal(
  key: AeadKey,
  nonce: Uint8Array,
  ad: Uint8Array,
  plaintext: Uint8Array,
  out: Uint8Array,
  offset: number,
): void {
  key.seal(nonce, ad, plaintext, 0, plaintext.length, out, offset);
}

function open(
  key: AeadKey,
  nonce: Uint8Array,
  ad: Uint8Array,
  ciphertext: Uint8Array,
  out: Uint8Array,
  offset: number,
): boolean {
  return key.open(nonce, ad, ciphertext, 0, ciphertext.length, out, offset);
}

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

// RFC 8439 §2.8.2
const rfc8439 = {
  key: hexToBytes('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f'),
  nonce: hexToBytes('070000004041424344454647'),
  ad: hexToBytes('50515253c0c1c2c3c4c5c6c7'),
  plaintext: utf8ToBytes(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  ),
  ciphertext:
    'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b' +
    '1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc' +
    '3ff4def08e4b7a9de576d26586cec64b6116' +
    '1ae10b594f09e26a7e902ecbd0600691',
};

describe.each(providers)('ChaCha20-Poly1305 of %s', (_, crypto) => {
  it('gives the vector of RFC 8439 §2.8.2', () => {
    const { key, nonce, ad, plaintext, ciphertext } = rfc8439;
    const out = new Uint8Array(plaintext.length + tagLength);
    seal(crypto.aeadKey(key), nonce, ad, plaintext, out, 0);
    expect(bytesToHex(out)).toBe(ciphertext);
    const back = new Uint8Array(plaintext.length);
    expect(open(crypto.aeadKey(key), nonce, ad, out, back, 0)).toBe(true);
    expect(back).toEqual(plaintext);
  });

  it('agrees with @noble/ciphers, at any offset and in place', () => {
    const length = fc.oneof(fc.nat(300), fc.constantFrom(1519, 1520, 1535, 1536, 1537, 4000));
    const plaintext = length.chain(bytes);
    const ad = fc.oneof(fc.constant(empty), fc.uint8Array({ maxLength: 70 }));
    fc.assert(
      fc.property(bytes(32), bytes(12), ad, plaintext, fc.nat(9), (key, nonce, ad, plaintext, offset) => {
        const expected = chacha20poly1305(key, nonce, ad).encrypt(plaintext);
        const aead = crypto.aeadKey(key);
        const out = new Uint8Array(offset + expected.length + 3).fill(0xaa);
        seal(aead, nonce, ad, plaintext, out, offset);
        expect(bytesToHex(out.subarray(offset, offset + expected.length))).toBe(bytesToHex(expected));
        expect(out.subarray(0, offset).every((byte) => byte === 0xaa)).toBe(true);
        expect(out.subarray(offset + expected.length)).toEqual(new Uint8Array(3).fill(0xaa));

        const opened = new Uint8Array(offset + plaintext.length);
        expect(open(aead, nonce, ad, expected, opened, offset)).toBe(true);
        expect(bytesToHex(opened.subarray(offset))).toBe(bytesToHex(plaintext));

        const inPlace = new Uint8Array(plaintext.length + tagLength);
        inPlace.set(plaintext);
        aead.seal(nonce, ad, inPlace, 0, plaintext.length, inPlace, 0);
        expect(bytesToHex(inPlace)).toBe(bytesToHex(expected));
        expect(open(aead, nonce, ad, inPlace, inPlace, 0)).toBe(true);
        expect(bytesToHex(inPlace.subarray(0, plaintext.length))).toBe(bytesToHex(plaintext));

        // a range of the input, inside other bytes
        const [start, end] = [offset, offset + plaintext.length];
        const range = new Uint8Array(end + tagLength + 5).fill(0xaa);
        range.set(plaintext, start);
        const sealed = new Uint8Array(expected.length);
        aead.seal(nonce, ad, range, start, end, sealed, 0);
        expect(bytesToHex(sealed)).toBe(bytesToHex(expected));
        range.set(sealed, start);
        expect(aead.open(nonce, ad, range, start, end + tagLength, range, start)).toBe(true);
        expect(bytesToHex(range.subarray(start, end))).toBe(bytesToHex(plaintext));
        expect(range.subarray(end + tagLength)).toEqual(new Uint8Array(5).fill(0xaa));
      }),
      { seed: 42, numRuns: 120 },
    );
  });

  it('opens nothing that was changed in any bit of ciphertext, tag, nonce or associated data', () => {
    const random = seededRandom(3);
    const [key, nonce, ad] = [random(32), random(12), random(5)];
    const aead = crypto.aeadKey(key);
    for (const length of [0, 20, 1540]) {
      const sealed = new Uint8Array(length + tagLength);
      seal(aead, nonce, ad, random(length), sealed, 0);
      const out = new Uint8Array(length).fill(0xaa);
      for (const input of [sealed, nonce, ad]) {
        for (let i = Math.max(0, input.length - 60); i < input.length; i++) {
          input[i]! ^= 1 << (i & 7);
          expect(open(aead, nonce, ad, sealed, out, 0)).toBe(false);
          input[i]! ^= 1 << (i & 7);
        }
      }
      expect(out.every((byte) => byte === 0xaa)).toBe(true);
      expect(open(aead, nonce, ad, sealed, out, 0)).toBe(true);
    }
  });

  it('copies its key, and refuses to work once that is destroyed', () => {
    const key = seededRandom(4)(32);
    const aead = crypto.aeadKey(key);
    const reference = crypto.aeadKey(key);
    key.fill(0);
    for (const length of [10, 2000]) {
      const [one, two] = [new Uint8Array(length + tagLength), new Uint8Array(length + tagLength)];
      seal(aead, new Uint8Array(12), empty, new Uint8Array(length), one, 0);
      seal(reference, new Uint8Array(12), empty, new Uint8Array(length), two, 0);
      expect(one).toEqual(two);
    }
    aead.destroy();
    aead.destroy();
    const destroyed = expect.objectContaining({ code: 'key-destroyed' });
    for (const length of [10, 2000]) {
      const buffer = new Uint8Array(length + tagLength);
      const attempt = () => seal(aead, new Uint8Array(12), empty, new Uint8Array(length), buffer, 0);
      expect(attempt).toThrow(destroyed);
      expect(() => open(aead, new Uint8Array(12), empty, buffer, buffer, 0)).toThrow(destroyed);
      expect(buffer.every((byte) => byte === 0)).toBe(true);
    }
  });

  it('refuses input of the wrong size', () => {
    const wrong = expect.objectContaining({ code: 'crypto-input' });
    expect(() => crypto.aeadKey(new Uint8Array(31))).toThrow(wrong);
    const aead = crypto.aeadKey(new Uint8Array(32));
    const out = new Uint8Array(100);
    const nonce = new Uint8Array(12);
    expect(() => seal(aead, new Uint8Array(8), empty, new Uint8Array(1), out, 0)).toThrow(wrong);
    expect(() => seal(aead, nonce, empty, new Uint8Array(85), out, 0)).toThrow(wrong);
    expect(() => seal(aead, nonce, empty, new Uint8Array(2000), out, 0)).toThrow(wrong);
    expect(() => seal(aead, nonce, empty, new Uint8Array(1), out, -1)).toThrow(wrong);
    expect(() => open(aead, nonce, empty, new Uint8Array(15), out, 0)).toThrow(wrong);
    expect(() => open(aead, nonce, empty, new Uint8Array(40), out, 77)).toThrow(wrong);
    expect(() => open(aead, nonce, empty, new Uint8Array(2000), out, 0)).toThrow(wrong);
    for (const [start, end] of [
      [-1, 10],
      [20, 10],
      [0, 51],
      [Number.NaN, 10],
    ] as const) {
      expect(() => aead.seal(nonce, empty, new Uint8Array(50), start, end, out, 0)).toThrow(wrong);
      expect(() => aead.open(nonce, empty, new Uint8Array(50), start, end, out, 0)).toThrow(wrong);
    }
  });
});
