/** Where the templates of a cluster came from, in JetStream's key-value store: a block on one of them is known to every core. */
import { fieldsOf } from '../../roles/cluster/plain-fields.js';
import type { TemplateMemory, TemplateSource } from '../../roles/pool/template-ids.js';
import { clusterSubjects } from './bus.js';
import { openBucket } from './jetstream.js';
import type { NatsBus } from './nats.js';
import { unavailable } from './unavailable.js';

/** Templates that are remembered: an hour of them. */
const most = 256;

/** Milliseconds after which they are of no use. */
const ttl = 24 * 3_600_000;

const key = 'last';

/** Characters of a U64. */
const maxId = 20;

/**
 * Reads what the cores before have left, and keeps what this one does; what cannot be kept is not, as it is only of use for a
 * block that is found in the moment when a core ends.
 * @throws Sv2Error `cluster-unavailable`
 * @param now milliseconds since 1970: ids of this core's templates begin at it, times 2^20
 */
export async function natsTemplateMemory(
  bus: NatsBus,
  cluster: string,
  now: number,
): Promise<TemplateMemory> {
  clusterSubjects(cluster); // complains about the name
  const bucket = `${cluster}-templates`;
  const open = async () => {
    const store = await openBucket(bus, bucket, ttl);
    return { store, before: await store.get(key) };
  };
  const { store, before } = await open().catch((error: unknown) => {
    throw unavailable(`cannot open ${bucket} in JetStream`, error);
  });
  return templateMemory(before?.operation === 'PUT' ? before.string() : undefined, now, (text) => {
    if (bus.isConnected) store.put(key, text).catch(() => undefined);
  });
}

/**
 * What is remembered of templates.
 * @param before what the core before has left, if it has
 * @param now as {@link natsTemplateMemory}
 * @param leave leaves a text for the next core in place of that
 */
export function templateMemory(
  before: string | undefined,
  now: number,
  leave: (text: string) => void,
): TemplateMemory {
  const known = new Map(before === undefined ? [] : read(before));
  const last = new Map(known);
  return {
    first: BigInt(now) << 20n,
    known,
    keep(id, source) {
      last.set(id, source);
      for (const oldest of last.keys()) {
        if (last.size <= most) break;
        last.delete(oldest);
      }
      const entries = [...last].map(([own, { upstream, templateId }]) => ({
        ...{ id: String(own), upstream, templateId: String(templateId) },
      }));
      leave(JSON.stringify(entries));
    },
  };
}

/** What was left, if it can be read. */
function read(text: string): (readonly [bigint, TemplateSource])[] {
  try {
    const entries = fieldsOf({ templates: JSON.parse(text) as unknown }, 'templates');
    return entries.list('templates', most, (entry) => {
      const fields = fieldsOf(entry, 'template');
      const templateId = BigInt(fields.text('templateId', maxId));
      return [BigInt(fields.text('id', maxId)), { upstream: fields.whole('upstream', 0xffff), templateId }];
    });
  } catch {
    return []; // it was written by somebody else
  }
}
