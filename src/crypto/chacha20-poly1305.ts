import { chacha20Block, chacha20Xor, readWord, writeWord } from './chacha20.js';
import { polyAddLengths, polyAddPadded, polyBegin, polyEnd } from './poly1305.js';
import { aeadWasm, at, longestText, type AeadWasm } from './chacha20-poly1305-wasm.js';
import { keyDestroyed, requireAeadInput, requireLength, tagLength, type AeadKey } from './provider.js';

/** Keystream of the call under way; all-zero between calls. */
const block = new Int32Array(16);

/** In WebAssembly; null where there is none, or no vectors in it. Made with the first key: that takes a millisecond. */
let wasm: AeadWasm | null | undefined;

const wasmIfAny = (): AeadWasm | null => {
  try {
    return aeadWasm();
  } catch {
    return null;
  }
};

/**
 * The AEAD of RFC 8439 §2.8, written for short messages: most Stratum frames are a 6-byte header and a payload of a few dozen
 * bytes, where the set-up that a general library does for every call costs ten times the cipher itself.
 * Nothing is allocated to seal or to open.
 *
 * Constant time for lengths, here and in what it calls: sealing never branches on bytes, opening once, on whether the tag
 * is right, which whoever sent it learns anyway. No keystream and no one-time key is left in memory after a call; the key
 * itself is overwritten by `destroy`.
 * @param key 32 bytes, copied
 * @throws Sv2Error `crypto-input`
 */
export function chacha20Poly1305Key(key: Uint8Array): AeadKey {
  requireLength('a ChaCha20-Poly1305 key', key, 32);
  const words = new Int32Array(8);
  for (let i = 0; i < 8; i++) words[i] = readWord(key, 4 * i);
  if (wasm === undefined) wasm = wasmIfAny();
  return new ChaCha20Poly1305Key(words);
}

// A class, so that thousands of connections share the methods and each holds no more than its words.
class ChaCha20Poly1305Key implements AeadKey {
  #words: Int32Array | undefined;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  seal(
    nonce: Uint8Array,
    ad: Uint8Array,
    input: Uint8Array,
    start: number,
    end: number,
    out: Uint8Array,
    offset: number,
  ): void {
    const words = this.#words;
    if (words === undefined) throw keyDestroyed();
    const length = end - start;
    requireAeadInput(nonce, input, start, end, length + tagLength, out, offset);
    const fast = fastFor(ad, length);
    if (fast !== null) {
      load(fast.bytes, words, nonce, input, start, length);
      fast.seal(length);
      copy(fast.bytes, at.text, length, out, offset);
      copy(fast.bytes, at.tag, tagLength, out, offset + length);
      return;
    }
    chacha20Xor(words, nonce, 1, input, start, length, out, offset, block);
    const tag = authenticate(words, nonce, ad, out, offset, length);
    for (let i = 0; i < 4; i++) writeWord(out, offset + length + 4 * i, tag[i]!);
  }

  open(
    nonce: Uint8Array,
    ad: Uint8Array,
    input: Uint8Array,
    start: number,
    end: number,
    out: Uint8Array,
    offset: number,
  ): boolean {
    const words = this.#words;
    if (words === undefined) throw keyDestroyed();
    const length = end - start - tagLength;
    requireAeadInput(nonce, input, start, end, length, out, offset);
    const fast = fastFor(ad, length);
    if (fast !== null) {
      load(fast.bytes, words, nonce, input, start, length);
      fast.open(length);
      const isAuthentic = differenceOf(fast.bytes, input, start + length) === 0;
      if (isAuthentic) copy(fast.bytes, at.text, length, out, offset);
      // what is not authentic is nobody's
      else fast.bytes.fill(0, at.text, at.text + length);
      return isAuthentic;
    }
    const tag = authenticate(words, nonce, ad, input, start, length);
    let difference = 0; // all four words are compared, wherever the first difference is
    for (let i = 0; i < 4; i++) difference |= tag[i]! ^ readWord(input, start + length + 4 * i);
    if (difference !== 0) return false;
    chacha20Xor(words, nonce, 1, input, start, length, out, offset, block);
    for (let i = 0; i < 16; i++) block[i] = 0;
    return true;
  }

  destroy(): void {
    this.#words?.fill(0);
    this.#words = undefined;
  }
}

/** What takes a message, or null: the module has room for texts that are not long, and no use for associated data. */
const fastFor = (ad: Uint8Array, length: number): AeadWasm | null =>
  ad.length === 0 && length <= longestText ? (wasm ?? null) : null;

/** Copies a text, a key and a nonce to where the module has them. Constant time for a length. */
function load(
  bytes: Uint8Array,
  key: Int32Array,
  nonce: Uint8Array,
  input: Uint8Array,
  start: number,
  length: number,
): void {
  for (let i = 0; i < 8; i++) writeWord(bytes, at.key + 4 * i, key[i]!);
  copy(nonce, 0, 12, bytes, at.nonce + 4);
  copy(input, start, length, bytes, at.text);
}

/** Bytes from which on a view for `set` takes less than a loop. */
const manyBytes = 64;

/** Copies bytes; for a few of them a view takes longer than the loop. Constant time for a length. */
function copy(from: Uint8Array, start: number, length: number, to: Uint8Array, offset: number): void {
  if (length > manyBytes) to.set(from.subarray(start, start + length), offset);
  else for (let i = 0; i < length; i++) to[offset + i] = from[start + i]!;
}

/** 0 if the module's tag is that at `bytes[start]`; all 16 bytes are compared, wherever the first difference is. */
function differenceOf(module: Uint8Array, bytes: Uint8Array, start: number): number {
  let difference = 0;
  for (let i = 0; i < tagLength; i++) difference |= module[at.tag + i]! ^ bytes[start + i]!;
  return difference;
}

/**
 * The tag, as 4 words, of `length` bytes of ciphertext at `bytes[offset]`.
 * Constant time for lengths: it calls what is so, in an order that is always the same.
 */
function authenticate(
  key: Int32Array,
  nonce: Uint8Array,
  ad: Uint8Array,
  bytes: Uint8Array,
  offset: number,
  length: number,
): Int32Array {
  chacha20Block(key, nonce, 0, block); // RFC 8439 §2.6: the one-time key is the first half of block 0
  polyBegin(block);
  for (let i = 0; i < 16; i++) block[i] = 0;
  polyAddPadded(ad, 0, ad.length);
  polyAddPadded(bytes, offset, length);
  polyAddLengths(ad.length, length);
  return polyEnd();
}
