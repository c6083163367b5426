/** The vectors of Project Wycheproof for ChaCha20-Poly1305: see spec/vectors/README.md. */
import { readFileSync } from 'node:fs';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { tagLength, type AeadKey } from '../../src/crypto/index.js';

/** One vector, in hex. */
export interface AeadVector {
  readonly tcId: number;
  readonly comment: string;
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
  readonly result: 'valid' | 'invalid';
}

const file = JSON.parse(readFileSync('spec/vectors/wycheproof/chacha20_poly1305_test.json', 'utf8')) as {
  readonly numberOfTests: number;
  readonly testGroups: readonly { readonly tests: readonly AeadVector[] }[];
};

/** All of them; `announced` is how many the file says it has. */
export const vectors = file.testGroups.flatMap(({ tests }) => tests);
export const announced = file.numberOfTests;

/**
 * What an implementation answers to a vector.
 * @returns `valid` and the ciphertext ‖ tag that sealing gives, in hex; `invalid` without, also for input that it refuses
 */
export function answerTo(
  { key, iv, aad, msg, ct, tag }: AeadVector,
  makeKey: (key: Uint8Array) => AeadKey,
): { readonly result: 'valid' | 'invalid'; readonly sealed: string } {
  const [nonce, ad, sealed] = [hexToBytes(iv), hexToBytes(aad), hexToBytes(ct + tag)];
  try {
    const aead = makeKey(hexToBytes(key));
    const opened = new Uint8Array(Math.max(0, sealed.length - tagLength));
    const isValid = aead.open(nonce, ad, sealed, 0, sealed.length, opened, 0);
    if (isValid && bytesToHex(opened) !== msg) throw new Error('opened to something else');
    const again = new Uint8Array(msg.length / 2 + tagLength);
    aead.seal(nonce, ad, hexToBytes(msg), 0, msg.length / 2, again, 0);
    return { result: isValid ? 'valid' : 'invalid', sealed: bytesToHex(again) };
  } catch (error) {
    if ((error as { code?: string }).code !== 'crypto-input') throw error;
    return { result: 'invalid', sealed: '' };
  }
}
