/** A miner at a pool that is a process of its own: it hashes really, and little. */
import {
  BehaviorSubject,
  concat,
  filter,
  firstValueFrom,
  NEVER,
  of,
  Subject,
  timeout,
  type Observable,
  type Subscription,
} from 'rxjs';
import { miner, type ClientOutcome, type MinerOutcome } from '../../src/index.js';
import { connect } from '../../src/node.js';
import { virtualHasher } from './support.js';

/** A miner, and what it was acknowledged. */
export interface PlayedMiner {
  readonly user: string;
  /** All that happens to it from now on. */
  readonly outcome$: Observable<ClientOutcome<MinerOutcome>>;
  /** Shares that it was told are accepted, until now. */
  readonly told: number;
  /** Resolves with {@link PlayedMiner.told} when it is so many or more. Rejects after 60 seconds. */
  atLeast(count: number): Promise<number>;
  /** Resolves when it was told of so many more. */
  more(count: number): Promise<number>;
}

/** Milliseconds that shares may take to come, on a busy machine too. */
const patience = 60_000;

/**
 * Starts a miner that goes on until a subscription ends.
 * @param port of a pool on this machine
 * @param hashRate hashes a second
 */
export function playMiner(running: Subscription, port: number, user: string, hashRate = 2_000): PlayedMiner {
  const outcome$ = new Subject<ClientOutcome<MinerOutcome>>();
  const told$ = new BehaviorSubject(0);
  running.add(
    outcome$.subscribe((outcome) => {
      if (outcome.type === 'SharesAccepted') told$.next(told$.value + outcome.count);
    }),
  );
  running.add(
    miner({
      connect: connect({ host: '127.0.0.1', port, encrypted: false }),
      userIdentity: user,
      channels: { extended: 1 },
      nominalHashRate: hashRate,
      hasher$: concat(of(virtualHasher(hashRate)), NEVER),
      reconnect: { initialDelay: 100, maxDelay: 500 },
    })
      .start()
      .subscribe(outcome$),
  );
  const atLeast = (count: number): Promise<number> =>
    firstValueFrom(
      told$.pipe(
        filter((sum) => sum >= count),
        timeout(patience),
      ),
    );
  return {
    user,
    outcome$,
    get told() {
      return told$.value;
    },
    atLeast,
    more: (count) => atLeast(told$.value + count),
  };
}
