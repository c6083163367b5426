/** Our ChaCha20-Poly1305 beside those of @noble/ciphers and OpenSSL, on as many random messages as one likes. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { tagLength, type CryptoProvider } from '../../src/crypto/index.js';

/** The longest message that is tried; most have less than 160 bytes. */
const maxLength = 2_100;

/** Numbers of 32 bits that look random: xorshift, all of it in the seed. */
function numbers(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/**
 * Seals, opens and fails to open.
 * @param rounds how many messages
 * @param seed the same gives the same messages
 * @returns what was not the same in all three, at most ten of them; nothing if all is well
 */
export function differences(aeadKey: CryptoProvider['aeadKey'], rounds: number, seed: number): string[] {
  const next = numbers(seed);
  const found: string[] = [];
  const [key, nonce, adBytes] = [new Uint8Array(32), new Uint8Array(12), new Uint8Array(64)];
  const plain = new Uint8Array(maxLength);
  const ours = new Uint8Array(maxLength + tagLength);
  const opened = new Uint8Array(maxLength);
  const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

  /** Random bytes, or one in four times bytes that make long carries. */
  const fill = (bytes: Uint8Array): void => {
    const kind = next() & 15;
    if (kind < 4) bytes.fill([0x00, 0xff, 0xfe, 0xfb][kind] as number);
    else for (let i = 0; i < bytes.length; i++) bytes[i] = next();
  };

  for (let round = 0; round < rounds && found.length < 10; round++) {
    const length = (next() & 31) === 0 ? next() % maxLength : next() % 160;
    const ad = adBytes.subarray(0, (next() & 3) === 0 ? next() % 65 : 0);
    const input = plain.subarray(0, length);
    for (const bytes of [key, nonce, ad, input]) fill(bytes);

    const aead = aeadKey(key);
    const sealed = ours.subarray(0, length + tagLength);
    aead.seal(nonce, ad, input, 0, length, sealed, 0);
    const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagLength });
    if (ad.length > 0) cipher.setAAD(ad, { plaintextLength: length });
    const openssl = Buffer.concat([cipher.update(input), cipher.final(), cipher.getAuthTag()]);
    const noble = chacha20poly1305(key, nonce, ad).encrypt(input);
    if (!same(sealed, openssl) || !same(sealed, noble)) found.push(`seed ${seed}, round ${round}: sealed`);

    const output = opened.subarray(0, length);
    if (!aead.open(nonce, ad, sealed, 0, sealed.length, output, 0) || !same(output, input))
      found.push(`seed ${seed}, round ${round}: opened`);

    // a bit that flipped on the way
    const flipped = next() % (8 * sealed.length);
    sealed[flipped >>> 3]! ^= 1 << (flipped & 7);
    const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagLength });
    if (ad.length > 0) decipher.setAAD(ad, { plaintextLength: length });
    decipher.setAuthTag(sealed.subarray(length));
    decipher.update(sealed.subarray(0, length));
    let theirs = true;
    try {
      decipher.final();
    } catch {
      theirs = false;
    }
    if (theirs || aead.open(nonce, ad, sealed, 0, sealed.length, output, 0))
      found.push(`seed ${seed}, round ${round}: bit ${flipped} flipped`);
    aead.destroy();
  }
  return found;
}
