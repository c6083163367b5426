/** What JetStream keeps for a cluster, streams and buckets: on three servers where NATS is a cluster of them. Its client is loaded when that is asked for. */
import type { JetStreamManager, StreamConfig } from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import type { NatsBus } from './nats.js';

/** How many servers of a NATS cluster have what is kept: any one of three can be lost, or restarted, and nothing is. */
const copiesInCluster = 3;

/** How many there are to be at this server, which says itself whether it is one of a cluster; one that is alone refuses to have more. */
const copiesAt = ({ info }: NatsConnection): number => (info?.cluster === undefined ? 1 : copiesInCluster);

/** JetStream's errors for a stream, and for a consumer, that are not there. */
const notFound: readonly unknown[] = [10059, 10014];

/** Whether an error says that a stream or a consumer is not there. */
export const isNotFound = (error: unknown): boolean =>
  notFound.includes((error as { readonly code?: unknown } | null)?.code);

/** How many there are of a stream; 0 when it is not there. */
const copiesOf = async ({ streams }: JetStreamManager, stream: string): Promise<number> => {
  try {
    return (await streams.info(stream)).config.num_replicas;
  } catch (error) {
    if (isNotFound(error)) return 0;
    throw error;
  }
};

/**
 * Opens a stream, or makes it. One of a server that was alone, and is one of a cluster now, gets its copies.
 * @throws what NATS's client throws
 */
export async function openStream(
  bus: NatsBus,
  config: Partial<StreamConfig> & { readonly name: string },
): Promise<JetStreamManager> {
  const { jetstreamManager } = await import('@nats-io/jetstream');
  const connection = bus.connection as NatsConnection;
  const manager = await jetstreamManager(connection);
  const [there, wanted] = [await copiesOf(manager, config.name), copiesAt(connection)];
  if (there > 0 && there < wanted) await manager.streams.update(config.name, { num_replicas: wanted });
  await manager.streams.add({ ...config, num_replicas: Math.max(there, wanted) });
  return manager;
}

/**
 * Opens a bucket of the key-value store, or makes it; the last value of each key is kept. What is read is what was written last:
 * it is asked of the server that decides, and of no copy that may be behind.
 * @param ttl milliseconds after which values are forgotten; never unless given
 * @throws what NATS's client throws
 */
export async function openBucket(bus: NatsBus, bucket: string, ttl?: number): Promise<KV> {
  const { jetstreamManager } = await import('@nats-io/jetstream');
  const { Kvm } = await import('@nats-io/kv');
  const connection = bus.connection as NatsConnection;
  const wanted = copiesAt(connection);
  const store = await new Kvm(connection).create(bucket, {
    ...{ history: 1, replicas: wanted, allow_direct: false },
    ...(ttl === undefined ? {} : { ttl }),
  });
  const { replicas } = await store.status();
  if (replicas < wanted) {
    const { streams } = await jetstreamManager(connection);
    await streams.update(`KV_${bucket}`, { num_replicas: wanted });
  }
  return store;
}
