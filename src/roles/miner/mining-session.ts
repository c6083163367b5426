/** What a miner does on one connection: its channels side by side, and what concerns all of them. */
import {
  bufferTime,
  connect,
  distinctUntilChanged,
  filter,
  map,
  merge,
  mergeMap,
  pipe,
  scan,
  share,
  type Observable,
  type OperatorFunction,
  type SchedulerLike,
} from 'rxjs';
import type { MiningToClient } from '../../messages/directions.js';
import { CloseChannel, UpdateChannelError } from '../../messages/mining.js';
import { miningSuccessFlags } from '../../messages/setup-flags.js';
import { userIdentityTlv, workerHashrateTracking } from '../../messages/user-identity.js';
import { isMiningServerMessage, miningClient, type MiningClientChange } from '../../mining/mining-client.js';
import type { ClientEvent, ServerInfo } from '../../service/events.js';
import { handleEach } from '../../service/handle-each.js';
import { ofEvent, ofMessage } from '../../service/operators.js';
import { lastWords, type LastWords } from '../../service/effects.js';
import { type HandlerError } from '../../service/outcomes.js';
import type { Mined } from './channel-mining.js';
import { channelSlot, closing } from './channel-slot.js';
import type { Hasher } from './hasher.js';
import type { ChannelKind, MinerOutcome } from './outcomes.js';
import { paced } from './paced.js';
import { workerNameOf } from '../../mining/worker-name.js';

/** Which channels are opened, and for whom. */
export interface MiningChannelOptions {
  /** Who mines, at most 255 bytes: what comes after the first dot is the worker's name. */
  readonly userIdentity: string;
  /** How many channels of each kind; at least one, at most 1,000 in all. They share the hash rate equally. */
  readonly channels: Readonly<Partial<Record<ChannelKind, number>>>;
  /** Hashes per second of all of them that the pool is told. */
  readonly nominalHashRate: number;
}

type Emitted = Exclude<Mined, { readonly type: 'hashed' }>;

/** Over how many milliseconds the hash rate is measured. */
const hashRateWindow = 1_000;

/** So many messages that make no sense are told of at once, then one in so many milliseconds. */
const nonsensePace = [16, 1_000] as const;

/**
 * What a miner does on one connection, while subscribed.
 * @param event$ of the connection, from `connected` to `disconnected`
 * @param server what the pool has said at setup
 * @param options which channels
 * @param hasher for this session alone
 * @param scheduler the clock
 */
export function miningSession(
  event$: Observable<ClientEvent<MiningToClient>>,
  server: ServerInfo,
  options: MiningChannelOptions,
  hasher: Hasher,
  scheduler: SchedulerLike,
): Observable<Emitted> {
  const { userIdentity } = options;
  const requires = (flag: number): boolean => (server.flags & flag) !== 0;
  const core = miningClient({ requiresFixedVersion: requires(miningSuccessFlags.requiresFixedVersion) });
  const kinds = channelKinds(options).map((kind): ChannelKind =>
    requires(miningSuccessFlags.requiresExtendedChannels) ? 'extended' : kind,
  );
  const worker = workerNameOf(userIdentity);
  const tlvs =
    worker === null || !server.extensions.includes(workerHashrateTracking) ? [] : [userIdentityTlv(worker)];
  let requests = 0;

  const change$ = event$.pipe(
    ofEvent('message'),
    handleEach('mining', ({ message }) =>
      isMiningServerMessage(message) ? core.handle(message, scheduler.now()) : [],
    ),
    share(),
  );
  const slot$ = merge(
    ...kinds.map((kind) =>
      channelSlot({
        kind,
        userIdentity,
        nominalHashRate: options.nominalHashRate / kinds.length,
        core,
        change$,
        nextRequestId: () => (requests += 1),
        hasher,
        tlvs,
        scheduler,
      }),
    ),
  );
  return merge(
    change$.pipe(goodbye()),
    change$.pipe(
      filter((change) => change.type === 'handlerError' || isNonsense(change)),
      paced(...nonsensePace, scheduler),
      mergeMap(complaint),
    ),
    change$.pipe(
      map(answered),
      filter((outcome) => outcome !== undefined),
    ),
    event$.pipe(ofMessage(UpdateChannelError), paced(...nonsensePace, scheduler), map(refused)),
    // last, so that everything above is there for the answers
    slot$.pipe(
      connect((mined$) =>
        merge(
          mined$.pipe(filter((mined): mined is Emitted => mined.type !== 'hashed')),
          hashRate(mined$, scheduler),
        ),
      ),
    ),
  );
}

/** The kinds of all channels, one by one. */
const channelKinds = ({ channels: { standard = 0, extended = 0 } }: MiningChannelOptions): ChannelKind[] => [
  ...Array.from({ length: standard }, () => 'standard' as const),
  ...Array.from({ length: extended }, () => 'extended' as const),
];

/** Closes all channels that are open when the miner stops. */
const goodbye = (): OperatorFunction<MiningClientChange | HandlerError, LastWords> =>
  pipe(
    scan((open: ReadonlySet<number>, change) => {
      if (change.type !== 'opened' && change.type !== 'closed') return open;
      const { channelId } = change.channel;
      const others = [...open].filter((id) => id !== channelId);
      return new Set(change.type === 'opened' ? [...others, channelId] : others);
    }, new Set<number>()),
    distinctUntilChanged(),
    map((open) =>
      lastWords(...[...open].map((channelId) => CloseChannel({ channelId, reasonCode: 'the miner stops' }))),
    ),
  );

/** What made no sense, and no request of ours has led to. */
const isNonsense = (
  change: MiningClientChange,
): change is Extract<MiningClientChange, { readonly type: 'nonsense' | 'unusable' }> =>
  change.type === 'nonsense' || (change.type === 'unusable' && change.error.code === 'not-requested');

function complaint(
  problem: HandlerError | Extract<MiningClientChange, { readonly type: 'nonsense' | 'unusable' }>,
): readonly Emitted[] {
  if (problem.type === 'handlerError') return [problem];
  const error: HandlerError = { type: 'handlerError', handler: 'mining', error: problem.error };
  return problem.type === 'unusable' && !problem.isTaken ? [error, closing(problem.channelId)] : [error];
}

/** The outcome that the pool's answer to shares is. */
function answered(change: MiningClientChange | HandlerError): MinerOutcome | undefined {
  switch (change.type) {
    case 'accepted':
      return { type: 'SharesAccepted', channelId: change.channel.channelId, count: change.count };
    case 'rejected': {
      const { channel, sequenceNumber, errorCode } = change;
      return { type: 'ShareRejected', channelId: channel.channelId, sequenceNumber, errorCode };
    }
    default:
      return undefined;
  }
}

/** The outcome that the pool's answer to a hash rate is. */
const refused = ({ message }: { readonly message: UpdateChannelError }): MinerOutcome => {
  const { channelId, errorCode } = message;
  return { type: 'HashRateRefused', channelId, errorCode };
};

function hashRate(mined$: Observable<Mined>, scheduler: SchedulerLike): Observable<MinerOutcome> {
  return mined$.pipe(
    filter((mined) => mined.type === 'hashed'),
    bufferTime(hashRateWindow, scheduler),
    map((windows) => ({
      type: 'HashRate',
      hashesPerSecond: (windows.reduce((sum, { hashes }) => sum + hashes, 0) * 1_000) / hashRateWindow,
    })),
  );
}
