/** How fast somebody hashes, by the work that shares have proved, whatever their target. */

/** A hash rate that is being measured. It belongs to whoever has it, and is counted in. */
export interface MeasuredRate {
  /** What was proved, in hashes: less and less the longer ago. */
  hashes: number;
  /** The time that it took, forgotten as fast. */
  seconds: number;
  /** Until when that is, milliseconds since 1970. */
  at: number;
}

/** Seconds in which what was measured counts for a third of what it did. At 6 shares a minute it is known to a tenth. */
const memory = 600;

/** What is said beforehand counts for as much as so many shares. */
const wordIsWorth = 1;

/**
 * A hash rate of which nothing is measured yet.
 *
 * @param said hashes per second that it is taken for, above 0: soon forgotten
 * @param shareHashes hashes that a share takes on average
 * @param now milliseconds since 1970
 */
export const startMeasuring = (said: number, shareHashes: number, now: number): MeasuredRate => {
  const seconds = Math.min(memory, (wordIsWorth * shareHashes) / said);
  return { hashes: said * seconds, seconds, at: now };
};

/**
 * Time passed, in which hashes were proved, if any were. A clock that was put forward counts for {@link memory}, one that was put back for
 * nothing.
 *
 * @param isIdle whether there was nothing to hash
 */
export const measure = (rate: MeasuredRate, hashes: number, now: number, isIdle = false): void => {
  const passed = isIdle ? 0 : Math.min(memory, Math.max(0, now - rate.at) / 1_000);
  const kept = Math.exp(-passed / memory);
  rate.at = now;
  rate.hashes = rate.hashes * kept + hashes;
  rate.seconds = rate.seconds * kept + memory * (1 - kept);
};

/** Hashes per second, as far as they are known. */
export const measuredRate = ({ hashes, seconds }: MeasuredRate): number => hashes / seconds;
