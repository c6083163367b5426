import { describe, expect, it } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { fieldPowerNoble } from '../../src/crypto/field-power-noble.js';
import { fieldPowerWasm } from '../../src/crypto/field-power-wasm.js';
import { seededRandom } from './providers.js';

const { Fp } = secp256k1.Point;
const p = Fp.ORDER;

/** Numbers at every edge of a limb, a word and the field, and some that have no pattern. */
function numbers(): bigint[] {
  const random = seededRandom(7);
  const edges = Array.from({ length: 256 }, (_, bit) => 1n << BigInt(bit)).flatMap((power) => [
    power - 1n,
    power,
    power + 1n,
    p - power,
  ]);
  const others = Array.from({ length: 400 }, () => BigInt(`0x${bytesToHex(random(32))}`));
  return [...edges, ...others, p - 1n].map((a) => a % p);
}

describe('powers in WebAssembly', () => {
  const wasm = fieldPowerWasm();

  it('are those of noble', () => {
    for (const a of numbers()) {
      expect(wasm.isSquare(a)).toBe(fieldPowerNoble.isSquare(a));
      expect(wasm.squareRoot(a)).toBe(fieldPowerNoble.squareRoot(a));
      if (a !== 0n) expect(wasm.inverse(a)).toBe(fieldPowerNoble.inverse(a));
    }
  });

  it('undo squares and products', () => {
    for (const a of numbers()) {
      const root = wasm.squareRoot(Fp.sqr(a));
      expect([a, Fp.neg(a)]).toContain(root);
      expect(wasm.isSquare(root as bigint)).toBe(true);
      if (a !== 0n) expect(Fp.mul(wasm.inverse(a), a)).toBe(1n);
    }
  });
});
