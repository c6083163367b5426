import {
  asyncScheduler,
  concat,
  NEVER,
  of,
  switchMap,
  takeUntil,
  takeWhile,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { miningSetupFlags } from '../../messages/setup-flags.js';
import { createClient, type Client } from '../../service/client.js';
import type { Device } from '../../service/setup/client-setup.js';
import type { MiningClientHandler } from '../../service/handlers.js';
import { ofEvent } from '../../service/operators.js';
import type { ClientOutcome } from '../../service/outcomes.js';
import type { ReconnectPolicy } from '../../service/upstreams/backoff.js';
import type { Connector } from '../../transport/connection.js';
import type { Hasher } from './hasher.js';
import { miningSession, type MinerOutcome, type MiningChannelOptions } from './mining-session.js';

export type { MinerOutcome, MiningChannelOptions };

/** What a miner is told. */
export interface MinerOptions extends MiningChannelOptions {
  /** Dials the pool. */
  readonly connect: Connector;
  /**
   * Emits what computes hashes: `of(cooperativeHasher(…))`, or `hashWorkers()` of rx-sv2/node. Subscribed to while
   * the miner runs, from one connection to the next.
   */
  readonly hasher$: Observable<Hasher>;
  /** What it says of itself. */
  readonly device?: Device;
  /** How it comes back to the pool; after 1 s up to 30 s unless given. */
  readonly reconnect?: ReconnectPolicy;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** A miner: cold until started. */
export interface Miner {
  /**
   * Mines while subscribed. Completes and errors as `Client.start` does; errors too when `hasher$` does.
   */
  start(): Observable<ClientOutcome<MinerOutcome>>;
}

/** Marks the end of the client's outcomes. */
const ended = { type: 'ended' } as const;

/**
 * A miner: a mining client with one channel. It hashes the newest job (nonce, then version bits, then
 * extranonce or ntime), submits what it finds, and opens its channel anew after each reconnection.
 * @throws ServiceError `invalid-configuration`
 */
export function miner(options: MinerOptions): Miner {
  const { connect, device, channel, reconnect = { maxDelay: 30_000 }, scheduler = asyncScheduler } = options;

  const clientWith = (hasher: Hasher): Client<MinerOutcome> =>
    createClient({
      mining: {
        connect,
        handler: minerHandler(options, hasher, scheduler),
        flags: channel === 'standard' ? miningSetupFlags.requiresStandardJobs : 0,
      },
      reconnect,
      scheduler,
      ...(device === undefined ? {} : { device }),
    });
  clientWith({ hash: () => NEVER }); // complains about options now, not when it is started

  return {
    start: () =>
      options.hasher$.pipe(
        switchMap((hasher) => concat(clientWith(hasher).start(), of(ended))),
        takeWhile((outcome): outcome is Exclude<typeof outcome, typeof ended> => outcome !== ended),
      ),
  };
}

const minerHandler =
  (options: MinerOptions, hasher: Hasher, scheduler: SchedulerLike): MiningClientHandler<MinerOutcome> =>
  (event$) =>
    event$.pipe(
      ofEvent('connected'),
      // a new connection knows nothing of the channels of the one before
      switchMap(() =>
        miningSession(event$, options, hasher, scheduler).pipe(
          takeUntil(event$.pipe(ofEvent('disconnected'))),
        ),
      ),
    );
