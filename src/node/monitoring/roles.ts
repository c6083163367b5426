/** Roles that can be watched: how the outcomes of each become a state, and what the API shows of that. */
import type { Fold, StateTimes } from '../../observe/fold.js';
import type { Showable } from '../../observe/live.js';
import { poolFold, type PoolState } from '../../observe/pool-state.js';
import { referenceClients, type ShareSettings } from './downstream-view.js';
import type { RoleGauge } from './metrics.js';
import type { ReferenceView } from './reference-view.js';
import type { WireDetails } from './wire-details.js';

/** A role as monitoring sees it. `S` is its state. */
export interface WatchedRole<S extends Showable> {
  readonly fold: (startedAt: number) => Fold<S>;
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
const withoutUpstream = (state: Showable, what: string): readonly string[] =>
  (state.upstreams ?? []).some(({ status }) => status === 'connected') ? [] : [`no ${what} is connected`];

const pool: WatchedRole<PoolState> = {
  fold: (startedAt) => poolFold(startedAt),
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

/** The roles by their names. */
export const watchedRoles = { pool };

/** The name of a role that can be watched. */
export type WatchedRoleName = keyof typeof watchedRoles;
