/** The points of the hash rate's line: what the page has seen itself, and before that what the server remembers. */
import type { LiveState } from '../observe/live.js';

/** A point of the hash rate's line; times are milliseconds since 1970. */
export interface RatePoint {
  readonly at: number;
  /** Null where nothing was seen: the line has a gap. */
  readonly value: number | null;
  /** Between what lies in 95 of 100 cases what is true; null where that is not known. */
  readonly low: number | null;
  readonly high: number | null;
}

/** How it was, as `/api/v1/history` tells it. */
export interface RateHistory {
  readonly from: number;
  readonly step: number;
  readonly hashRate: readonly (number | null)[];
}

/** Points that the page keeps of what it has seen itself. */
const maxPoints = 7_200;

/** The last points, and a new one. */
export function withPoint(rates: readonly RatePoint[], { time, parts }: LiveState): readonly RatePoint[] {
  const rate = parts.hashRate?.['5m'];
  if (rate === undefined || (rates.at(-1)?.at ?? 0) >= time) return rates;
  const { value, low, high } = rate;
  return [...rates.slice(1 - maxPoints), { at: time, value, low, high }];
}

/** What the server remembers, up to what the page has seen itself; from the first that there is. */
export function allPoints(
  history: RateHistory | undefined,
  seen: readonly RatePoint[],
): readonly RatePoint[] {
  if (history === undefined) return seen;
  const { from, step, hashRate } = history;
  const until = seen[0]?.at ?? Infinity;
  const first = hashRate.findIndex((value) => value !== null);
  const before = hashRate
    .map((value, index) => ({ at: from + (index + 0.5) * step, value, low: null, high: null }))
    .filter(({ at }, index) => first !== -1 && index >= first && at < until);
  return [...before, ...seen];
}

const minute = 60_000;
const empty = { value: null, low: null, high: null } as const;

/** Fewer than two points with empty ones that make a minute of them: of one the chart would show a thousand days. */
export function withMinute(points: readonly RatePoint[], now: number): readonly RatePoint[] {
  if (points.length > 1) return points;
  const [last = { at: now, ...empty }] = points;
  return [{ at: last.at - minute, ...empty }, last];
}
