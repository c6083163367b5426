import { describe, expect, it } from '@jest/globals';
import { buildSync } from 'esbuild';
import { aeadWasm, at, longestText } from '../../src/crypto/chacha20-poly1305-wasm.js';
import { tagLength, type AeadKey } from '../../src/crypto/index.js';
import { differences } from './differential.js';
import { seededRandom } from './providers.js';
import { answerTo, vectors } from './wycheproof.js';

const built = buildSync({
  entryPoints: ['src/crypto/chacha20-poly1305.ts'],
  bundle: true,
  write: false,
  format: 'iife',
  globalName: 'cipher',
});
const code = `${built.outputFiles[0]?.text ?? ''}; return cipher.chacha20Poly1305Key;`;

/** Our cipher with other typed arrays than the machine's, and without WebAssembly unless its global object is given. */
const cipherWith = (
  int32Array: unknown,
  float64Array: unknown,
  globals: unknown = {},
): ((key: Uint8Array) => AeadKey) => {
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the bundle of our own source, with globals replaced
  const load = new Function('Int32Array', 'Float64Array', 'globalThis', code) as (
    ...globals: readonly unknown[]
  ) => (key: Uint8Array) => AeadKey;
  return load(int32Array, float64Array, globals);
};

interface Numbers {
  readonly view: DataView;
  readonly get: (offset: number) => number;
  readonly set: (offset: number, value: number) => void;
}

/** A typed array that lies in its buffer as it does on a machine with the most significant byte first. */
function bigEndian(bytesEach: number, access: (view: DataView) => Omit<Numbers, 'view'>) {
  return class {
    [index: number]: number;
    constructor(source: number | ArrayBufferLike, offset = 0) {
      const buffer = typeof source === 'number' ? new ArrayBuffer(source * bytesEach) : source;
      const view = new DataView(buffer, offset);
      const { get, set } = access(view);
      const length = view.byteLength / bytesEach;
      const own = {
        length,
        buffer,
        fill: (value: number) => {
          for (let i = 0; i < length; i++) set(i * bytesEach, value);
        },
      };
      return new Proxy(own, {
        get: (target, name) =>
          typeof name === 'string' && /^\d+$/.test(name)
            ? get(Number(name) * bytesEach)
            : (Reflect.get(target, name) as unknown),
        set: (_, name, value: number) => {
          set(Number(String(name)) * bytesEach, value);
          return true;
        },
      });
    }
  };
}

const BigEndianInt32Array = bigEndian(4, (view) => ({
  get: (offset) => view.getInt32(offset, false),
  set: (offset, value) => view.setInt32(offset, value, false),
}));
const BigEndianFloat64Array = bigEndian(8, (view) => ({
  get: (offset) => view.getFloat64(offset, false),
  set: (offset, value) => view.setFloat64(offset, value, false),
}));

describe('our ChaCha20-Poly1305 on a machine with the most significant byte first', () => {
  it.each([
    ['in JavaScript', {}],
    ['in WebAssembly', globalThis],
  ])('answers all that Project Wycheproof asks, %s', (_, globals) => {
    const makeKey = cipherWith(BigEndianInt32Array, BigEndianFloat64Array, globals);
    for (const vector of vectors) {
      const { result, sealed } = answerTo(vector, makeKey);
      expect([vector.tcId, result]).toEqual([vector.tcId, vector.result]);
      if (result === 'valid') expect(sealed).toBe(vector.ct + vector.tag);
    }
  });

  it('would be found out if it read bytes through arrays of words', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);
    expect(new Int32Array(bytes.buffer)[0]).toBe(0x04030201);
    expect(new BigEndianInt32Array(bytes.buffer)[0]).toBe(0x01020304);
  });
});

describe('our ChaCha20-Poly1305, once a call is over', () => {
  /** Everything that the cipher keeps in memory of its own. */
  const kept: (Int32Array | Float64Array)[] = [];
  const recording = <A extends Int32Array | Float64Array>(ArrayType: new (length: number) => A) =>
    class {
      constructor(length: number) {
        const array = new ArrayType(length);
        kept.push(array);
        return array;
      }
    };
  const makeKey = cipherWith(recording(Int32Array), recording(Float64Array));
  const random = seededRandom(9);

  const wordsOf = (bytes: Uint8Array): number[] => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length & ~3);
    return Array.from({ length: view.byteLength / 4 }, (_, i) => view.getInt32(4 * i, true));
  };

  it('keeps nothing but its key and the last tag, and no key once it is destroyed', () => {
    const [bytes, nonce] = [random(32), random(12)];
    const key = makeKey(bytes);
    const keyWords = wordsOf(bytes);
    for (const length of [0, 16, 33, 200]) {
      const sealed = new Uint8Array(length + tagLength);
      key.seal(nonce, random(5), new Uint8Array(length), 0, length, sealed, 0);
      // the plaintext is zeros: the ciphertext is the keystream
      const tag = wordsOf(sealed.subarray(length));
      const found = () => kept.flatMap((array) => [...array]).filter((value) => value !== 0);
      expect(found().sort()).toEqual([...keyWords, ...tag].sort());
      const opened = new Uint8Array(length);
      key.open(nonce, random(5), sealed, 0, sealed.length, opened, 0);
      expect(found().filter((value) => keyWords.includes(value))).toHaveLength(8);
      expect(found()).toHaveLength(12);
    }
    key.destroy();
    expect(kept.flatMap((array) => [...array]).filter((value) => keyWords.includes(value))).toEqual([]);
  });
});

describe('our ChaCha20-Poly1305 in WebAssembly, once a call is over', () => {
  it.each([0, 6, 16, 33, 200, longestText])('has overwritten keys and keystream of %d bytes', (length) => {
    const { bytes, seal, open } = aeadWasm();
    const random = seededRandom(11);
    const nonce = random(12);
    for (const call of [seal, open]) {
      bytes.set(random(32), at.key);
      bytes.set(nonce, at.nonce + 4);
      bytes.fill(0, at.text);
      call(length);
      const left = bytes.slice();
      left.fill(0, at.nonce, at.nonce + 32); // the nonce and the tag, which are no secrets
      left.fill(0, at.text, at.text + length);
      // behind the text is the block of the lengths
      const lengths = at.text + Math.ceil(length / 16) * 16;
      expect(Buffer.from(left.subarray(lengths, lengths + 16)).readUInt32LE(8)).toBe(length);
      left.fill(0, lengths, lengths + 16);
      expect(left.some((byte) => byte !== 0)).toBe(false);
      if (length > 0) expect(bytes.subarray(at.text, at.text + length).some((byte) => byte !== 0)).toBe(true);
    }
  });
});

it('is the same cipher where there is no WebAssembly', () => {
  expect(differences(cipherWith(Int32Array, Float64Array), 10_000, 20_261_127)).toEqual([]);
});
