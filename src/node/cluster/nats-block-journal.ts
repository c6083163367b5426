/** Blocks that a cluster's ledger does not have yet, in JetStream's key-value store: whichever core is next has them. */
import { Sv2Error } from '../../codec/errors.js';
import { notedFromJson, notedToJson, type NotedBlock } from '../../ledger/block-journal.js';
import type { CoreJournal } from '../../roles/cluster/core-journal.js';
import { clusterSubjects } from './bus.js';
import { openBucket } from './jetstream.js';
import type { NatsBus } from './nats.js';

/** Bytes that a message has beside a value: its subject and headers. */
const besides = 1_024;

/** Pieces of one block: 32 MiB where a message has a megabyte, as `maxText` of the other ways. */
const maxPieces = 32;

/** A key: the block's hash, the number of a piece from 0 on, and how many there are. */
const keyForm = /^([0-9a-f]{64})\.(\d{1,2})\.(\d{1,2})$/;

/** Blocks of a cluster on their way to its ledger: see `CoreJournal`. Those that cannot be read are left where they are. */
export interface NatsBlockJournal extends CoreJournal {
  note(noted: NotedBlock): Promise<void>;
}

/**
 * Reads what the cores before have noted. A statement of thousands of payees is larger than the broker takes, and goes in
 * pieces; of a block of which not all are there nobody was told that it is noted.
 * @throws Sv2Error `journal-unavailable` where there is no JetStream, `invalid-cluster-name`
 */
export async function natsBlockJournal(bus: NatsBus, cluster: string): Promise<NatsBlockJournal> {
  clusterSubjects(cluster); // complains about the name
  const bucket = `${cluster}-noted`;
  const failed = (error: unknown): Sv2Error => {
    const why = error instanceof Error ? error.message : String(error);
    return new Sv2Error(
      'journal-unavailable',
      `${bucket} in JetStream, for blocks on their way, cannot be used: ${why}`,
      { bucket },
      error,
    );
  };
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw failed(error);
    }
  };
  const store = await guarded(() => openBucket(bus, bucket));
  const most = Math.max(1, bus.maxBytes - besides);
  /** The keys of each block that is noted. */
  const keys = new Map<string, string[]>();

  const readAll = async (): Promise<NotedBlock[]> => {
    const pieces = new Map<string, { readonly revision: number; readonly parts: Uint8Array[]; of: number }>();
    for await (const key of await store.keys()) {
      const [, hash = '', index = '', count = ''] = keyForm.exec(key) ?? [];
      const entry = hash === '' ? null : await store.get(key);
      if (entry === null || entry.operation !== 'PUT') continue;
      const { parts, revision } = pieces.get(hash) ?? { parts: [], revision: entry.revision };
      parts[Number(index)] = entry.value;
      pieces.set(hash, { parts, revision, of: Number(count) });
      keys.set(hash, [...(keys.get(hash) ?? []), key]);
    }
    return [...pieces.values()]
      .filter(({ parts, of }) => Object.keys(parts).length === of)
      .sort((one, other) => one.revision - other.revision)
      .flatMap(({ parts }) => {
        try {
          return [notedFromJson(Buffer.concat(parts).toString('utf8'))];
        } catch {
          return []; // it was written by somebody else
        }
      });
  };
  const before = await guarded(readAll);

  return {
    noted: () => before,
    note: (noted) =>
      guarded(async () => {
        if (!bus.isConnected) throw new Error('there is no connection to NATS');
        const { hash } = noted.block;
        const bytes = new TextEncoder().encode(notedToJson(noted));
        const count = Math.ceil(bytes.length / most);
        if (count > maxPieces)
          throw new Error(`it has ${bytes.length} bytes, at most ${maxPieces * most} can be kept`);
        const own = Array.from({ length: count }, (_, index) => `${hash}.${index}.${count}`);
        keys.set(hash, own);
        await Promise.all(
          own.map((key, index) => store.put(key, bytes.subarray(index * most, (index + 1) * most))),
        );
      }),
    clear(hashes) {
      for (const hash of hashes) {
        // what cannot be cleared now is known to be in the ledger by the next core
        for (const key of keys.get(hash) ?? []) if (bus.isConnected) store.purge(key).catch(() => undefined);
        keys.delete(hash);
      }
    },
  };
}
