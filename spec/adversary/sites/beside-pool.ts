/** What a pool has besides its port for miners: its declaration server, and its monitoring. */
import { sv2Miner } from '../honest/sv2.js';
import { startBitcoinNode } from './bitcoin-node.js';
import type { Commands } from './commands.js';
import { startPool } from './pool.js';
import { siteOf, type Site } from './site.js';

/** A pool with a declaration server in its process, which is attacked; honest miners are at the pool. */
export async function declarationSite(all: Commands): Promise<Site> {
  const node = await startBitcoinNode();
  const file = all.file('pool.toml', `[jds]\nlisten_address = "127.0.0.1:0"\nbitcoin_rpc = "${node}"\n`);
  const { process, port } = await startPool(all, '--config', file);
  const declarationPort = Number(await process.printed(/declaration server listening on 127\.0\.0\.1:(\d+)/));
  return siteOf(process, declarationPort, (name) => sv2Miner(port, name));
}

/** A pool whose monitoring is attacked; honest miners are at the pool. */
export async function monitoringSite(all: Commands): Promise<Site> {
  const { process, port } = await startPool(all, '--monitoring', '127.0.0.1:0');
  const monitoringPort = Number(await process.printed(/monitoring at http:\/\/127\.0\.0\.1:(\d+)/));
  return siteOf(process, monitoringPort, (name) => sv2Miner(port, name));
}
