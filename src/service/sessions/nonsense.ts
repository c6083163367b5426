/** How much nonsense a client may talk before it has to go: a token bucket that work fills. */
import type { SchedulerLike } from 'rxjs';

/** What a client may talk of nonsense. */
export interface NonsenseLimits {
  /**
   * How many refused messages a client may send at once, 1,000 unless given; then it is disconnected as
   * `too-much-nonsense`.
   */
  readonly nonsenseBurst?: number;
  /** How many of them are forgiven each second, 10 unless given. */
  readonly nonsensePerSecond?: number;
}

/** The defaults of NonsenseLimits. */
export const defaultNonsenseLimits: Required<NonsenseLimits> = {
  nonsenseBurst: 1_000,
  nonsensePerSecond: 10,
};

/*
 * Whoever mines honestly sends refused shares, too. When a tip changes, all that is under way is stale: for 1,000
 * channels at 6 shares a minute 100 a second, so that 1,000 at once are ten seconds of a slow line. Behind one
 * connection there may be many more miners, or 60 shares a minute; but then accepted shares have come as fast before,
 * so each of them is worth another refusal, up to ten times the burst. A miner that has lost its way (Bitaxe's
 * firmware after SetExtranoncePrefix: 95 rejected shares a second, and it never recovers) goes after about twelve
 * seconds, and finds it when it comes back; one whose share rate is what vardiff aims at may stay for ever.
 */
const earnedBursts = 10;

/** What is left to a client. */
export interface NonsenseBucket {
  /** Takes tokens for refused messages. Returns whether there were enough. */
  take(count: number): boolean;
  /** Puts tokens back for work that was proved. */
  put(count: number): void;
}

/** A full bucket. */
export function nonsenseBucket(
  { nonsenseBurst, nonsensePerSecond }: Required<NonsenseLimits>,
  scheduler: SchedulerLike,
): NonsenseBucket {
  let tokens = nonsenseBurst;
  let at = scheduler.now();

  return {
    take(count) {
      const now = scheduler.now();
      // a clock that was put back forgives nothing; what was earned is not lost for being above the burst
      const forgiven = (Math.max(0, now - at) / 1_000) * nonsensePerSecond;
      at = now;
      if (tokens < nonsenseBurst) tokens = Math.min(nonsenseBurst, tokens + forgiven);
      tokens -= count;
      return tokens >= 0;
    },
    put(count) {
      tokens = Math.min(earnedBursts * nonsenseBurst, tokens + count);
    },
  };
}
