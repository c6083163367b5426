/** The pools that a role has above it: how they are dialled, and what is told of them before anything happens. */
import type { Observable } from 'rxjs';
import { connect } from '../node/connect.js';
import type { Connector } from '../transport/connection.js';
import { ConfigError } from './config.js';
import { silenceLog } from './role-client.js';
import { trouble, type LogLine } from './log-line.js';

/** What connects to pools that have no keys. */
export const upstreamPlaintextFlag = '--no-upstream-encryption';

/** Where a pool is. */
export interface UpstreamPool {
  readonly host: string;
  readonly port: number;
  /** Its authority's; without, any server is accepted. */
  readonly key?: string | Uint8Array | undefined;
}

/** Dials pools, and tells of those that say nothing. */
export interface UpstreamDialler {
  /**
   * @param where the setting that names the pool: `upstreams.0`
   * @throws ConfigError for a key that would not be used
   */
  dial(pool: UpstreamPool, where: string): Connector;
  readonly line$: Observable<LogLine>;
}

/** @param encrypted as `upstream_encryption` says */
export function upstreamDialler(encrypted: boolean): UpstreamDialler {
  const { silenceObserver, line$ } = silenceLog(upstreamPlaintextFlag);
  const dialler: UpstreamDialler = {
    dial({ host, port, key }, where) {
      if (!encrypted && key !== undefined)
        throw new ConfigError([
          `${where}: its authority key is of no use without encryption, which is switched off`,
        ]);
      const security = key === undefined ? {} : { authorityPublicKey: key };
      return connect({ host, port, encrypted, silenceObserver, ...security });
    },
    line$,
  };
  return dialler;
}

/** Warns of pools that anybody could pretend to be. @param encrypted as `upstream_encryption` says */
export function openPools(pools: readonly UpstreamPool[], encrypted: boolean): readonly LogLine[] {
  const open = pools.filter(({ key }) => key === undefined);
  if (open.length === 0) return [];
  const where = open.map(({ host, port }) => `${host}:${port}`).join(', ');
  return [
    trouble(
      encrypted
        ? `no authority key for ${where}: any server is accepted there`
        : `the connection to ${where} is not encrypted`,
    ),
  ];
}
