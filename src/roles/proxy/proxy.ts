/** A proxy: a mining server to miners, and mining clients to the pools that their work comes from. */
import { asyncScheduler, merge, type Observable, type SchedulerLike } from 'rxjs';
import type { RandomBytes } from '../../crypto/index.js';
import { miningSetupFlags } from '../../messages/setup-flags.js';
import { workerHashrateTracking } from '../../messages/user-identity.js';
import { miningProxy } from '../../mining/aggregation/mining-proxy.js';
import type { MiningProxyOptions } from '../../mining/aggregation/mining-proxy-types.js';
import { accountBook, type AccountTotals } from '../../mining/shares/accounts.js';
import { createClient } from '../../service/client.js';
import { ServiceError } from '../../service/errors.js';
import type { ClientOutcome, ServerOutcome } from '../../service/outcomes.js';
import { createServer, type Server } from '../../service/server.js';
import type { NonsenseLimits } from '../../service/sessions/nonsense.js';
import { siblings, type Sibling } from '../../service/siblings.js';
import type { ReconnectPolicy } from '../../service/upstreams/backoff.js';
import type { Connection, Connector } from '../../transport/connection.js';
import type { WaitingLimits } from '../downstream/waiting-clients.js';
import { proxyMining, type ProxyMiningOutcome } from './downstream-handler.js';
import { upstreamHandler } from './upstream-handler.js';

export type { ProxyMiningOutcome, UpstreamUse } from './downstream-handler.js';

/** A pool that a proxy gets work from. */
export interface ProxyUpstream {
  /** Dials it. */
  readonly connect: Connector;
  /** Who its channels are for; needed when channels are aggregated, in pass-through mode those who open them unless given. */
  readonly userIdentity?: string;
}

/** What a proxy is told. */
export interface ProxyOptions
  extends Omit<MiningProxyOptions, 'mode' | 'randomBytes'>, WaitingLimits, NonsenseLimits {
  /** Where miners come from. */
  readonly listen: Observable<Connection>;
  /**
   * Where work comes from, the preferred one first: the others are for while those before do not work. They are tried for
   * ever, and one that is preferred is gone back to when it has been good for a minute.
   */
  readonly upstreams: readonly [ProxyUpstream, ...ProxyUpstream[]];
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
 * A proxy: miners on one side, one pool at a time on the other. What it does is said at `miningProxy`; this gives it connections.
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
  const core: MiningProxyOptions = { ...options, mode };
  miningProxy(core); // complains now, not when it is started
  let successFlags = 0;
  let accounts = accountBook();
  const [serverSide, clientSide] = siblings();

  const server = createServer({
    listen: options.listen,
    mining: {
      handler: proxyMining({
        ...core,
        ...given(options, 'firstChannelTimeout', 'maxWithoutChannel'),
        scheduler,
        openAccounts: () => (accounts = accountBook()),
        upstreamInfo: (_, index) => {
          const { userIdentity } = upstreams[index] as ProxyUpstream;
          return userIdentity === undefined ? {} : { userIdentity };
        },
        successFlags: (flags) => (successFlags = flags),
      }),
      supportedFlags: miningSetupFlags.requiresStandardJobs | miningSetupFlags.requiresVersionRolling,
      successFlags: () => successFlags,
    },
    sibling: serverSide,
    extensions: { supported: [workerHashrateTracking] },
    ...given(options, 'inactivityLimit', 'nonsenseBurst', 'nonsensePerSecond'),
    scheduler,
  });
  const [first, ...others] = upstreams;
  const client = clientOf([first.connect, ...others.map(({ connect }) => connect)], 0, clientSide, options);
  return {
    start: () => merge(server.start(), client.start()),
    clients: server.clients,
    accounts: () => accounts.totals(),
  };
}

/** The client of one connection. */
const clientOf = (
  connectors: readonly [Connector, ...Connector[]],
  upstream: number,
  sibling: Sibling,
  { reconnect = { maxDelay: 30_000 }, scheduler = asyncScheduler }: ProxyOptions,
) =>
  createClient({
    mining: { connect: connectors, handler: upstreamHandler(upstream) },
    sibling,
    extensions: { supported: [workerHashrateTracking] },
    reconnect,
    scheduler,
  });

/** Those of the named options that are given. */
function given<K extends keyof ProxyOptions>(
  options: ProxyOptions,
  ...names: readonly K[]
): { readonly [N in K]?: Exclude<ProxyOptions[N], undefined> } {
  return Object.fromEntries(
    names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  ) as { readonly [N in K]?: Exclude<ProxyOptions[N], undefined> };
}
