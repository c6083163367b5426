/** How long a client waits before it dials a server again. */

/**
 * How a client comes back. Times are in milliseconds. A connection that was up for `maxDelay` makes up for the failures
 * before it; a shorter one is one more failure in a row. Of several servers each has waits of its own.
 */
export interface ReconnectPolicy {
  /** Wait after the first failure; 1,000 unless given. */
  readonly initialDelay?: number;
  /** The wait doubles with each failure up to this; 60,000 unless given. */
  readonly maxDelay?: number;
  /** Failures in a row after which the client gives up, of several servers all of them; never unless given. */
  readonly maxAttempts?: number;
  /**
   * How long a connection to a server earlier in the list has to last before the client goes back to it; 60,000
   * unless given.
   */
  readonly returnAfter?: number;
}

/** The default of `ReconnectPolicy.maxDelay`. */
export const defaultMaxDelay = 60_000;

/** The default of `ReconnectPolicy.returnAfter`. */
export const defaultReturnAfter = 60_000;

/**
 * The wait before attempt `attempt`: doubling up to the cap, then a random half of it taken away, so that
 * the clients of a server that was restarted do not come back all at once.
 * @param policy the configured limits
 * @param attempt 1 for the first attempt after a failure
 * @param random a number from 0 up to but not including 1
 * @returns milliseconds, from half the full wait up to it
 */
export function backoff(
  { initialDelay = 1_000, maxDelay = defaultMaxDelay }: ReconnectPolicy,
  attempt: number,
  random: number,
): number {
  const full = Math.min(maxDelay, initialDelay * 2 ** (attempt - 1));
  return Math.round(full * (1 - random / 2));
}
