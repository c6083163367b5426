import {
  bufferTime,
  catchError,
  defer,
  filter,
  map,
  merge,
  mergeMap,
  NEVER,
  of,
  repeat,
  share,
  startWith,
  switchMap,
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
import {
  nextWork,
  shareFrom,
  submission,
  workHeader,
  type ClientChannel,
} from '../../mining/channels/client-channel.js';
import {
  miningClient,
  type MiningClientChange,
  type MiningServerMessage,
} from '../../mining/mining-client.js';
import type { ClientEvent } from '../../service/events.js';
import { handleEach, ofMessage } from '../../service/operators.js';
import { sendToServer, type ClientEffect, type HandlerError } from '../../service/outcomes.js';
import type { Hasher, HashEvent } from './hasher.js';

/** Which channel is opened. */
export interface MiningChannelOptions {
  /** Who mines, at most 255 bytes. */
  readonly userIdentity: string;
  readonly channel: 'standard' | 'extended';
  /** Hashes per second that the pool is told. */
  readonly nominalHashRate: number;
}

/** What happens at a miner. */
export type MinerOutcome =
  | { readonly type: 'ChannelOpened'; readonly channelId: number; readonly difficulty: number }
  /** The pool did not open the channel; it is asked again after half a minute. */
  | { readonly type: 'ChannelRefused'; readonly errorCode: string }
  /** The pool closed the channel; it is asked for another after half a minute. */
  | { readonly type: 'ChannelClosed'; readonly channelId: number; readonly reason: string }
  /** There is other work. */
  | { readonly type: 'JobStarted'; readonly channelId: number; readonly jobId: number }
  /** The difficulty of jobs to come is another. */
  | { readonly type: 'TargetChanged'; readonly channelId: number; readonly difficulty: number }
  /** Hashes per second, measured over the last second. */
  | { readonly type: 'HashRate'; readonly hashesPerSecond: number }
  /** A share was found and sent. */
  | {
      readonly type: 'ShareFound';
      readonly channelId: number;
      readonly jobId: number;
      readonly sequenceNumber: number;
    }
  /** The pool accepted so many shares. */
  | { readonly type: 'SharesAccepted'; readonly channelId: number; readonly count: number }
  | {
      readonly type: 'ShareRejected';
      readonly channelId: number;
      readonly sequenceNumber: number;
      readonly errorCode: string;
    };

type Emitted = ClientEffect | HandlerError | MinerOutcome;

/** Over how many milliseconds the hash rate is measured. */
const hashRateWindow = 1_000;

/** Milliseconds until a standard channel, once all its work is done, has another ntime to try. */
const nextNtime = 1_000;

/** Milliseconds until a pool that refused or closed the channel is asked again. */
const reopenDelay = 30_000;

/** Bytes that an extended channel must be able to roll, at least. */
const minExtranonceSize = 4;

/**
 * What a miner does on one connection: opens its channel, hashes the newest job (nonce, then version bits, then
 * extranonce or ntime) and submits what it finds. Runs while subscribed.
 * @param event$ of the connection, from `connected` to `disconnected`
 * @param hasher for this session alone
 */
export function miningSession(
  event$: Observable<ClientEvent<MiningToClient>>,
  options: MiningChannelOptions,
  hasher: Hasher,
  scheduler: SchedulerLike,
): Observable<Emitted> {
  const core = miningClient();

  const change$ = event$.pipe(
    filter((event) => event.type === 'message'),
    handleEach('mining', ({ message }) =>
      message.type === 'Unknown' ? [] : core.handle(message as MiningServerMessage, scheduler.now()),
    ),
    share(),
  );
  const hashing$ = change$.pipe(
    filter(({ type }) => type === 'work' || type === 'closed' || type === 'handlerError'),
    // whatever happened, there is at most one channel, with the work it has now
    switchMap(() => merge(...[...core.channels.values()].map((channel) => mine(channel, hasher, scheduler)))),
    share(),
  );
  const reopen$ = change$.pipe(
    filter(({ type }) => type === 'refused' || type === 'closed'),
    switchMap(() => timer(reopenDelay, scheduler)),
  );
  const answer$ = event$.pipe(
    ofMessage(SubmitSharesSuccess, SubmitSharesError),
    map(({ message }): Emitted => {
      const { channelId } = message;
      if (message.type === 'SubmitShares.Success')
        return { type: 'SharesAccepted', channelId, count: message.newSubmitsAcceptedCount };
      const { sequenceNumber, errorCode } = message;
      return { type: 'ShareRejected', channelId, sequenceNumber, errorCode };
    }),
  );

  return merge(
    change$.pipe(mergeMap((change) => shown(change))),
    hashing$.pipe(filter((emitted): emitted is Emitted => emitted.type !== 'hashed')),
    hashRate(hashing$, scheduler),
    answer$,
    // last, so that everything above is there for the answer
    reopen$.pipe(
      startWith(0),
      map(() => sendToServer(openMessage(options))),
    ),
  );
}

const openMessage = ({ channel, userIdentity, nominalHashRate }: MiningChannelOptions) => {
  const request = { requestId: 1, userIdentity, nominalHashRate, maxTarget: targetFromBigInt(MAX_U256) };
  return channel === 'standard'
    ? OpenStandardMiningChannel(request)
    : OpenExtendedMiningChannel({ ...request, minExtranonceSize });
};

type Hashed = Extract<HashEvent, { readonly type: 'hashed' }>;

/** Hashes the channel's work, piece by piece, until unsubscribed. */
function mine(
  channel: ClientChannel,
  hasher: Hasher,
  scheduler: SchedulerLike,
): Observable<Emitted | Hashed> {
  const piece$ = defer(() => {
    const work = nextWork(channel, scheduler.now());
    if (work === null) return NEVER;
    const { target, versionRollingAllowed, jobId } = work;
    return hasher.hash({ header: workHeader(work, { nonce: 0 }), target, versionRollingAllowed }).pipe(
      mergeMap((event): readonly (Emitted | Hashed)[] => {
        if (event.type === 'hashed') return [event];
        const message = submission(channel, shareFrom(work, event));
        const { channelId, sequenceNumber } = message;
        return [sendToServer(message), { type: 'ShareFound', channelId, jobId, sequenceNumber }];
      }),
    );
  });
  // an extended channel has its next extranonce at once, a standard one must wait for its next ntime
  const pause = channel.kind === 'extended' ? 0 : nextNtime;
  return piece$.pipe(
    repeat({ delay: () => timer(pause, scheduler) }),
    // it goes on with the next job
    catchError((error: unknown) => of<HandlerError>({ type: 'handlerError', handler: 'mining', error })),
  );
}

/** The outcomes that a change of a channel is shown by. */
function shown(change: MiningClientChange | HandlerError): readonly Emitted[] {
  switch (change.type) {
    case 'handlerError':
      return [change];
    case 'opened': {
      const { channelId, target } = change.channel;
      return [{ type: 'ChannelOpened', channelId, difficulty: difficultyFromTarget(target) }];
    }
    case 'refused':
      return [{ type: 'ChannelRefused', errorCode: change.errorCode }];
    case 'closed':
      return [{ type: 'ChannelClosed', channelId: change.channel.channelId, reason: change.reason }];
    case 'work': {
      const { channelId, jobs } = change.channel;
      return jobs.active === null ? [] : [{ type: 'JobStarted', channelId, jobId: jobs.active.jobId }];
    }
    case 'target': {
      const { channelId, target } = change.channel;
      return [{ type: 'TargetChanged', channelId, difficulty: difficultyFromTarget(target) }];
    }
  }
}

function hashRate(
  emitted$: Observable<Emitted | Hashed>,
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
