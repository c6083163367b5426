/** Square roots and inverses modulo p, the prime of secp256k1's field, by noble. */

import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { FieldPower } from './ellswift.js';

const { Fp } = secp256k1.Point;

/**
 * Whether a number modulo p is a square, by its Jacobi symbol: a sixth of the time of raising it to (p - 1) / 2.
 * @param a 0 … p - 1
 */
function isSquare(a: bigint): boolean {
  let n = Fp.ORDER;
  let lowN = Number(BigInt.asUintN(32, n));
  let symbol = 0; // 0 for 1, 1 for -1
  while (a !== 0n) {
    let low = Number(BigInt.asUintN(32, a)) | 0;
    while ((low & 1) === 0) {
      const zeros = low === 0 ? 32 : 31 - Math.clz32(low & -low);
      symbol ^= zeros & ((lowN + 2) >>> 2); // (2/n) is -1 if n is 3 or 5 modulo 8
      a >>= BigInt(zeros);
      low = Number(BigInt.asUintN(32, a)) | 0;
    }
    symbol ^= (low & lowN) >>> 1; // reciprocity: both 3 modulo 4
    [n, lowN, a] = [a, low, n % a];
  }
  return (symbol & 1) === 0;
}

/** Noble's, and the Jacobi symbol. */
export const fieldPowerNoble: FieldPower = {
  isSquare,
  squareRoot: (a) => (isSquare(a) ? Fp.sqrt(a) : undefined),
  inverse: (a) => Fp.inv(a),
};
