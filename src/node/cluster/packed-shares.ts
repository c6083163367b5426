/** Accepted shares of a front in few bytes, for its core: as JSON they were half of the core's work, and a tenth of the front's. */
import type { ShareAccepted } from '../../mining/mining-server-outcomes.js';
import { fieldsOf, invalid } from '../../roles/cluster/plain-fields.js';

/** Many accepted shares, as a port takes them. */
export interface PackedShares {
  /** Users and workers, each once. */
  readonly names: readonly string[];
  /** Targets, each once: 32 bytes each, one after another. */
  readonly targets: Uint8Array;
  /**
   * Of each share {@link rowLength} bytes, little-endian: clientId and difficulty as F64; channelId, jobId, sequenceNumber, which name
   * the user is, which the worker, and which target as U32; the hash.
   */
  readonly rows: Uint8Array;
}

const hashAt = 40;
const rowLength = hashAt + 32;
const targetLength = 32;

/** Shares of one message, at most. */
const maxShares = 100_000;
/** Characters of a name, at most: a user identity has 255 bytes, a worker's name no more. */
const maxName = 1_024;

/** Fields of an accepted share, `type` among them. */
const fieldCount = 10;

const isU32 = (value: unknown): boolean => typeof value === 'number' && value >>> 0 === value;

/** Whether an outcome is an accepted share that can be packed without loss: with the fields that it has here, and no others. */
export function isPackable(outcome: { readonly type: string }): outcome is ShareAccepted {
  if (outcome.type !== 'ShareAccepted') return false;
  const share = outcome as { readonly [K in keyof ShareAccepted]?: unknown };
  return (
    typeof share.clientId === 'number' &&
    typeof share.difficulty === 'number' &&
    isU32(share.channelId) &&
    isU32(share.jobId) &&
    isU32(share.sequenceNumber) &&
    typeof share.userIdentity === 'string' &&
    typeof share.worker === 'string' &&
    isHash(share.hash) &&
    isHash(share.target) &&
    Object.keys(outcome).length === fieldCount
  );
}

const isHash = (value: unknown): boolean => value instanceof Uint8Array && value.length === 32;

/** Packs shares. @param shares for which {@link isPackable} */
export function packShares(shares: readonly ShareAccepted[]): PackedShares {
  const names = new Map<string, number>();
  const targets = new Map<Uint8Array, number>();
  const rows = new Uint8Array(rowLength * shares.length);
  const view = new DataView(rows.buffer);
  for (const [index, share] of shares.entries()) {
    const at = rowLength * index;
    view.setFloat64(at, share.clientId, true);
    view.setFloat64(at + 8, share.difficulty, true);
    view.setUint32(at + 16, share.channelId, true);
    view.setUint32(at + 20, share.jobId, true);
    view.setUint32(at + 24, share.sequenceNumber, true);
    view.setUint32(at + 28, placeOf(names, share.userIdentity), true);
    view.setUint32(at + 32, placeOf(names, share.worker), true);
    // jobs of one channel have one object for a target that has not changed
    view.setUint32(at + 36, placeOf(targets, share.target), true);
    rows.set(share.hash, at + hashAt);
  }
  const allTargets = new Uint8Array(targetLength * targets.size);
  for (const [target, place] of targets) allTargets.set(target, targetLength * place);
  return { names: [...names.keys()], targets: allTargets, rows };
}

const placeOf = <T>(places: Map<T, number>, value: T): number => {
  const known = places.get(value);
  if (known !== undefined) return known;
  places.set(value, places.size);
  return places.size - 1;
};

/**
 * The shares again, in their order. Those of one target share its bytes.
 * @throws Sv2Error `invalid-cluster-message` for what is none of {@link packShares}'s
 */
export function unpackShares(packed: unknown): ShareAccepted[] {
  const read = fieldsOf(packed, 'shares');
  const rows = read.bytes('rows', 0, rowLength * maxShares);
  const names = read.list('names', 2 * maxShares, (name) =>
    fieldsOf({ name }, 'shares').text('name', maxName),
  );
  const allTargets = read.bytes('targets', 0, targetLength * maxShares);
  if (rows.length % rowLength !== 0) throw invalid('shares: rows', `a multiple of ${rowLength} bytes`, rows);
  const targets = Array.from({ length: Math.floor(allTargets.length / targetLength) }, (_, place) =>
    allTargets.slice(targetLength * place, targetLength * (place + 1)),
  );
  const view = new DataView(rows.buffer, rows.byteOffset, rows.length);
  const nameAt = (at: number): string => one(names, view.getUint32(at, true), 'names');
  return Array.from({ length: rows.length / rowLength }, (_, index) => {
    const at = rowLength * index;
    return {
      type: 'ShareAccepted',
      clientId: view.getFloat64(at, true),
      channelId: view.getUint32(at + 16, true),
      userIdentity: nameAt(at + 28),
      worker: nameAt(at + 32),
      jobId: view.getUint32(at + 20, true),
      sequenceNumber: view.getUint32(at + 24, true),
      // bytes of its own: a best hash is kept, and would keep the whole message
      hash: rows.slice(at + hashAt, at + rowLength),
      difficulty: view.getFloat64(at + 8, true),
      target: one(targets, view.getUint32(at + 36, true), 'targets'),
    };
  });
}

function one<T>(all: readonly T[], place: number, what: string): T {
  const found = all[place];
  if (found === undefined) throw invalid(`shares: ${what}`, `more than ${place} of them`, all);
  return found;
}
