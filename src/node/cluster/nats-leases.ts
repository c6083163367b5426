/** Leases of server ids in JetStream's key-value store. Its client is loaded when they are asked for. */
import type { KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { asyncScheduler, type SchedulerLike } from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import { expiringLeases, leaseLost, type LeaseKeeper } from '../../roles/cluster/leases.js';
import { fieldsOf } from '../../roles/cluster/plain-fields.js';
import type { ServerIdLeases } from '../../roles/cluster/server-ids.js';
import { clusterSubjects } from './bus.js';
import type { NatsBus } from './nats.js';

/** Options of {@link natsLeases}. */
export interface NatsLeaseOptions {
  /** The cluster's name; `sv2` unless given. */
  readonly cluster?: string;
  /** Who we are, for whoever wants the same id: host and process, say; 200 characters at most. */
  readonly holder: string;
  /** The id to have, 0 to 65,535; the lowest that is free unless given. */
  readonly serverId?: number;
  /**
   * Milliseconds that a lease lasts without being renewed, 120,000 unless given, the same in the whole cluster: how long a front
   * goes on without NATS (nine tenths of it), and how long the id of one that was killed is nobody's.
   */
  readonly ttl?: number;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** Characters of a holder's name. */
const maxHolder = 200;

/**
 * Leases of server ids that all machines of a cluster share: one holder for each id. Errors of its `lease$` are Sv2Errors:
 * `server-id-taken`, which names the holder, `server-ids-exhausted`, `lease-lost` when it could not be renewed in time or is another's: what works under the id has to end
 * then, at once. An id is given back when `lease$` is unsubscribed from, while the bus is open.
 * @throws Sv2Error `cluster-unavailable` where there is no JetStream, `invalid-cluster-name`
 */
export async function natsLeases(bus: NatsBus, options: NatsLeaseOptions): Promise<ServerIdLeases> {
  const { cluster = 'sv2', holder, serverId, ttl = 120_000, scheduler = asyncScheduler } = options;
  clusterSubjects(cluster); // complains about the name
  const { Kvm } = await import('@nats-io/kv');
  const bucket = `${cluster}-servers`;
  const store = await new Kvm(bus.connection as NatsConnection)
    .create(bucket, { ttl, history: 1 })
    .catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new Sv2Error(
        'cluster-unavailable',
        `cannot open ${bucket} in JetStream: ${why} (a lease must last as long in the whole cluster, and nats-server must run with -js)`,
        { bucket },
        error,
      );
    });
  return expiringLeases(natsKeeper(store, holder.slice(0, maxHolder)), {
    ...(serverId === undefined ? {} : { serverId }),
    ttl,
    scheduler,
  });
}

/** Keeps leases in a bucket whose entries are forgotten after their time. */
const natsKeeper = (store: KV, holder: string): LeaseKeeper => {
  const session = crypto.randomUUID();
  const own = JSON.stringify({ holder, session });

  /** Who has an id, if anybody has; what it says there is somebody's whoever wrote it. */
  const entryOf = async (key: string) => {
    const entry = await store.get(key);
    if (entry === null || entry.operation !== 'PUT') return undefined;
    const { revision } = entry;
    try {
      const fields = fieldsOf(JSON.parse(entry.string()), 'lease');
      const isOwn = fields.text('session', 64) === session;
      return { revision, isOwn, holder: fields.text('holder', maxHolder) };
    } catch {
      return { revision, isOwn: false, holder: 'somebody whose name cannot be read' };
    }
  };

  const take = async (serverId: number): Promise<{ revision: number } | { holder: string }> => {
    const key = String(serverId);
    try {
      return { revision: await store.create(key, own) };
    } catch (error) {
      const entry = await entryOf(key);
      if (entry === undefined) throw unavailable(error);
      return entry.isOwn ? { revision: entry.revision } : { holder: entry.holder };
    }
  };

  const renew = async (serverId: number, revision: number): Promise<number> => {
    const key = String(serverId);
    try {
      return await store.update(key, own, revision);
    } catch {
      // whether it was written is not known: what was, is ours
      const entry = await entryOf(key);
      if (entry === undefined) throw leaseLost(serverId, 'it has run out');
      if (!entry.isOwn) throw leaseLost(serverId, `${entry.holder} has it`);
      return store.update(key, own, entry.revision);
    }
  };

  return {
    take,
    renew,
    release(serverId, revision) {
      // what cannot be given back now runs out by itself
      store.delete(String(serverId), { previousSeq: revision }).catch(() => undefined);
    },
  };
};

const unavailable = (error: unknown): Sv2Error => {
  const why = error instanceof Error ? error.message : String(error);
  return new Sv2Error('cluster-unavailable', `cannot take a lease in JetStream: ${why}`, {}, error);
};
