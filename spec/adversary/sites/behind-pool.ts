/** What stands between miners and a pool. */
import { encodeAuthorityPublicKey } from 'rx-sv2';
import { authority } from '../../bench/keys.js';
import { sv1Miner } from '../honest/sv1.js';
import { sv2Miner } from '../honest/sv2.js';
import type { Commands } from './commands.js';
import { keys, listening, sharesPerMinute, startPool } from './pool.js';
import { siteOf, type Site } from './site.js';

const urlOf = (port: number): string =>
  `stratum2+tcp://farm@127.0.0.1:${port}/${encodeAuthorityPublicKey(authority.publicKey)}`;

/** Miners of a translator are taken for so slow that they find shares at once. */
const slowMiners = `downstream_difficulty_config = { min_individual_miner_hashrate = 1000.0, shares_per_minute = 6000.0 }\n`;

const sv1User = (name: string): string => `farm.${name.replaceAll(' ', '-')}`;

/** A translator in front of pools, the preferred one first. */
async function startTranslator(all: Commands, ...ports: readonly number[]) {
  const file = all.file('translator.toml', slowMiners);
  const translator = all.start('translator', [
    ...['translator', '--config', file, '--listen', '127.0.0.1:0', ...ports.map(urlOf)],
  ]);
  const port = Number(await translator.printed(/listening for Stratum V1 on 127\.0\.0\.1:(\d+)/));
  return { translator, port };
}

/** A translator in front of a pool, attacked where miners of Stratum V1 connect. */
export async function translatorSite(all: Commands): Promise<Site> {
  const pool = await startPool(all);
  const { translator, port } = await startTranslator(all, pool.port);
  return siteOf(translator, port, (name) => sv1Miner(port, sv1User(name)));
}

/** A proxy in front of pools, the preferred one first. */
async function startProxy(all: Commands, ...ports: readonly number[]) {
  const proxy = all.start('proxy', [
    ...['proxy', '--listen', '127.0.0.1:0', ...keys, ...sharesPerMinute, ...ports.map(urlOf)],
  ]);
  return { proxy, port: Number(await proxy.printed(listening)) };
}

/** A proxy in front of a pool, attacked where miners connect. */
export async function proxySite(all: Commands): Promise<Site> {
  const pool = await startPool(all);
  const { proxy, port } = await startProxy(all, pool.port);
  return siteOf(proxy, port, (name) => sv2Miner(port, name));
}

/** Where the pool that turns hostile is told to. */
export interface TurncoatPorts {
  /** Where clients of Stratum V2 connect to. */
  readonly port: number;
  /** Where attackers connect to, who say what it is to do. */
  readonly control: number;
}

/** A pool that turns against who trusted it, and a good one. */
async function startTurncoat(all: Commands) {
  const pool = await startPool(all);
  const turncoat = new URL('turncoat.ts', import.meta.url);
  const { port, control } = await all.startProgram<TurncoatPorts>(turncoat, [String(pool.port)]);
  return { control, ports: [port, pool.port] };
}

/** A proxy in front of two pools, of which the preferred one turns against it. */
export async function upstreamSite(all: Commands): Promise<Site> {
  const { control, ports } = await startTurncoat(all);
  const { proxy, port } = await startProxy(all, ...ports);
  return siteOf(proxy, control, (name) => sv2Miner(port, name));
}

/** A translator in front of two pools, of which the preferred one turns against it. */
export async function translatorUpstreamSite(all: Commands): Promise<Site> {
  const { control, ports } = await startTurncoat(all);
  const { translator, port } = await startTranslator(all, ...ports);
  return siteOf(translator, control, (name) => sv1Miner(port, sv1User(name)));
}
