/** A proxy: a mining server to miners, and mining clients to the pools that their work comes from. */
import {
  asyncScheduler,
  connect,
  defer,
  EMPTY,
  filter,
  map,
  merge,
  Subject,
  switchMap,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import type { RandomBytes } from '../../crypto/index.js';
import { miningSetupFlags } from '../../messages/setup-flags.js';
import { workerHashrateTracking } from '../../messages/user-identity.js';
import { miningProxy } from '../../mining/aggregation/mining-proxy.js';
import type { MiningProxyOptions } from '../../mining/aggregation/mining-proxy-types.js';
import { accountBook, type AccountTotals } from '../../mining/shares/accounts.js';
import { createClient } from '../../service/client.js';
import { ServiceError, type DisconnectReason } from '../../service/errors.js';
import type { ServerEvent } from '../../service/events.js';
import type { ClientOutcome, ServerOutcome } from '../../service/outcomes.js';
import { createServer, type Server } from '../../service/server.js';
import type { Device } from '../../service/setup/client-setup.js';
import type { NonsenseLimits } from '../../service/sessions/nonsense.js';
import { siblings } from '../../service/siblings.js';
import { defaultReturnAfter, type ReconnectPolicy } from '../../service/upstreams/backoff.js';
import type { Connection, Connector } from '../../transport/connection.js';
import type { WaitingLimits } from '../downstream/waiting-clients.js';
import { laneName, proxyMining, type ProxyMiningOutcome } from './downstream-handler.js';
import { isPinnedBy, lanesOf, type Lane } from './lanes.js';
import { standInNeeded } from './stand-in.js';
import { UpstreamDisconnected } from './triggers.js';
import { upstreamHandler } from './upstream-handler.js';
import { given } from '../given.js';

export type { ProxyMiningOutcome, UpstreamUse } from './downstream-handler.js';

/** A pool that a proxy gets work from. */
export interface ProxyUpstream {
  /** Dials it. */
  readonly connect: Connector;
  /** Who its channels are for; needed when channels are aggregated, in pass-through mode those who open them unless given. */
  readonly userIdentity?: string;
  /**
   * What it is to have of the work, in proportion to the other upstreams that have a weight: all of these are connected at once. Those that
   * have none stand in while none that has one works. 0 for one that is connected all the same.
   */
  readonly weight?: number;
}

/** Users whose work is for one upstream, whatever the weights. */
export interface ProxyPin {
  /** Which user identities: `*` stands for any characters. */
  readonly userIdentity: string;
  /** The upstream, by its place in the list, from 0 on. */
  readonly upstream: number;
}

/** What a proxy is told. */
export interface ProxyOptions
  extends
    Omit<MiningProxyOptions, 'mode' | 'randomBytes' | 'pinnedTo' | 'returnAfter'>,
    WaitingLimits,
    NonsenseLimits {
  /** Where miners come from. */
  readonly listen: Observable<Connection>;
  /**
   * Where work comes from, the preferred one first: the others are for while those before do not work. They are tried for
   * ever, and one that is preferred is gone back to when it has been good for a minute. If some have a weight, work is split between these.
   */
  readonly upstreams: readonly [ProxyUpstream, ...ProxyUpstream[]];
  /** What it says of itself to pools; the defaults of Device unless given. */
  readonly device?: Device;
  /** Users who work for one upstream, while it works; the first that fits counts. None unless given. */
  readonly pins?: readonly ProxyPin[];
  /** `aggregate` unless given: see `miningProxy`. */
  readonly mode?: MiningProxyOptions['mode'];
  /** How it comes back to the upstreams; after 1 s up to 30 s unless given. */
  readonly reconnect?: ReconnectPolicy;
  /** Milliseconds of silence after which a miner is disconnected; an hour unless given. */
  readonly inactivityLimit?: number;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
  /** Says where extranonce prefixes begin; Web Crypto unless given, as simulations do. */
  readonly randomBytes?: RandomBytes;
}

/** What happens at a proxy: the outcomes of its server, which name a `clientId`, of its core, and of its client. */
export type ProxyOutcome = ServerOutcome<ProxyMiningOutcome> | ClientOutcome;

/** A proxy: cold until started. */
export interface Proxy {
  /** Runs the proxy while subscribed: see `Server.start` and `Client.start`. */
  start(): Observable<ProxyOutcome>;
  /** The miners that are connected. */
  readonly clients: Server['clients'];
  /** What users and their workers delivered here since the proxy was started. */
  accounts(): AccountTotals;
}

/**
 * A proxy: miners on one side, a pool on the other, or several by weight. What it does is said at `miningProxy`; this gives it connections.
 * Miners stay connected when a pool is left for another.
 *
 * A pool is left when the connection ends, when it refuses a channel or closes it, when it is silent (`silenceLimit`), when it
 * rejects shares in a row (`maxRejectedInARow`), and when it sends nonsense or more than anybody could mine. Workers' names go
 * to every pool that takes them (extension 0x0002).
 *
 * @throws Sv2Error as `miningProxy`; ServiceError `invalid-configuration`
 */
export function proxy(options: ProxyOptions): Proxy {
  const { upstreams, mode = 'aggregate', scheduler = asyncScheduler } = options;
  if (mode === 'aggregate' && upstreams.some(({ userIdentity }) => userIdentity === undefined))
    throw new ServiceError(
      'invalid-configuration',
      'proxy: when channels are aggregated, each upstream needs a user identity',
    );
  const { pins = [], reconnect = { maxDelay: 30_000 } } = options;
  checkSplit(upstreams, pins);
  const lanes = lanesOf(upstreams, pins);
  const returnAfter = reconnect.returnAfter ?? defaultReturnAfter;
  const laneOf = (server: number): number => lanes.findIndex(({ servers }) => servers.includes(server));
  const core: MiningProxyOptions = {
    ...{ ...options, mode, returnAfter },
    pinnedTo(userIdentity) {
      const pin = pins.find((one) => isPinnedBy(one, userIdentity));
      return pin === undefined ? undefined : laneOf(pin.upstream);
    },
  };
  miningProxy(core); // complains now, not when it is started
  let successFlags = 0;
  let accounts = accountBook();
  const pairs = lanes.map(() => siblings());
  const gone$ = new Subject<ServerEvent>();

  const server = createServer({
    listen: options.listen,
    mining: {
      handler: proxyMining({
        ...core,
        ...given(options, 'firstChannelTimeout', 'maxWithoutChannel'),
        scheduler,
        openAccounts: () => (accounts = accountBook()),
        serverOf(lane, index) {
          const { servers, weight } = lanes[lane] as Lane;
          const found = servers[index] as number;
          const { userIdentity } = upstreams[found] as ProxyUpstream;
          return { server: found, info: userIdentity === undefined ? { weight } : { weight, userIdentity } };
        },
        successFlags: (flags) => (successFlags = flags),
      }),
      supportedFlags: miningSetupFlags.requiresStandardJobs | miningSetupFlags.requiresVersionRolling,
      successFlags: () => successFlags,
    },
    siblings: Object.fromEntries(pairs.map(([serverSide], lane) => [laneName(lane), serverSide])),
    event$: gone$,
    extensions: { supported: [workerHashrateTracking] },
    ...given(options, 'inactivityLimit', 'nonsenseBurst', 'nonsensePerSecond'),
    scheduler,
  });
  const clients = lanes.map(({ servers }, lane) => {
    const dialled = servers.map((index) => (upstreams[index] as ProxyUpstream).connect);
    return createClient({
      mining: { connect: dialled as [Connector, ...Connector[]], handler: upstreamHandler(lane) },
      sibling: (pairs[lane] as ReturnType<typeof siblings>)[1],
      extensions: { supported: [workerHashrateTracking] },
      ...given(options, 'device'),
      reconnect,
      scheduler,
    });
  });

  /** The lanes that are always connected, and those that stand in for them while they are needed. */
  const client$ = defer(() => {
    const all = clients.map((client, lane) => ({ client, lane, ...(lanes[lane] as Lane) }));
    const weighted = new Set(all.filter(({ weight }) => weight > 0).map(({ lane }) => lane));
    const standIns = all.filter(({ isStandIn }) => isStandIn);
    return merge(
      ...all
        .filter(({ isStandIn }) => !isStandIn)
        .map(({ client, lane }) => client.start().pipe(map((outcome) => ({ lane, outcome })))),
    ).pipe(
      connect((outcome$) => {
        const needed$ = outcome$.pipe(
          filter(({ lane }) => weighted.has(lane)),
          standInNeeded(weighted.size, returnAfter, scheduler),
        );
        const end$ = (lane: number) =>
          defer(() => {
            gone$.next(UpstreamDisconnected(lane, noMoreNeeded));
            return EMPTY;
          });
        return merge(
          outcome$.pipe(map(({ outcome }) => outcome)),
          ...standIns.map(({ client, lane }) =>
            needed$.pipe(switchMap((isNeeded) => (isNeeded ? client.start() : end$(lane)))),
          ),
        );
      }),
    );
  });

  return {
    start: () => merge(server.start(), client$),
    clients: server.clients,
    accounts: () => accounts.totals(),
  };
}

const noMoreNeeded: DisconnectReason = {
  code: 'better-upstream',
  message: 'a server that is preferred is back',
};

/** @throws ServiceError `invalid-configuration` */
function checkSplit(upstreams: readonly ProxyUpstream[], pins: readonly ProxyPin[]): void {
  const invalid = (problem: string) => new ServiceError('invalid-configuration', `proxy: ${problem}`);
  for (const { weight = 0 } of upstreams)
    if (!(weight >= 0 && weight <= 1e9)) throw invalid(`a weight is a number from 0 to 1e9, got ${weight}`);
  for (const { userIdentity, upstream } of pins)
    if (upstreams[upstream] === undefined)
      throw invalid(
        `${JSON.stringify(userIdentity)} is pinned to upstream ${upstream}, there are ${upstreams.length} from 0 on`,
      );
}
