import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { sha256Script } from '../../src/bitcoin/sha256-blocks.js';
import { sha256Wasm } from '../../src/bitcoin/sha256-wasm.js';
import { SHA256_INITIAL_STATE } from '../../src/bitcoin/sha256.js';

describe.each([
  ['in WebAssembly', sha256Wasm],
  ['in JavaScript', sha256Script],
])('SHA-256 by blocks %s', (_, make) => {
  const { words, compress, compressPadding } = make();
  const [initial, state, block] = [0, 8, 16];
  words.set(SHA256_INITIAL_STATE, initial);
  const digest = (): Buffer => {
    const bytes = Buffer.alloc(32);
    words.subarray(state, state + 8).forEach((word, index) => bytes.writeInt32BE(word, 4 * index));
    return bytes;
  };
  const load = (bytes: Buffer): void => {
    for (let index = 0; index < 16; index++) words[block + index] = bytes.readInt32BE(4 * index);
  };
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

  it('is that of OpenSSL for 64 bytes and their padding', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
        load(Buffer.from(bytes));
        compress(initial, block, state);
        compressPadding(state, state);
        expect(digest()).toEqual(sha256(bytes));
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  it('takes the state into the block that it came from', () => {
    const padded = Buffer.alloc(64);
    padded.write('abc');
    padded[3] = 0x80;
    padded[63] = 24;
    load(padded);
    compress(initial, block, block);
    words.copyWithin(state, block, block + 8);
    expect(digest()).toEqual(sha256(Buffer.from('abc')));
    expect(words.subarray(initial, initial + 8)).toEqual(SHA256_INITIAL_STATE);
  });
});
