/** Shares that came, beside those that were to be expected: they arrive as a Poisson process. */

/** Shares counted over a time in which so many were to be expected at the configured rate. */
export interface Evidence {
  readonly shares: number;
  readonly expected: number;
}

export const NONE: Evidence = { shares: 0, expected: 0 };

/** Evidence that goes on being counted: it belongs to one state alone. */
export type Tally = { -readonly [K in keyof Evidence]: Evidence[K] };

/** Evidence to go on counting with. */
export const tally = ({ shares, expected }: Evidence = NONE): Tally => ({ shares, expected });

export const add = (evidence: Tally, shares: number, expected: number): void => {
  evidence.shares += shares;
  evidence.expected += expected;
};

/** Makes one what another is, in its place: a new object for each share would outlive the share in an old state. */
export const copy = ({ shares, expected }: Evidence, to: Tally): void => {
  to.shares = shares;
  to.expected = expected;
};

export const clear = (evidence: Tally): void => {
  evidence.shares = 0;
  evidence.expected = 0;
};

/** Evidence over a time too short for a share counts for more: shares that the network held back come at once. */
export const noShorter = ({ shares, expected }: Evidence, least: number): Evidence => ({
  shares,
  expected: Math.max(expected, least),
});

/**
 * How much likelier the evidence is (natural logarithm) if shares come `ratio` times as often as expected
 * than if they come as expected.
 */
export const logLikelihoodRatio = ({ shares, expected }: Evidence, ratio: number): number =>
  (shares === 0 ? 0 : shares * Math.log(ratio)) - (ratio - 1) * expected;

/**
 * The estimate of how much more often than expected shares come. Half of the last share less than counted when the
 * count ended with a share, half a share more when it ended without: either would be biased otherwise.
 */
export const rateRatio = ({ shares, expected }: Evidence, last: number): number =>
  (last > 0 ? shares - last / 2 : shares + 0.5) / expected;
