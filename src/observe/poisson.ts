/** How far a number of shares tells a rate: shares arrive as a Poisson process. */

/** Tails of an interval that holds what is true in 95 of 100 cases. */
const tails = [0.025, 0.975] as const;

/** ln Γ(x) by Stirling's series, for x above 0 (Abramowitz and Stegun 6.1.41), moved up to where it converges. */
function logGamma(x: number): number {
  let shift = 0;
  let y = x;
  while (y < 10) {
    shift += Math.log(y);
    y += 1;
  }
  const series = 1 / (12 * y) - 1 / (360 * y ** 3) + 1 / (1260 * y ** 5) - 1 / (1680 * y ** 7);
  return (y - 0.5) * Math.log(y) - y + Math.log(2 * Math.PI) / 2 + series - shift;
}

/** P(shape, x), the share of a gamma distribution below x (Abramowitz and Stegun 6.5.29). */
function gammaBelow(shape: number, x: number): number {
  let term = 1 / shape;
  let sum = term;
  for (let n = 1; term > sum * 1e-16; n++) {
    term *= x / (shape + n);
    sum += term;
  }
  return sum * Math.exp(shape * Math.log(x) - x - logGamma(shape));
}

/** Where so much of a gamma distribution lies below, by Wilson and Hilferty: good to four digits from a shape of 20 on. */
const wilsonHilferty = (shape: number, normal: number): number =>
  shape * (1 - 1 / (9 * shape) + normal / (3 * Math.sqrt(shape))) ** 3;

/** Where `tail` of a gamma distribution lies below, by bisection. */
function quantile(shape: number, tail: number): number {
  let low = 0;
  let high = shape + 10 * Math.sqrt(shape) + 10;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (gammaBelow(shape, middle) < tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The 0.975 quantile of the normal distribution. */
const normal = 1.959964;

const tableEnd = 24;
const steps = 8;

/** Quantiles for shapes from 1 on in steps of an eighth: there are always so many of these numbers to be known. */
const tables = tails.map((tail) => {
  let table: Float64Array | undefined;
  return (): Float64Array =>
    (table ??= Float64Array.from({ length: (tableEnd - 1) * steps + 2 }, (_, index) =>
      quantile(1 + index / steps, tail),
    ));
});

/** As `quantile`, from a table or by an approximation: for shapes of 1 or more. */
function fastQuantile(shape: number, side: 0 | 1): number {
  if (shape >= tableEnd) return wilsonHilferty(shape, side === 0 ? -normal : normal);
  const table = (tables[side] as () => Float64Array)();
  const place = (Math.max(1, shape) - 1) * steps;
  const index = Math.floor(place);
  const [before = 0, after = 0] = [table[index], table[index + 1]];
  return before + (after - before) * (place - index);
}

/**
 * What the expected number of events can be when so many were seen: the interval that holds it in 95 of 100 cases
 * (Garwood 1936). Neither end is ever outside of what is possible: after no event it begins at 0.
 * @param count how many were seen, 0 or more; what weighs differently counts as so many of equal weight, (Σw)² / Σw²
 */
export function poissonInterval(count: number): readonly [low: number, high: number] {
  return [count < 1 ? 0 : fastQuantile(count, 0), fastQuantile(count + 1, 1)];
}
