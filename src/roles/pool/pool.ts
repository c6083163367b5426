import { asyncScheduler, merge, type Observable, type SchedulerLike } from 'rxjs';
import { coinbaseTag } from '../../bitcoin/coinbase.js';
import { extranonceAllocator } from '../../mining/extranonce.js';
import type { MiningServerOptions, MiningServerOutcome } from '../../mining/mining-server-types.js';
import { workerHashrateTracking } from '../../messages/user-identity.js';
import { createClient } from '../../service/client.js';
import type { ClientOutcome, ServerOutcome } from '../../service/outcomes.js';
import { createServer, type Server } from '../../service/server.js';
import type { ReconnectPolicy } from '../../service/reconnect.js';
import { siblings } from '../../service/siblings.js';
import type { Connection, Connector } from '../../transport/connection.js';
import { poolMining } from './mining-handler.js';
import { templateClient } from './template-client.js';

/** What a pool is told. */
export interface PoolOptions extends Partial<
  Pick<MiningServerOptions, 'isKnownUser' | 'sharesPerMinute' | 'shareBatchSize'>
> {
  /** Where miners come from. */
  readonly listen: Observable<Connection>;
  /** Dials the template provider. */
  readonly templateProvider: Connector;
  /** Script that the whole value of a block is paid to. */
  readonly payoutScript: Uint8Array;
  /** Text for the coinbase; `rx-sv2` unless given. With its frame at most 75 bytes. */
  readonly poolSignature?: string;
  /** 0 to 65,535; tells the servers of one pool apart so that their miners never do the same work. */
  readonly serverId?: number;
  /** How it comes back to the template provider; after 1 s up to 30 s unless given. */
  readonly reconnect?: ReconnectPolicy;
  /** Milliseconds of silence after which a miner is disconnected; an hour unless given. */
  readonly inactivityLimit?: number;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** What happens at a pool: the outcomes of its server, which name a `clientId`, and of its template client. */
export type PoolOutcome = ServerOutcome<MiningServerOutcome> | ClientOutcome;

/** A pool: cold until started. */
export interface Pool {
  /** Runs the pool while subscribed: see `Server.start` and `Client.start`. */
  start(): Observable<PoolOutcome>;
  /** The miners that are connected. */
  readonly clients: Server['clients'];
}

/**
 * A pool: a mining server and a template distribution client as siblings. Miners that come before the first
 * template wait for it; without the template provider they keep the last one until it is back.
 */
export function pool(options: PoolOptions): Pool {
  const { payoutScript, poolSignature = 'rx-sv2', serverId = 0, scheduler = asyncScheduler } = options;
  const { sharesPerMinute = 6, shareBatchSize = 10, isKnownUser } = options;
  const [serverSide, clientSide] = siblings();
  const server = createServer({
    listen: options.listen,
    mining: poolMining(
      {
        extranonce: extranonceAllocator({ serverId, indexSize: 4 }),
        payoutOutputs: (value) => [{ value, scriptPubKey: payoutScript }],
        tag: coinbaseTag(poolSignature),
        sharesPerMinute,
        shareBatchSize,
        ...(isKnownUser === undefined ? {} : { isKnownUser }),
      },
      scheduler,
    ),
    sibling: serverSide,
    extensions: { supported: [workerHashrateTracking] },
    ...(options.inactivityLimit === undefined ? {} : { inactivityLimit: options.inactivityLimit }),
    scheduler,
  });
  const client = createClient({
    templateDistribution: {
      connect: options.templateProvider,
      handler: templateClient([{ value: 0n, scriptPubKey: payoutScript }]),
    },
    sibling: clientSide,
    reconnect: options.reconnect ?? { maxDelay: 30_000 },
    scheduler,
  });
  return { start: () => merge(server.start(), client.start()), clients: server.clients };
}
