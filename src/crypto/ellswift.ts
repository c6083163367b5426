/**
 * The ElligatorSwift encoding of X coordinates (BIP 324): numbers modulo p, bytes big-endian.
 *
 * Encodings and what they stand for are public, so that nothing here has to take the same time for all of them. The time goes into
 * telling squares from other numbers, inversions and square roots: hence one inversion where the formulas have several, and no root
 * before it is certain that there is one.
 */

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { requireLength, type RandomBytes } from './provider.js';

const { Fp } = secp256k1.Point;
/** The square root of -3 that is a square itself. */
const c = Fp.sqrt(Fp.neg(3n));
const half = Fp.inv(2n);
const halfOfOnePlusC = Fp.mul(Fp.add(1n, c), half);
const halfOfOneMinusC = Fp.mul(Fp.sub(1n, c), half);

/** u³ + 7 */
function curve(u: bigint): bigint {
  return Fp.add(Fp.mul(Fp.sqr(u), u), 7n);
}

/** What of the arithmetic modulo p takes time. All numbers are in 0 … p - 1. */
export interface FieldPower {
  /** Whether there is a square root. */
  isSquare(a: bigint): boolean;
  /** The square root that is a square itself, or undefined if `a` is no square. */
  squareRoot(a: bigint): bigint | undefined;
  /** The inverse of a number that is not 0. */
  inverse(a: bigint): bigint;
}

/** The encoding, by some arithmetic. */
export interface ElligatorSwift {
  /**
   * BIP 324 `XElligatorSwift`: one of the many encodings of an X coordinate, chosen at random so that it looks like noise.
   * @param x the X coordinate of a point, 32 bytes
   * @returns 64 bytes: u ‖ t
   */
  encode(x: Uint8Array, randomBytes: RandomBytes): Uint8Array;
  /**
   * BIP 324 `ellswift_decode`: the X coordinate, 32 bytes, that 64 bytes stand for; all of them stand for one.
   * @throws Sv2Error `crypto-input`
   */
  decode(encoded: Uint8Array): Uint8Array;
  /**
   * BIP 324 `XSwiftECInv`: one of the up to eight t that stand, with u, for X.
   * @param x the X coordinate of a point
   * @param u 1 … p - 1
   * @param branch 0 … 7, which one (`case` in BIP 324)
   * @returns undefined if there is none
   */
  inverse(x: bigint, u: bigint, branch: number): bigint | undefined;
}

/** ElligatorSwift with these squares, roots and inverses. */
export function elligatorSwift({ isSquare, squareRoot, inverse }: FieldPower): ElligatorSwift {
  /** Whether X is the coordinate of a point (BIP 340 `lift_x` succeeds). */
  const isX = (x: bigint): boolean => isSquare(curve(x));
  /** The root of what is known to be a square. */
  const root = (square: bigint): bigint => squareRoot(square) as bigint;

  /** BIP 324 `XSwiftEC`: the X coordinate that u and t, 0 … p - 1, stand for. */
  function xSwiftEc(u: bigint, t: bigint): bigint {
    if (u === 0n) u = 1n;
    if (t === 0n) t = 1n;
    const g = curve(u);
    if (Fp.add(g, Fp.sqr(t)) === 0n) t = Fp.add(t, t);
    const t2 = Fp.sqr(t);
    // With these two, X = (g - t²) / 2t and Y = (X + t) / cu become Y = sum / denominator and X / Y = (g - t²)cu / sum.
    const sum = Fp.add(g, t2);
    const cu = Fp.mul(c, u);
    const denominator = Fp.mul(Fp.add(t, t), cu);
    const reciprocal = inverse(Fp.mul(sum, denominator));
    const y = Fp.mul(Fp.sqr(sum), reciprocal);
    const first = Fp.add(u, Fp.mul(4n, Fp.sqr(y)));
    if (isX(first)) return first;
    const xOverY = Fp.mul(Fp.mul(Fp.sub(g, t2), cu), Fp.mul(denominator, reciprocal));
    const second = Fp.mul(Fp.neg(Fp.add(xOverY, u)), half);
    if (isX(second)) return second;
    return Fp.mul(Fp.sub(xOverY, u), half); // one of the three always is the coordinate of a point
  }

  function xSwiftEcInverse(x: bigint, u: bigint, branch: number): bigint | undefined {
    const g = curve(u);
    let v: bigint;
    let s: bigint;
    if ((branch & 2) === 0) {
      if (isX(Fp.neg(Fp.add(x, u)))) return undefined;
      const denominator = Fp.add(Fp.add(Fp.sqr(u), Fp.mul(u, x)), Fp.sqr(x));
      if (!isSquare(Fp.neg(Fp.mul(g, denominator)))) return undefined; // as s is, being the quotient and not the product
      v = x;
      s = Fp.neg(Fp.mul(g, inverse(denominator)));
    } else {
      s = Fp.sub(x, u);
      if (s === 0n || !isSquare(s)) return undefined;
      const square = Fp.neg(Fp.mul(s, Fp.add(Fp.mul(4n, g), Fp.mul(Fp.mul(3n, Fp.sqr(u)), s))));
      if (!isSquare(square) || (square === 0n && (branch & 1) === 1)) return undefined;
      v = Fp.mul(Fp.sub(Fp.mul(root(square), inverse(s)), u), half);
    }
    const factor = (branch & 1) === 0 ? halfOfOneMinusC : halfOfOnePlusC;
    const t = Fp.mul(root(s), Fp.add(Fp.mul(u, factor), v));
    const last = branch & 5;
    return last === 0 || last === 5 ? Fp.neg(t) : t;
  }

  return {
    encode(x, randomBytes) {
      const number = Fp.fromBytes(x);
      for (;;) {
        const u = Fp.create(Fp.fromBytes(randomBytes(32), true));
        const branch = randomBytes(1)[0]! & 7;
        if (u === 0n) continue;
        const t = xSwiftEcInverse(number, u, branch);
        if (t === undefined || t === 0n) continue; // 0 stands for 1
        const encoded = new Uint8Array(64);
        encoded.set(Fp.toBytes(u));
        encoded.set(Fp.toBytes(t), 32);
        return encoded;
      }
    },
    decode(encoded) {
      requireLength('an ElligatorSwift public key', encoded, 64);
      const number = (offset: number) => Fp.create(Fp.fromBytes(encoded.subarray(offset, offset + 32), true));
      return Fp.toBytes(xSwiftEc(number(0), number(32)));
    },
    inverse: xSwiftEcInverse,
  };
}
