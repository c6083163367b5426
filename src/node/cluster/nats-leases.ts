/** Leases in JetStream's key-value store: of server ids, and of being a cluster's core. Its client is loaded when they are asked for. */
import type { KV } from '@nats-io/kv';
import { asyncScheduler, type SchedulerLike } from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import { expiringLeases, idOf, leaseLost, type LeaseKeeper } from '../../roles/cluster/leases.js';
import { fieldsOf } from '../../roles/cluster/plain-fields.js';
import type { ServerIdLeases } from '../../roles/cluster/server-ids.js';
import { clusterSubjects } from './bus.js';
import { openBucket } from './jetstream.js';
import type { NatsBus } from './nats.js';
import { unavailable } from './unavailable.js';

/** What leases of both kinds are told. */
export interface NatsHolderOptions {
  /** The cluster's name; `sv2` unless given. */
  readonly cluster?: string;
  /** Who we are, for whoever wants the same: host and process, say; 200 characters at most. */
  readonly holder: string;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** Options of {@link natsLeases}. */
export interface NatsLeaseOptions extends NatsHolderOptions {
  /** The id to have, 0 to 65,535; the lowest that is free unless given. */
  readonly serverId?: number;
  /** Where miners reach whoever has the id, `HOST:PORT`: for those that other holders send away. */
  readonly address?: string;
  /**
   * Milliseconds that a lease lasts without being renewed, 600,000 unless given, the same in the whole cluster: how long a front
   * goes on without NATS (nine tenths of it), and how long the id of one that was killed is nobody's.
   */
  readonly ttl?: number;
}

/** Leases of server ids that all machines of a cluster share. */
export interface NatsServerIds extends ServerIdLeases {
  /** The addresses of all other holders that have one, each once; not our own, which who was here before us may have left there. */
  others(): Promise<readonly string[]>;
  /** From now on nobody is sent to our address any more. */
  withdraw(): Promise<void>;
}

/** Milliseconds that being the core lasts without being renewed: a core that was killed is followed after that. */
export const coreLeaseTtl = 10_000;

/** Characters of a holder's name, and of an address. */
const maxHolder = 200;
const maxAddress = 300;

/**
 * Leases of server ids that all machines of a cluster share: one holder for each id. Errors of its `lease$` are Sv2Errors:
 * `server-id-taken`, which names the holder, `server-ids-exhausted`, `lease-lost` when it could not be renewed in time or is another's: what works under the id has to end
 * then, at once. An id is given back when `lease$` is unsubscribed from, while the bus is open.
 * @throws Sv2Error `cluster-unavailable` where there is no JetStream, `invalid-cluster-name`
 */
export async function natsLeases(bus: NatsBus, options: NatsLeaseOptions): Promise<NatsServerIds> {
  const { cluster = 'sv2', holder, serverId, address, ttl = 600_000, scheduler = asyncScheduler } = options;
  const store = await leaseBucket(bus, cluster, 'servers', ttl);
  const own = ownEntry(holder, address);
  const leases = expiringLeases(natsKeeper(store, own, idOf), {
    ...(serverId === undefined ? {} : { serverId }),
    ttl,
    scheduler,
  });
  return {
    lease$: leases.lease$,
    async others() {
      const addresses = new Set<string>();
      for await (const key of await store.keys()) {
        const entry = await entryOf(store, key, own);
        if (entry !== undefined && !entry.isOwn && entry.address !== undefined) addresses.add(entry.address);
      }
      if (address !== undefined) addresses.delete(address);
      return [...addresses];
    },
    async withdraw() {
      own.address = undefined;
      for (const key of own.keys) {
        const entry = await entryOf(store, key, own);
        // of a renewal in the same moment, which says the same, nothing is overwritten
        if (entry?.isOwn === true) await store.update(key, own.text(), entry.revision);
      }
    },
  };
}

/**
 * The lease of being a cluster's core: `lease$` emits once it is ours, and errors with Sv2Error `core-taken`, which names the
 * holder, or `lease-lost` when it is ours no more.
 * @throws Sv2Error `cluster-unavailable` where there is no JetStream, `invalid-cluster-name`
 */
export async function natsCoreLease(bus: NatsBus, options: NatsHolderOptions): Promise<ServerIdLeases> {
  const { cluster = 'sv2', holder, scheduler = asyncScheduler } = options;
  const store = await leaseBucket(bus, cluster, 'core', coreLeaseTtl);
  const what = `being the core of cluster ${cluster}`;
  return expiringLeases(
    natsKeeper(store, ownEntry(holder), () => what),
    {
      serverId: 0,
      what,
      taken: (other) =>
        new Sv2Error('core-taken', `cluster ${cluster} has a core, ${other}: there is one at a time`, {
          holder: other,
        }),
      ttl: coreLeaseTtl,
      scheduler,
    },
  );
}

/** Opens a bucket whose entries are forgotten after their time. */
async function leaseBucket(bus: NatsBus, cluster: string, name: string, ttl: number): Promise<KV> {
  clusterSubjects(cluster); // complains about the name
  const bucket = `${cluster}-${name}`;
  return openBucket(bus, bucket, ttl).catch((error: unknown) => {
    throw unavailable(
      `cannot open ${bucket} in JetStream`,
      error,
      ' (a lease must last as long in the whole cluster, and nats-server must run with -js)',
    );
  });
}

/** What a holder writes, and under which keys it has. */
interface OwnEntry {
  readonly session: string;
  readonly keys: Set<string>;
  address: string | undefined;
  text(): string;
}

const ownEntry = (holder: string, address?: string): OwnEntry => {
  const session = crypto.randomUUID();
  const own: OwnEntry = {
    session,
    keys: new Set(),
    address,
    text: () => JSON.stringify({ holder: holder.slice(0, maxHolder), session, address: own.address ?? null }),
  };
  return own;
};

/** Who has a key, if anybody has; what it says there is somebody's whoever wrote it. */
const entryOf = async (store: KV, key: string, own: OwnEntry) => {
  const entry = await store.get(key);
  if (entry === null || entry.operation !== 'PUT') return undefined;
  const { revision } = entry;
  try {
    const fields = fieldsOf(JSON.parse(entry.string()), 'lease');
    const hasAddress = typeof fields.value('address') === 'string';
    return {
      revision,
      isOwn: fields.text('session', 64) === own.session,
      holder: fields.text('holder', maxHolder),
      ...(hasAddress ? { address: fields.text('address', maxAddress) } : {}),
    };
  } catch {
    return { revision, isOwn: false, holder: 'somebody whose name cannot be read' };
  }
};

const leasing = 'cannot take a lease in JetStream';

/** Keeps leases in a bucket whose entries are forgotten after their time. @param what is leased, for people */
const natsKeeper = (store: KV, own: OwnEntry, what: (id: number) => string): LeaseKeeper => {
  const take = async (id: number): Promise<{ revision: number } | { holder: string }> => {
    const key = String(id);
    try {
      const revision = await store.create(key, own.text());
      own.keys.add(key);
      return { revision };
    } catch (error) {
      const entry = await entryOf(store, key, own).catch((silent: unknown) => {
        throw unavailable(leasing, silent);
      });
      if (entry === undefined) throw unavailable(leasing, error);
      if (!entry.isOwn) return { holder: entry.holder };
      own.keys.add(key);
      return { revision: entry.revision };
    }
  };

  const renew = async (id: number, revision: number): Promise<number> => {
    const key = String(id);
    try {
      return await store.update(key, own.text(), revision);
    } catch {
      // whether it was written is not known: what was, is ours
      const entry = await entryOf(store, key, own);
      if (entry === undefined) throw leaseLost(what(id), 'it has run out');
      if (!entry.isOwn) throw leaseLost(what(id), `${entry.holder} has it`);
      return store.update(key, own.text(), entry.revision);
    }
  };

  return {
    take,
    renew,
    release(id, revision) {
      const key = String(id);
      own.keys.delete(key);
      // what cannot be given back now runs out by itself
      const given = async () => {
        await store.delete(key, { previousSeq: revision }).catch(async () => {
          const entry = await entryOf(store, key, own);
          if (entry?.isOwn === true) await store.delete(key, { previousSeq: entry.revision });
        });
      };
      given().catch(() => undefined);
    },
  };
};
