/** What a pool is at: a fold of its outcomes. */
import type { OperatorFunction } from 'rxjs';
import type { PoolOutcome } from '../roles/pool/pool.js';
import { chain, type ChainState } from './blocks.js';
import type { DownstreamState } from './downstream-types.js';
import { downstream, type DownstreamLimits } from './downstream.js';
import { foldOf, states, type Fold, type StateOptions, type StateTimes } from './fold.js';
import { problems, type ProblemsState } from './problems.js';
import { upstreams, type UpstreamState } from './upstreams.js';

/** What a pool is at: plain data that `JSON.stringify` takes as it is. */
export interface PoolState extends StateTimes, DownstreamState, ChainState {
  readonly role: 'pool';
  /** Its template provider: one, of those that it may have. */
  readonly upstreams: readonly UpstreamState[];
  readonly problems: ProblemsState;
}

/**
 * What a pool is at, as a state that outcomes are noted in one by one: for reducers of one's own, and for what has no clock.
 * @param startedAt milliseconds since 1970
 */
export const poolFold = (startedAt: number, limits: DownstreamLimits = {}): Fold<PoolState> =>
  foldOf<PoolState>(
    {
      role: { on: {}, state: () => 'pool' },
      ...downstream(startedAt, limits),
      ...chain(),
      upstreams: upstreams(startedAt, 'templateDistribution'),
      problems: problems(),
    },
    startedAt,
  );

/**
 * From a pool's outcomes to what it is at: the present state at once, for whoever comes later too, then the newest once an
 * interval. See `states` for how often and for whom. Its cost does not grow with the number of outcomes: clients and channels
 * are as many as the pool has, users and workers as many as `limits` say, codes of errors 32 of a kind.
 *
 * @example
 * const state$ = pool(options).start().pipe(poolState());
 * state$.subscribe(({ hashRate, workers }) => draw(hashRate['5m'].value, workers));
 */
export const poolState = (
  options: StateOptions & DownstreamLimits = {},
): OperatorFunction<PoolOutcome, PoolState> => states((now) => poolFold(now, options), options);
