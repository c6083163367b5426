/** A pool and its template provider. */
import { encodeAuthorityPublicKey, encodeAuthoritySecretKey } from 'rx-sv2';
import { authority } from '../../bench/keys.js';
import { sv1Miner } from '../honest/sv1.js';
import { sv2Miner } from '../honest/sv2.js';
import type { Commands, RunningCommand } from './commands.js';
import { siteOf, type Site } from './site.js';

/** So many shares a minute that vardiff lets all pass which honest miners find here. */
export const sharesPerMinute = ['--shares-per-minute', '6000', '--share-batch-size', '1'];

/** Keys of whoever listens for Stratum V2. */
export const keys = [
  ...['--authority-public-key', encodeAuthorityPublicKey(authority.publicKey)],
  ...['--authority-secret-key', encodeAuthoritySecretKey(authority.secretKey)],
];

export const listening = /listening on 127\.0\.0\.1:(\d+)/;

/** A pool that has work. */
export interface RunningPool {
  readonly process: RunningCommand;
  readonly port: number;
}

/** Starts both, and waits until the pool has work. @param args of the pool, beside those that all have */
export async function startPool(all: Commands, ...args: readonly string[]): Promise<RunningPool> {
  const provider = all.start('provider', [
    'template-provider',
    ...['--listen', '127.0.0.1:0', '--block-interval', '30', '--nbits', '1d00ffff'],
  ]);
  const providerPort = await provider.printed(listening);
  const pool = all.start('pool', [
    'pool',
    ...['--listen', '127.0.0.1:0', '--ledger', 'none', '--coinbase-reward-script', 'raw(51)'],
    ...['--template-provider', `127.0.0.1:${providerPort}`, '--no-template-provider-encryption'],
    ...[...keys, ...sharesPerMinute, ...args],
  ]);
  return { process: pool, port: Number(await pool.printed(/pool listening on 127\.0\.0\.1:(\d+)/)) };
}

/** A pool, attacked where clients of Stratum V2 connect. */
export async function poolSite(all: Commands): Promise<Site> {
  const { process, port } = await startPool(all);
  return siteOf(process, port, (name) => sv2Miner(port, name));
}

/** A pool, attacked where miners of Stratum V1 connect. */
export async function sv1PoolSite(all: Commands): Promise<Site> {
  const { process } = await startPool(all, '--listen-sv1', '127.0.0.1:0');
  const port = Number(await process.printed(/listening for Stratum V1 on 127\.0\.0\.1:(\d+)/));
  return siteOf(process, port, (name) => sv1Miner(port, name));
}
