/** Roles that can be watched: how the outcomes of each become a state, and what the API shows of that. */
import type { Fold, StateTimes } from '../../observe/fold.js';
import { jdClientFold, type JdClientState } from '../../observe/jd-client-state.js';
import { jdServerFold, type JdServerState } from '../../observe/jd-server-state.js';
import type { Showable } from '../../observe/live.js';
import { minerFold, type MinerState } from '../../observe/miner-state.js';
import { poolFold, type PoolState } from '../../observe/pool-state.js';
import { proxyFold, type ProxyState } from '../../observe/proxy-state.js';
import { templateProviderFold, type TemplateProviderState } from '../../observe/template-provider-state.js';
import { referenceClients, type ShareSettings } from './downstream-view.js';
import type { RoleGauge } from './metrics.js';
import type { ReferenceView } from './reference-view.js';
import { shownDeclarator, shownMiner, shownProvider } from './shown.js';
import { minerServer, proxyServer, sv1Clients } from './upstream-view.js';
import type { WireDetails } from './wire-details.js';

/** A role as monitoring sees it. `S` is its state. */
export interface WatchedRole<S extends StateTimes> {
  readonly fold: (startedAt: number) => Fold<S>;
  /** What the dashboard shows. */
  readonly shown: (state: S) => Showable;
  /** What the reference implementation's API shows. */
  readonly view: (
    state: S,
    details: WireDetails,
    settings: ShareSettings,
  ) => Omit<ReferenceView, 'uptimeSeconds'>;
  /** Why it cannot do what it is for at present, in words; empty if it can. */
  readonly unready: (state: S) => readonly string[];
  /** Values of now that the reference implementation does not have. */
  readonly gauges: (state: S) => readonly RoleGauge[];
}

const seconds = (since: number | undefined, { time }: StateTimes): number =>
  since === undefined ? NaN : Math.max(0, time - since) / 1_000;

/** What is wrong with the servers that a role depends on: all of a kind are away. */
const withoutUpstream = (state: Pick<Showable, 'upstreams'>, what: string): readonly string[] =>
  (state.upstreams ?? []).some(({ status }) => status === 'connected') ? [] : [`no ${what} is connected`];

const pool: WatchedRole<PoolState> = {
  fold: (startedAt) => poolFold(startedAt),
  shown: (state) => state,
  view: (state, details, settings) => ({ sv2Clients: referenceClients(state, details, settings) }),
  unready: (state) => [
    ...withoutUpstream(state, 'template provider'),
    ...(state.template === null
      ? ['there is no template']
      : state.template.isOld
        ? ['the template is old']
        : []),
  ],
  gauges: (state) => [
    {
      name: 'hashrate',
      help: 'Hash rate of accepted work in the last 15 minutes, in hashes per second',
      value: state.hashRate['15m'].value,
    },
    {
      name: 'template_age_seconds',
      help: 'Age of the newest template',
      value: seconds(state.template?.at, state),
    },
    { name: 'tip_age_seconds', help: 'Since when the tip is built on', value: seconds(state.tip?.at, state) },
    {
      name: 'upstreams_connected',
      help: 'Servers that work comes from and that are connected',
      value: state.upstreams.filter(({ status }) => status === 'connected').length,
    },
    {
      name: 'blocks_confirmed',
      help: 'Blocks that the chain has been built on with, of the last hundred found',
      value: state.blocks.filter(({ fate }) => fate === 'confirmed').length,
    },
  ],
};

const connected = (state: Pick<Showable, 'upstreams'>): RoleGauge => ({
  name: 'upstreams_connected',
  help: 'Servers that work comes from and that are connected',
  value: (state.upstreams ?? []).filter(({ status }) => status === 'connected').length,
});

const hashRateGauge = (value: number): RoleGauge => ({
  name: 'hashrate',
  help: 'Hash rate of accepted work in the last 15 minutes, in hashes per second',
  value,
});

const proxyLike = (role: ProxyState['role']): WatchedRole<ProxyState> => ({
  fold: (startedAt) => proxyFold(startedAt, {}, role),
  shown: (state) => state,
  view: (state, details, settings) => ({
    server: proxyServer(state, details),
    ...(role === 'translator'
      ? { sv1Clients: sv1Clients(state, details) }
      : { sv2Clients: referenceClients(state, details, settings) }),
  }),
  unready: (state) => [
    ...withoutUpstream(state, 'pool'),
    ...(state.upstreamChannels.some(({ job }) => job !== null) ? [] : ['there is no job']),
  ],
  gauges: (state) => [hashRateGauge(state.hashRate['15m'].value), connected(state)],
});

const miner: WatchedRole<MinerState> = {
  fold: minerFold,
  shown: shownMiner,
  view: (state, details) => ({ server: minerServer(state, details) }),
  unready: (state) => [
    ...withoutUpstream(state, 'pool'),
    ...(state.channels.length === 0 ? ['no channel is open'] : []),
  ],
  gauges: (state) => [
    { name: 'hashrate', help: 'Hashes per second, as measured', value: state.measuredHashRate },
    connected(state),
  ],
};

const clientsGauge = ({ clients }: { readonly clients: readonly unknown[] }): RoleGauge => ({
  name: 'clients',
  help: 'Clients that are connected',
  value: clients.length,
});

const provider: WatchedRole<TemplateProviderState> = {
  fold: templateProviderFold,
  shown: shownProvider,
  view: () => ({}),
  unready: ({ source, template }) => [
    ...(source.isWorking ? [] : ['the source of blocks does not work']),
    ...(template === null ? ['no template was sent'] : []),
  ],
  gauges: (state) => [
    clientsGauge(state),
    {
      name: 'template_age_seconds',
      help: 'Age of the newest template',
      value: seconds(state.template?.at, state),
    },
    { name: 'blocks_accepted', help: 'Blocks since the start', value: state.blocksAccepted },
  ],
};

const jdClient: WatchedRole<JdClientState> = {
  fold: (startedAt) => jdClientFold(startedAt),
  shown: (state) => state,
  view: (state, details, settings) => ({
    server: proxyServer(state, details),
    sv2Clients: referenceClients(state, details, settings),
  }),
  unready: ({ upstreams, upstreamChannels }) => [
    ...withoutUpstream(
      { upstreams: upstreams.filter(({ protocol }) => protocol === 'templateDistribution') },
      'template provider',
    ),
    ...(upstreamChannels.some(({ job }) => job !== null) ? [] : ['there is no job']),
  ],
  gauges: (state) => [
    hashRateGauge(state.hashRate['15m'].value),
    connected(state),
    {
      name: 'mining_for_pool',
      help: 'Whether work is for a pool (1), or for nobody or oneself (0)',
      value: state.ownJobs.pair === null ? 0 : 1,
    },
  ],
};

const jdServer: WatchedRole<JdServerState> = {
  fold: jdServerFold,
  shown: shownDeclarator,
  view: () => ({}),
  unready: ({ source }) => (source.isWorking ? [] : ['the Bitcoin node does not work']),
  gauges: (state) => [clientsGauge(state)],
};

/** The roles by their names. */
export const watchedRoles = {
  pool,
  proxy: proxyLike('proxy'),
  translator: proxyLike('translator'),
  miner,
  'template-provider': provider,
  'jd-client': jdClient,
  'jd-server': jdServer,
};

/** The name of a role that can be watched. */
export type WatchedRoleName = keyof typeof watchedRoles;
