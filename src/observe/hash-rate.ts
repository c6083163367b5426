/** Hash rates of a stream of outcomes. */
import { map, type OperatorFunction } from 'rxjs';
import type { ShareAccepted } from '../mining/mining-server-types.js';
import {
  foldOf,
  states,
  type AnyOutcome,
  type Note,
  type Part,
  type StateOptions,
  type StateTimes,
} from './fold.js';
import {
  defaultWindows,
  workWindows,
  type DefaultWindow,
  type HashRates,
  type WindowName,
} from './windows.js';

/** Which hash rates. */
export interface HashRateOptions<W extends WindowName> extends StateOptions {
  /** The windows; `1m`, `5m`, `15m`, `1h` and `1d` unless given. */
  readonly windows?: readonly W[];
}

interface Rates<W extends WindowName> extends StateTimes {
  readonly rates: HashRates<W>;
}

function accepted<W extends WindowName>(names: readonly W[], startedAt: number): Part<HashRates<W>> {
  const windows = workWindows(names);
  const sums = windows.create(startedAt);
  let last = 0;
  const note: Note<ShareAccepted> = ({ difficulty }, now) => {
    if (difficulty <= 0) return; // a block that misses its target has no work to its credit
    last = difficulty;
    windows.add(sums, difficulty, now);
  };
  return { on: { ShareAccepted: note }, state: (now) => windows.rates(sums, now, last) };
}

/**
 * The hash rates that accepted shares show, at once and then as states come: see `states`. A share tells how much work its
 * difficulty takes in the mean, and shares come as a Poisson process; so beside each rate there is the interval in which the
 * true one lies in 95 of 100 cases. Six shares a minute tell a rate over a minute to within a factor of two, one over an hour
 * to a tenth. Memory does not grow with the number of shares: 1 KiB for five windows.
 *
 * ```text
 * outcome$   ---s-s----s---------
 *   hashRate()
 *            0--r---r---r---r----     once an interval
 * ```
 * @example of one user: `outcome$.pipe(filter((outcome) => outcome.userIdentity === 'alice'), hashRate())`
 * @throws Sv2Error `invalid-window`
 */
export function hashRate<const W extends WindowName = DefaultWindow>({
  windows = defaultWindows as readonly WindowName[] as readonly W[],
  ...options
}: HashRateOptions<W> = {}): OperatorFunction<AnyOutcome, HashRates<W>> {
  workWindows(windows); // complains now, not when the first share comes
  return (outcome$) =>
    outcome$.pipe(
      states((now) => foldOf<Rates<W>>({ rates: accepted(windows, now) }, now), options),
      map(({ rates }) => rates),
    );
}
