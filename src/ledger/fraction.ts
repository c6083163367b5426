/** Exact fractions, where money is divided: a double has 53 bits, and a share of a share soon takes more. */
import { Sv2Error } from '../codec/errors.js';

/** A number that is exactly `numerator / denominator`, in lowest terms. */
export interface Fraction {
  readonly numerator: bigint;
  /** Above 0. */
  readonly denominator: bigint;
}

const gcd = (a: bigint, b: bigint): bigint => {
  let [x, y] = [a < 0n ? -a : a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
};

/**
 * A fraction in lowest terms.
 * @throws Sv2Error `out-of-range` unless the denominator is above 0
 */
export const fraction = (numerator: bigint, denominator = 1n): Fraction => {
  if (denominator <= 0n)
    throw new Sv2Error('out-of-range', `a denominator must be above 0, got ${denominator}`, { denominator });
  const divisor = gcd(numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
};

/** The sum of two fractions. */
export const addFractions = (a: Fraction, b: Fraction): Fraction =>
  fraction(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator);

/** The largest whole number that is not above a fraction. */
export const wholePart = ({ numerator, denominator }: Fraction): bigint => {
  const quotient = numerator / denominator;
  return numerator < 0n && quotient * denominator !== numerator ? quotient - 1n : quotient;
};

/**
 * A decimal number as people write it, exactly.
 * @param text such as `4` or `2.5`, at most 18 digits
 * @throws Sv2Error `invalid-number`
 */
export const parseFraction = (text: string): Fraction => {
  const [, whole = '', part = ''] = /^(\d{1,9})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (whole === '')
    throw new Sv2Error(
      'invalid-number',
      `expected a number such as 4 or 2.5, got ${text.length} characters that are none`,
    );
  return fraction(BigInt(whole + part), 10n ** BigInt(part.length));
};
