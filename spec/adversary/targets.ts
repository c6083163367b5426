/** What is attacked, and how. */
import { declaringClients } from './attacks/declaring-clients.js';
import { httpClients } from './attacks/http-clients.js';
import { sv1Miners } from './attacks/sv1-miners.js';
import { sv2Clients } from './attacks/sv2-clients.js';
import { upstreams } from './attacks/upstreams.js';
import type { Attacks } from './battle.js';
import { proxySite, translatorSite, translatorUpstreamSite, upstreamSite } from './sites/behind-pool.js';
import { declarationSite, monitoringSite } from './sites/beside-pool.js';
import { poolSite, sv1PoolSite } from './sites/pool.js';
import type { Commands } from './sites/commands.js';
import type { Site } from './sites/site.js';

export interface Target {
  /** Starts it with honest miners' way in. */
  start(all: Commands): Promise<Site>;
  readonly attacks: Attacks;
}

/** By name; an attack's name is its target's and its own: `pool/idle`. */
export const targets: Readonly<Record<string, Target>> = {
  pool: { start: poolSite, attacks: sv2Clients },
  'pool-sv1': { start: sv1PoolSite, attacks: sv1Miners },
  translator: { start: translatorSite, attacks: sv1Miners },
  'translator-upstream': { start: translatorUpstreamSite, attacks: upstreams },
  proxy: { start: proxySite, attacks: sv2Clients },
  'proxy-upstream': { start: upstreamSite, attacks: upstreams },
  jds: { start: declarationSite, attacks: declaringClients },
  monitoring: { start: monitoringSite, attacks: httpClients },
};
