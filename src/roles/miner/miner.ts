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
import { workerHashrateTracking } from '../../messages/user-identity.js';
import { createClient, type Client } from '../../service/client.js';
import type { Device } from '../../service/setup/client-setup.js';
import type { MiningClientHandler } from '../../service/handlers.js';
import { ofEvent } from '../../service/operators.js';
import { ServiceError } from '../../service/errors.js';
import type { ClientOutcome } from '../../service/outcomes.js';
import type { ReconnectPolicy } from '../../service/upstreams/backoff.js';
import type { Connector } from '../../transport/connection.js';
import type { Hasher } from './hasher.js';
import { miningSession, type MiningChannelOptions } from './mining-session.js';
import type { ChannelKind, MinerOutcome } from './outcomes.js';
import { workerNameOf } from '../../mining/worker-name.js';

export type { ChannelKind, MinerOutcome, MiningChannelOptions };

/** What a miner is told. */
export interface MinerOptions extends MiningChannelOptions {
  /** Dials the pool, or the pools, the preferred one first: as `connect` of `createClient`. */
  readonly connect: Connector | readonly [Connector, ...Connector[]];
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

/** The most channels that one miner opens: servers allow as many on a connection unless told otherwise. */
export const maxChannels = 1_000;

/** Milliseconds of silence after which a pool is dialled anew, as devices in the field do. */
const silenceLimit = 180_000;

/** Marks the end of the client's outcomes. */
const ended = { type: 'ended' } as const;

/**
 * A miner: a mining client with any number of channels. It hashes the newest job of each (nonce, then version bits,
 * then extranonce or ntime), submits what it finds, tells the pool when its hash rate changes, opens its channels anew
 * after each reconnection and closes them when it is unsubscribed. If its user identity has a worker's name, it is
 * sent with shares of extended channels to pools that take it (extension 0x0002).
 * @throws ServiceError `invalid-configuration`
 */
export function miner(options: MinerOptions): Miner {
  const { connect, device, reconnect = { maxDelay: 30_000 }, scheduler = asyncScheduler } = options;
  const { standard, extended } = channelCounts(options);
  const namesWorkers = extended > 0 && workerNameOf(options.userIdentity) !== null;

  const clientWith = (hasher: Hasher): Client<MinerOutcome> =>
    createClient({
      mining: {
        connect,
        handler: minerHandler(options, hasher, scheduler),
        flags: standard > 0 && extended === 0 ? miningSetupFlags.requiresStandardJobs : 0,
      },
      reconnect,
      inactivityLimit: silenceLimit,
      scheduler,
      ...(namesWorkers ? { extensions: { supported: [workerHashrateTracking] } } : {}),
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
      switchMap(({ server }) =>
        miningSession(event$, server, options, hasher, scheduler).pipe(
          takeUntil(event$.pipe(ofEvent('disconnected'))),
        ),
      ),
    );

/** How many channels of each kind. @throws ServiceError `invalid-configuration` */
function channelCounts({ channels }: MiningChannelOptions): Required<MiningChannelOptions['channels']> {
  const { standard = 0, extended = 0 } = channels;
  const isCount = (count: number): boolean => Number.isSafeInteger(count) && count >= 0;
  if (
    !isCount(standard) ||
    !isCount(extended) ||
    standard + extended < 1 ||
    standard + extended > maxChannels
  ) {
    throw new ServiceError(
      'invalid-configuration',
      `channels: expected 1 to ${maxChannels} channels, got ${standard} standard and ${extended} extended`,
      { standard, extended },
    );
  }
  return { standard, extended };
}
