import { describe, expect, it, test } from '@jest/globals';
import { poly1305 as noblePoly1305 } from '@noble/ciphers/_poly1305.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { chacha20Block, readWord, writeWord } from '../../src/crypto/chacha20.js';
import { polyAddPadded, polyBegin, polyEnd } from '../../src/crypto/poly1305.js';

const wordsOf = (bytes: Uint8Array): Int32Array =>
  Int32Array.from({ length: bytes.length / 4 }, (_, i) => readWord(bytes, 4 * i));
const words = (hex: string): Int32Array => wordsOf(hexToBytes(hex));

/** The tag of a message that is filled up with zeros to whole blocks, as the AEAD construction has it. */
function paddedTag(key: Uint8Array, message: Uint8Array): Uint8Array {
  polyBegin(wordsOf(key));
  polyAddPadded(message, 0, message.length);
  const tag = new Uint8Array(16);
  polyEnd().forEach((word, i) => writeWord(tag, 4 * i, word));
  return tag;
}

const padded = (message: Uint8Array): Uint8Array => {
  const whole = new Uint8Array(16 * Math.ceil(message.length / 16));
  whole.set(message);
  return whole;
};

describe('the ChaCha20 block function', () => {
  test.each([
    [
      'RFC 8439 §2.3.2',
      '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
      '000000090000004a00000000',
      1,
      '10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e' +
        'd2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e',
    ],
    [
      'RFC 8439 A.1 #1',
      '00'.repeat(32),
      '00'.repeat(12),
      0,
      '76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7' +
        'da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586',
    ],
  ])('gives the vector of %s', (_, key, nonce, counter, expected) => {
    const out = new Int32Array(16);
    chacha20Block(words(key), hexToBytes(nonce), counter, out);
    expect(out).toEqual(words(expected));
  });
});

describe('Poly1305', () => {
  const ones = 'ff'.repeat(16);
  const zero = '00'.repeat(16);
  const two = `02${'00'.repeat(15)}`;
  test.each([
    ['A.3 #1', zero + zero, '00'.repeat(64), zero],
    ['A.3 #7', two + zero, ones, `03${'00'.repeat(15)}`],
    ['A.3 #8', two + ones, two, `03${'00'.repeat(15)}`],
    [
      'A.3 #9',
      `01${'00'.repeat(15)}${zero}`,
      `${ones}f0${'ff'.repeat(15)}11${'00'.repeat(15)}`,
      `05${'00'.repeat(15)}`,
    ],
    ['A.3 #10', `01${'00'.repeat(15)}${zero}`, `${ones}fb${'fe'.repeat(15)}${'01'.repeat(16)}`, zero],
    ['A.3 #11', two + zero, `fd${'ff'.repeat(15)}`, `fa${'ff'.repeat(15)}`],
    [
      'A.3 #12',
      `01000000000000000400000000000000${zero}`,
      `e33594d7505e43b900000000000000003394d7505e4379cd0100000000000000${zero}01${'00'.repeat(15)}`,
      '14000000000000005500000000000000',
    ],
    [
      'A.3 #13',
      `01000000000000000400000000000000${zero}`,
      `e33594d7505e43b900000000000000003394d7505e4379cd0100000000000000${zero}`,
      `13${'00'.repeat(15)}`,
    ],
  ])('gives the vector of RFC 8439 %s', (_, key, message, tag) => {
    expect(bytesToHex(paddedTag(hexToBytes(key), hexToBytes(message)))).toBe(tag);
  });

  it('agrees with @noble/ciphers, on bytes that make long carries above all', () => {
    const byte = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xfb, 0xfe, 0xff), fc.nat(255));
    const bytes = (minLength: number, maxLength: number) =>
      fc.oneof(
        fc.array(byte, { minLength, maxLength }).map((array) => Uint8Array.from(array)),
        fc.tuple(byte, fc.integer({ min: minLength, max: maxLength })).map(([value, length]) => {
          return new Uint8Array(length).fill(value);
        }),
      );
    fc.assert(
      fc.property(bytes(32, 32), bytes(0, 200), (key, message) => {
        expect(bytesToHex(paddedTag(key, message))).toBe(bytesToHex(noblePoly1305(padded(message), key)));
      }),
      { seed: 42, numRuns: 3000 },
    );
  });
});
