import {
  asyncScheduler,
  connect,
  defer,
  delay,
  filter,
  map,
  mergeMap,
  observeOn,
  of,
  repeat,
  take,
  takeUntil,
  takeWhile,
  timestamp,
  toArray,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { parseBlockHeader } from '../../bitcoin/block-header.js';
import { createHeaderHasher } from '../../bitcoin/midstate.js';
import { VERSION_ROLLING_MASK } from '../../mining/work/job.js';

/** What is to be hashed: every nonce, and if allowed every version that BIP 323 leaves to miners. */
export interface HashUnit {
  /** 80 bytes; the nonce in it is ignored. */
  readonly header: Uint8Array;
  /** Largest hash to be reported: 32 bytes, little-endian. */
  readonly target: Uint8Array;
  readonly versionRollingAllowed: boolean;
}

/** What hashing leads to. */
export type HashEvent =
  /** A header whose hash is at or below the target. */
  | { readonly type: 'found'; readonly nonce: number; readonly version: number }
  /** So many hashes were computed since the last such event. */
  | { readonly type: 'hashed'; readonly hashes: number };

/** What computes hashes. */
export interface Hasher {
  /**
   * Hashes a unit while subscribed; completes when there is nothing left to try. Units that are hashed at the same time
   * get equal parts of the speed.
   */
  hash(unit: HashUnit): Observable<HashEvent>;
}

/** A part of a unit's search space: so many nonces from `nonce` on, with one version. */
export interface HashSlice {
  readonly version: number;
  readonly nonce: number;
  readonly count: number;
}

const nonces = 2 ** 32;

/** The version in a header of 80 bytes, U32. @throws Sv2Error `invalid-length` */
export const headerVersion = (header: Uint8Array): number => parseBlockHeader(header).version;

/** A copy of a header of 80 bytes with another version. @throws Sv2Error `invalid-length` */
export function withVersion(header: Uint8Array, version: number): Uint8Array {
  parseBlockHeader(header);
  const copy = header.slice();
  new DataView(copy.buffer).setUint32(0, version, true);
  return copy;
}

/** The version that follows in the order of the bits of BIP 323, or undefined after the last. */
export function nextVersion(version: number): number | undefined {
  const lowestBit = VERSION_ROLLING_MASK & -VERSION_ROLLING_MASK;
  const rolled = (((version & VERSION_ROLLING_MASK) >>> 0) + lowestBit) >>> 0;
  if ((rolled & ~VERSION_ROLLING_MASK) !== 0) return undefined;
  return ((version & ~VERSION_ROLLING_MASK) | rolled) >>> 0;
}

/**
 * The slices of a unit for one of several workers: nonces first, then versions (from the one in the header
 * with the bits of BIP 323 cleared, counting up).
 * @param unit the unit
 * @param size how many nonces the next slice has, 1 or more
 * @param worker which worker, from 0
 * @param workers how many there are; each gets its own share of the nonces
 */
export function* hashSlices(
  unit: HashUnit,
  size: () => number,
  worker = 0,
  workers = 1,
): Generator<HashSlice> {
  const first = Math.floor((worker * nonces) / workers);
  const end = Math.floor(((worker + 1) * nonces) / workers);
  const own = headerVersion(unit.header);
  let version: number | undefined = unit.versionRollingAllowed ? (own & ~VERSION_ROLLING_MASK) >>> 0 : own;
  while (version !== undefined) {
    for (let nonce = first; nonce < end;) {
      const count = Math.min(size(), end - nonce);
      yield { version, nonce, count };
      nonce += count;
    }
    version = unit.versionRollingAllowed ? nextVersion(version) : undefined;
  }
}

/** So many nonces of a slice are told; of the rest of it, those alone whose hash is 256 times as rare, and so on. */
const told = 64;

/** A target that one in 256 hashes meets of those that meet this one: 32 bytes, little-endian. */
const rarer = (target: Uint8Array): Uint8Array => Uint8Array.of(...target.subarray(1), 0);

/**
 * Searches slices one after the other, remembering the midstate while the version stays.
 * @returns a function that searches one slice and returns the nonces found in it: all of them unless they are so many that
 *   telling them would be more work than hashing; then all of the rarest, as one of them may be a block
 */
export function sliceSearcher(unit: HashUnit): (slice: HashSlice) => readonly number[] {
  let version: number | undefined;
  let hasher = createHeaderHasher(unit.header);
  return (slice) => {
    if (slice.version !== version) {
      version = slice.version;
      hasher = createHeaderHasher(withVersion(unit.header, version));
    }
    const found: number[] = [];
    let { target } = unit;
    const end = slice.nonce + slice.count;
    for (let nonce = slice.nonce; nonce < end;) {
      const hit = hasher.search(nonce, end - nonce, target);
      if (hit === null) break;
      found.push(hit);
      nonce = hit + 1;
      if (found.length % told === 0) target = rarer(target);
    }
    return found;
  };
}

/**
 * A hasher for one thread that gives way to everything else after each slice; for browsers and small programs.
 * @param scheduler where it queues up for its next slice, such as `asyncScheduler`
 * @param sliceSize hashes at a stretch
 */
export function cooperativeHasher(scheduler: SchedulerLike, sliceSize = 20_000): Hasher {
  const hasher: Hasher = {
    hash(unit) {
      return defer(() => {
        const slices = hashSlices(unit, () => sliceSize);
        const search = sliceSearcher(unit);
        const hashSlice = (): readonly HashEvent[] | null => {
          const slice = slices.next();
          if (slice.done === true) return null;
          const { version, count } = slice.value;
          const found = search(slice.value).map((nonce) => ({ type: 'found', nonce, version }) as const);
          return [...found, { type: 'hashed', hashes: count }];
        };
        return of(null).pipe(
          observeOn(scheduler),
          map(hashSlice),
          repeat(),
          takeWhile((events) => events !== null),
          mergeMap((events) => events),
        );
      });
    },
  };
  return hasher;
}

/**
 * Measures what a hasher does; the time until it first says anything does not count.
 * @param hasher which is not hashing anything else
 * @param milliseconds how long to measure
 * @param scheduler the clock
 * @returns hashes per second, once; 0 if nothing was hashed
 */
export function measureHashRate(
  hasher: Hasher,
  milliseconds = 1_000,
  scheduler: SchedulerLike = asyncScheduler,
): Observable<number> {
  const endless = { header: new Uint8Array(80), target: new Uint8Array(32), versionRollingAllowed: true };
  return hasher.hash(endless).pipe(
    filter((event) => event.type === 'hashed'),
    timestamp(scheduler),
    connect((hashed$) => hashed$.pipe(takeUntil(hashed$.pipe(take(1), delay(milliseconds, scheduler))))),
    toArray(),
    map((hashed) => {
      const [first, ...rest] = hashed;
      const until = rest.at(-1)?.timestamp;
      if (first === undefined || until === undefined || until <= first.timestamp) return 0;
      const hashes = rest.reduce((sum, { value }) => sum + value.hashes, 0);
      return (hashes * 1_000) / (until - first.timestamp);
    }),
  );
}
