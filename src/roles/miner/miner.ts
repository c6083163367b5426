import {
  asyncScheduler,
  bufferTime,
  defer,
  EMPTY,
  filter,
  from,
  map,
  merge,
  mergeMap,
  repeat,
  share,
  switchMap,
  takeUntil,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { difficultyFromTarget, MAX_U256, targetFromBigInt } from '../../bitcoin/target.js';
import {
  OpenExtendedMiningChannel,
  OpenStandardMiningChannel,
  SubmitSharesError,
  SubmitSharesSuccess,
} from '../../messages/mining.js';
import type { MiningToClient } from '../../messages/directions.js';
import { miningSetupFlags } from '../../messages/setup-flags.js';
import {
  nextWork,
  shareFrom,
  submission,
  workHeader,
  type ClientChannel,
} from '../../mining/client-channel.js';
import {
  miningClient,
  type MiningClientChange,
  type MiningServerMessage,
} from '../../mining/mining-client.js';
import { createClient, type Client } from '../../service/client.js';
import type { Device } from '../../service/client-setup.js';
import type { ClientEvent } from '../../service/events.js';
import type { MiningClientHandler } from '../../service/handlers.js';
import { handleEach, ofEvent, ofMessage } from '../../service/operators.js';
import { sendToServer, type ClientEffect, type HandlerError } from '../../service/outcomes.js';
import type { ReconnectPolicy } from '../../service/reconnect.js';
import type { Connector } from '../../transport/connection.js';
import type { Hasher, HashEvent } from './hasher.js';

/** What a miner is told. */
export interface MinerOptions {
  /** Dials the pool. */
  readonly connect: Connector;
  /** Who mines, at most 255 bytes. */
  readonly userIdentity: string;
  /** Which kind of channel it opens. */
  readonly channel: 'standard' | 'extended';
  /** Hashes per second that it tells the pool. */
  readonly nominalHashRate: number;
  /** Emits what computes hashes; `cooperativeHasher`, or `hashWorkers` of rx-sv2/node. Unsubscribed at the end. */
  readonly hasher$: Observable<Hasher>;
  /** What it says of itself. */
  readonly device?: Device;
  /** How it comes back to the pool; after 1 s up to 30 s unless given. */
  readonly reconnect?: ReconnectPolicy;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** What happens at a miner. */
export type MinerOutcome =
  /** The pool opened the channel. */
  | { readonly type: 'MiningStarted'; readonly channelId: number; readonly difficulty: number }
  /** The pool did not open the channel. */
  | { readonly type: 'MiningRefused'; readonly errorCode: string }
  /** The pool closed the channel. */
  | { readonly type: 'MiningStopped'; readonly channelId: number; readonly reason: string }
  /** Other work. */
  | { readonly type: 'WorkChanged'; readonly channelId: number }
  /** The target of jobs to come is another. */
  | { readonly type: 'DifficultyChanged'; readonly channelId: number; readonly difficulty: number }
  /** Hashes per second, measured over the last second. */
  | { readonly type: 'HashRate'; readonly hashesPerSecond: number }
  /** A share was found and sent. */
  | { readonly type: 'ShareFound'; readonly channelId: number; readonly sequenceNumber: number }
  /** The pool accepted so many shares. */
  | { readonly type: 'SharesAccepted'; readonly channelId: number; readonly count: number }
  /** The pool rejected a share. */
  | {
      readonly type: 'ShareRefused';
      readonly channelId: number;
      readonly sequenceNumber: number;
      readonly errorCode: string;
    };

type Emitted = ClientEffect | HandlerError | MinerOutcome;

/** Over how many milliseconds the hash rate is measured. */
const hashRateWindow = 1_000;

/** Milliseconds until a standard channel, once all its work is done, has another ntime to try. */
const nextNtime = 1_000;

/**
 * A miner: a mining client with one channel. It hashes the newest job (nonce, then version bits, then
 * extranonce or ntime), submits what it finds, and opens its channel anew after each reconnection.
 */
export function miner(options: MinerOptions): Client<MinerOutcome> {
  const { connect, device, channel, reconnect = { maxDelay: 30_000 }, scheduler = asyncScheduler } = options;
  return createClient({
    mining: {
      connect,
      handler: minerHandler(options, scheduler),
      flags: channel === 'standard' ? miningSetupFlags.requiresStandardJobs : 0,
    },
    reconnect,
    scheduler,
    ...(device === undefined ? {} : { device }),
  });
}

function minerHandler(options: MinerOptions, scheduler: SchedulerLike): MiningClientHandler<MinerOutcome> {
  return (event$) =>
    defer(() => {
      const session$ = event$.pipe(
        ofEvent('connected'),
        // a new connection knows nothing of the channels of the one before
        switchMap(() =>
          minerSession(event$, options, scheduler).pipe(takeUntil(event$.pipe(ofEvent('disconnected')))),
        ),
      );
      return session$;
    });
}

/** One connection: opens the channel and mines on it. */
function minerSession(
  event$: Observable<ClientEvent<MiningToClient>>,
  { channel: kind, userIdentity, nominalHashRate, hasher$ }: MinerOptions,
  scheduler: SchedulerLike,
): Observable<Emitted> {
  const core = miningClient();
  const request = { requestId: 1, userIdentity, nominalHashRate, maxTarget: targetFromBigInt(MAX_U256) };
  const open =
    kind === 'standard'
      ? OpenStandardMiningChannel(request)
      : OpenExtendedMiningChannel({ ...request, minExtranonceSize: 4 });

  const change$ = event$.pipe(
    filter((event) => event.type === 'message'),
    handleEach('mining', ({ message }) =>
      message.type === 'Unknown' ? [] : core.handle(message as MiningServerMessage, scheduler.now()),
    ),
    share(),
  );

  const hash = (hasher: Hasher, channel: ClientChannel): Observable<Emitted | HashEvent> =>
    defer(() => {
      const work = nextWork(channel, scheduler.now());
      if (work === null) return EMPTY;
      const { target, versionRollingAllowed } = work;
      return hasher({ header: workHeader(work, { nonce: 0 }), target, versionRollingAllowed }).pipe(
        mergeMap((found): Observable<Emitted | HashEvent> => {
          if (found.type === 'hashed') return from([found]);
          const message = submission(channel, shareFrom(work, found));
          const { channelId, sequenceNumber } = message;
          return from([sendToServer(message), { type: 'ShareFound', channelId, sequenceNumber } as const]);
        }),
      );
      // an extended channel has its next extranonce at once, a standard one must wait for its next ntime
    }).pipe(repeat({ delay: () => timer(channel.kind === 'extended' ? 0 : nextNtime, scheduler) }));

  const hashing$ = hasher$.pipe(
    switchMap((hasher) =>
      change$.pipe(
        filter((change) => change.type === 'work' || change.type === 'closed'),
        switchMap((change) => (change.type === 'work' ? hash(hasher, change.channel) : EMPTY)),
      ),
    ),
    share(),
  );

  return merge(
    change$.pipe(mergeMap((change) => shown(change))),
    hashing$.pipe(
      filter((emitted): emitted is Emitted => emitted.type !== 'hashed' && emitted.type !== 'found'),
    ),
    hashRate(hashing$, scheduler),
    event$.pipe(
      ofMessage(SubmitSharesSuccess),
      map(({ message: { channelId, newSubmitsAcceptedCount: count } }): Emitted => ({
        type: 'SharesAccepted',
        channelId,
        count,
      })),
    ),
    event$.pipe(
      ofMessage(SubmitSharesError),
      map(({ message: { channelId, sequenceNumber, errorCode } }): Emitted => ({
        type: 'ShareRefused',
        channelId,
        sequenceNumber,
        errorCode,
      })),
    ),
    from([sendToServer(open)]),
  );
}

/** The outcomes that a change of a channel is shown by. */
function shown(change: MiningClientChange | HandlerError): readonly Emitted[] {
  switch (change.type) {
    case 'handlerError':
      return [change];
    case 'opened': {
      const { channelId, target } = change.channel;
      return [{ type: 'MiningStarted', channelId, difficulty: difficultyFromTarget(target) }];
    }
    case 'refused':
      return [{ type: 'MiningRefused', errorCode: change.errorCode }];
    case 'closed':
      return [{ type: 'MiningStopped', channelId: change.channel.channelId, reason: change.reason }];
    case 'work':
      return [{ type: 'WorkChanged', channelId: change.channel.channelId }];
    case 'target': {
      const { channelId, target } = change.channel;
      return [{ type: 'DifficultyChanged', channelId, difficulty: difficultyFromTarget(target) }];
    }
  }
}

function hashRate(
  emitted$: Observable<Emitted | HashEvent>,
  scheduler: SchedulerLike,
): Observable<MinerOutcome> {
  return emitted$.pipe(
    filter((emitted) => emitted.type === 'hashed'),
    bufferTime(hashRateWindow, scheduler),
    map((windows) => ({
      type: 'HashRate',
      hashesPerSecond: (windows.reduce((sum, { hashes }) => sum + hashes, 0) * 1_000) / hashRateWindow,
    })),
  );
}
