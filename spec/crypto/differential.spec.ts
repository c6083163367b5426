import { expect, it } from '@jest/globals';
import { chacha20Poly1305Key } from '../../src/crypto/chacha20-poly1305.js';
import { differences } from './differential.js';

it('our ChaCha20-Poly1305 does what @noble/ciphers and OpenSSL do, for 100,000 messages', () => {
  expect(differences(chacha20Poly1305Key, 100_000, 20_261_126)).toEqual([]);
});

it('a difference would be found', () => {
  const wrong = (bytes: Uint8Array) => {
    const key = chacha20Poly1305Key(bytes);
    return {
      ...{ destroy: () => key.destroy(), open: key.open.bind(key) },
      seal(...[nonce, ad, input, start, end, out, offset]: Parameters<typeof key.seal>) {
        key.seal(nonce, ad, input, start, end, out, offset);
        if (bytes[0] === 0x17) out[offset]! ^= 0x80; // for one key in 256
      },
    };
  };
  expect(differences(wrong, 5_000, 1).length).toBeGreaterThan(0);
});
