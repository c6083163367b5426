import {
  asyncScheduler,
  concat,
  defer,
  EMPTY,
  interval,
  map,
  merge,
  of,
  Subject,
  tap,
  type SchedulerLike,
} from 'rxjs';
import type { BlockSource } from './block-source.js';
import { createSimulatedChain, type SimulatedChainOptions } from './simulated-chain.js';

/** What a simulated chain is like, and how it passes. */
export interface SimulatedSourceOptions extends SimulatedChainOptions {
  /** Milliseconds between two blocks of other miners; there are no other miners unless given. */
  readonly blockInterval?: number;
  /** Milliseconds after which transactions that arrived get into the template; 1,000 unless given. */
  readonly refreshInterval?: number;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/**
 * A chain of our own as a source of blocks: no node, no network, no coins. Transactions are made up, but of real
 * sizes and with witnesses, so that merkle paths, fees and the witness commitment are what they are on the main
 * chain; blocks need proof of work and are checked by the consensus rules that a miner can break. The chain begins
 * now and goes on whoever subscribes.
 * @throws Sv2Error `invalid-nbits`
 */
export function simulatedSource(options: SimulatedSourceOptions = {}): BlockSource {
  const { blockInterval, refreshInterval = 1_000, scheduler = asyncScheduler } = options;
  const tipChange$ = new Subject<void>();
  const chain = createSimulatedChain(options, scheduler.now());

  return {
    update$: defer(() =>
      merge(
        of(null),
        interval(refreshInterval, scheduler),
        tipChange$,
        blockInterval === undefined
          ? EMPTY
          : interval(blockInterval, scheduler).pipe(tap(() => chain.mineElsewhere(scheduler.now()))),
      ),
    ).pipe(map(() => chain.template(scheduler.now()))),

    submit({ bytes }) {
      return defer(() => {
        const result = chain.submit(bytes, scheduler.now());
        // whoever submitted it hears first
        return concat(
          of(result),
          defer(() => {
            if (result.accepted) tipChange$.next();
            return EMPTY;
          }),
        );
      });
    },
  } satisfies BlockSource;
}
