/** Since when somebody who delivers shares is silent, by what is usual of him: one rule for alerts and for tables. */

/** Milliseconds without a share after which a worker is silent, if it delivers often. */
export const usualSilence = 600_000;

/** Shares that should have come meanwhile before that says something: there is none of twenty by chance once in 10^9 times. */
const shares = 20;

/** What silence is told from. Times are milliseconds since 1970. */
export interface Heard {
  /** Since when there could have been shares. */
  readonly since: number;
  readonly accepted: number;
  readonly lastAcceptedAt: number | null;
}

/**
 * Whether nothing was heard for too long: what finds a share a quarter of an hour is not silent after ten minutes.
 * @param least milliseconds of silence at least
 */
export function isSilent({ since, accepted, lastAcceptedAt }: Heard, now: number, least: number): boolean {
  const usual = lastAcceptedAt === null ? 0 : (shares * (lastAcceptedAt - since)) / accepted;
  return now - (lastAcceptedAt ?? since) >= Math.max(least, usual);
}
