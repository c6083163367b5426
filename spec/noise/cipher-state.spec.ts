import { describe, expect, it } from '@jest/globals';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { defaultCrypto } from '../../src/crypto/index.js';
import { CipherState } from '../../src/noise/index.js';
import { providers } from '../crypto/providers.js';
import { cipherPair, codeOf } from './fixtures.js';

const empty = new Uint8Array(0);
const ad = Uint8Array.of(1, 2, 3);
const text = Uint8Array.of(10, 20, 30, 40);

function seal(cipher: CipherState): Uint8Array {
  const out = new Uint8Array(text.length + 16);
  cipher.encrypt(ad, text, 0, text.length, out, 0);
  return out;
}

describe.each(providers)('CipherState with %s', (_, crypto) => {
  it('counts nonces as 32 zero bits and a little-endian U64', () => {
    const key = new Uint8Array(32).fill(9);
    for (const first of [
      0n,
      1n,
      254n,
      0xffff_ffffn,
      0x1_0000_0000n,
      0x0102_0304_ffff_fffen,
      0xffff_ffff_ffff_fffcn,
    ]) {
      const cipher = new CipherState(crypto, key, first);
      for (let n = first; n < first + 3n; n++) {
        const nonce = new Uint8Array(12);
        new DataView(nonce.buffer).setBigUint64(4, n, true);
        expect(cipher.nonce).toBe(n);
        expect(seal(cipher)).toEqual(chacha20poly1305(key, nonce, ad).encrypt(text));
      }
      expect(cipher.nonce).toBe(first + 3n);
    }
  });

  it('advances with every success and not with a failure', () => {
    const [sender, receiver] = cipherPair(crypto);
    const out = new Uint8Array(4);
    for (let n = 0n; n < 3n; n++) {
      const sealed = seal(sender);
      sealed[0]! ^= 1;
      expect(receiver.decrypt(ad, sealed, 0, sealed.length, out, 0)).toBe(false);
      expect(receiver.nonce).toBe(n);
      sealed[0]! ^= 1;
      expect(receiver.decrypt(empty, sealed, 0, sealed.length, out, 0)).toBe(false);
      expect(receiver.decrypt(ad, sealed, 0, sealed.length, out, 0)).toBe(true);
      expect(receiver.nonce).toBe(n + 1n);
      expect(receiver.decrypt(ad, sealed, 0, sealed.length, out, 0)).toBe(false); // a replay
    }
    expect(out).toEqual(text);
    expect(codeOf(() => sender.encrypt(ad, text, 0, text.length, new Uint8Array(3), 0))).toBe('crypto-input');
    expect(sender.nonce).toBe(3n);
  });

  it('never wraps', () => {
    const [sender, receiver] = cipherPair(crypto, 0xffff_ffff_ffff_fffen);
    const sealed = seal(sender);
    expect(receiver.decrypt(ad, sealed, 0, sealed.length, new Uint8Array(4), 0)).toBe(true);
    for (let again = 0; again < 2; again++) {
      expect(codeOf(() => seal(sender))).toBe('nonce-exhausted');
      expect(codeOf(() => receiver.decrypt(ad, sealed, 0, sealed.length, new Uint8Array(4), 0))).toBe(
        'nonce-exhausted',
      );
    }
    expect(sender.nonce).toBe(0xffff_ffff_ffff_ffffn);
    expect(receiver.nonce).toBe(0xffff_ffff_ffff_ffffn);
  });

  it('refuses to work once destroyed', () => {
    const [sender, receiver] = cipherPair(crypto);
    const sealed = seal(sender);
    sender.destroy();
    receiver.destroy();
    expect(codeOf(() => seal(sender))).toBe('key-destroyed');
    expect(codeOf(() => receiver.decrypt(ad, sealed, 0, sealed.length, new Uint8Array(4), 0))).toBe(
      'key-destroyed',
    );
  });
});

it('destroys the key of the provider', () => {
  let destroyed = 0;
  const crypto = {
    ...defaultCrypto,
    aeadKey: (key: Uint8Array) => {
      const aead = defaultCrypto.aeadKey(key);
      return { seal: aead.seal.bind(aead), open: aead.open.bind(aead), destroy: () => void destroyed++ };
    },
  };
  new CipherState(crypto, new Uint8Array(32)).destroy();
  expect(destroyed).toBe(1);
});
