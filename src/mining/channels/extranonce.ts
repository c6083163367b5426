import { Sv2Error } from '../../codec/errors.js';
import { defaultCrypto, type RandomBytes } from '../../crypto/index.js';
import { RETURNING_TIPS } from '../work/chain-tip.js';

/** The longest extranonce that fits `extranonce_prefix` (B0_32) and leaves the coinbase its room. */
const MAX_EXTRANONCE_SIZE = 32;

/**
 * How many released prefixes may rest before no fresh one is given: whoever opens and closes channels for hours
 * makes this table grow to 2 MB and no further.
 */
const MAX_RESTING = 262_144;

/** Options of {@link extranonceAllocator}. */
export interface ExtranonceAllocatorOptions {
  /** The `extranonce_prefix` that an upstream server assigned; none for a pool. */
  readonly upstreamPrefix?: Uint8Array;
  /** U16 that tells server instances of one pool apart. When given, it takes 2 bytes, big-endian. */
  readonly serverId?: number;
  /** U8 that tells apart who has a server id one after another; only with that. When given, it takes a byte behind it. */
  readonly life?: number;
  /** Bytes that tell channels apart, 1 to 6: room for 256^indexSize channels at a time. Default 2. */
  readonly indexSize?: number;
  /** Bytes of the whole extranonce, the same for every channel (spec §5.1.2.1), at most 32. Default 20. */
  readonly size?: number;
  /** Says at which index to begin, so that the next process begins elsewhere; Web Crypto unless given. */
  readonly randomBytes?: RandomBytes;
}

/** Hands out extranonce prefixes. See {@link extranonceAllocator}. */
export interface ExtranonceAllocator {
  /** Bytes of the whole extranonce: prefix and rollable bytes together. */
  readonly size: number;
  /** Bytes that an extended channel may roll. */
  readonly extranonceSize: number;
  /** How many channels hold a prefix now. */
  readonly live: number;
  /**
   * A prefix for an extended channel.
   *
   * @param minExtranonceSize `min_extranonce_size` of `OpenExtendedMiningChannel`
   * @param takesResting whether one that still rests will do when there is no other: its channel must get work
   *   that nobody had
   * @returns both fields as `OpenExtendedMiningChannel.Success` wants them
   * @throws Sv2Error `min-extranonce-size-too-large` (the wire's error code) when fewer bytes can be rolled,
   *   `extranonce-space-exhausted` when every prefix is taken or rests with credited shares
   */
  allocateExtended(
    minExtranonceSize: number,
    takesResting?: boolean,
  ): { extranoncePrefix: Uint8Array; extranonceSize: number };
  /**
   * The whole extranonce of a standard channel.
   *
   * @param takesResting as for an extended channel
   * @returns `size` bytes, zeros where an extended channel would roll
   * @throws Sv2Error `extranonce-space-exhausted` when every prefix is taken or rests
   */
  allocateStandard(takesResting?: boolean): Uint8Array;
  /** There is another previous hash: prefixes that have rested for long enough are free again. */
  nextPrevHash(): void;
  /**
   * Takes a prefix back when its channel closes. It rests while work it was used for may still be valid.
   *
   * @param extranoncePrefix what one of the other two returned
   * @param wasCredited whether shares with it were, or may have been: if not, it is given to anybody once there is no
   *   other. Whoever opens and closes channels and does no work for it keeps nobody from having one so.
   * @throws Sv2Error `unknown-extranonce-prefix` when this allocator has not handed it out, or has it back
   */
  release(extranoncePrefix: Uint8Array, wasCredited?: boolean): void;
}

/**
 * Divides an extranonce space among channels so that no two ever search the same coinbases (spec §5.1.2.1):
 *
 * ```text
 * upstreamPrefix | serverId | life | index | rolled by an extended channel, zero on a standard one
 * ```
 *
 * Standard and extended channels draw their index from one pool, so a standard channel's extranonce is never
 * inside what an extended channel rolls. Indexes count up from a random one, so that another process does not
 * begin where this one did; with `indexSize` 4, two with 1,000 channels each meet once in two million times.
 *
 * A released index rests until the previous hash has changed {@link RETURNING_TIPS} times: whoever gets it before
 * could hand in once more what was credited already. Those with which nothing was credited are given before that, once
 * there are no fresh ones. Takes memory for the channels that are open or rest, and
 * constant time.
 *
 * @throws Sv2Error `out-of-range` when an option is, or when the parts don't fit `size`
 */
export const extranonceAllocator = (options: ExtranonceAllocatorOptions = {}): ExtranonceAllocator => {
  const { upstreamPrefix = new Uint8Array(0), serverId, life, indexSize = 2, size = 20 } = options;
  const { randomBytes = defaultCrypto.randomBytes } = options;
  requireRange('indexSize', indexSize, 1, 6);
  if (serverId !== undefined) requireRange('serverId', serverId, 0, 0xffff);
  if (life !== undefined) requireRange('life', life, 0, 0xff);
  const server =
    serverId === undefined ? [] : [serverId >>> 8, serverId & 0xff, ...(life === undefined ? [] : [life])];
  const indexOffset = upstreamPrefix.length + server.length;
  const prefixSize = indexOffset + indexSize;
  requireRange('size', size, prefixSize, MAX_EXTRANONCE_SIZE);

  const base = new Uint8Array(indexOffset);
  base.set(upstreamPrefix);
  base.set(server, upstreamPrefix.length);

  const capacity = 256 ** indexSize;
  const lengthOfLive = new Map<number, number>();
  const firstIndex = numberFrom(randomBytes(indexSize));
  let fresh = 0;
  const free = fifo<number>();
  /** Released ones by the previous hash they were released on, the oldest first; in the end free again. */
  let resting = [rest()];
  const restingCount = (): number =>
    resting.reduce((sum, { credited, unused }) => sum + credited.length + unused.length, 0);
  const first = (kind: keyof Rest): number | undefined =>
    resting.find((released) => released[kind].length > 0)?.[kind].shift();

  const nextIndex = (takesResting: boolean): number | undefined => {
    const rested = free.shift();
    if (rested !== undefined) return rested;
    if (fresh < capacity && restingCount() < MAX_RESTING) return (firstIndex + fresh++) % capacity;
    return first('unused') ?? (takesResting ? first('credited') : undefined);
  };

  const allocate = (length: number, takesResting: boolean): Uint8Array => {
    const index = nextIndex(takesResting);
    if (index === undefined) {
      throw new Sv2Error(
        'extranonce-space-exhausted',
        `all ${capacity} extranonce prefixes are taken or were on a recent previous hash`,
        { capacity, live: lengthOfLive.size },
      );
    }
    if (lengthOfLive.has(index)) throw new Error(`extranonce prefix ${index} would have two owners`);
    lengthOfLive.set(index, length);
    const prefix = new Uint8Array(length);
    prefix.set(base);
    for (let rest = index, at = prefixSize - 1; at >= indexOffset; at--, rest = Math.floor(rest / 256)) {
      prefix[at] = rest % 256;
    }
    return prefix;
  };

  return {
    size,
    extranonceSize: size - prefixSize,
    get live() {
      return lengthOfLive.size;
    },
    allocateExtended(minExtranonceSize, takesResting = false) {
      const extranonceSize = size - prefixSize;
      if (!(minExtranonceSize <= extranonceSize)) {
        throw new Sv2Error(
          'min-extranonce-size-too-large',
          `a channel can roll ${extranonceSize} extranonce bytes here, but ${minExtranonceSize} were asked for`,
          { minExtranonceSize, extranonceSize },
        );
      }
      return { extranoncePrefix: allocate(prefixSize, takesResting), extranonceSize };
    },
    allocateStandard: (takesResting = false) => allocate(size, takesResting),
    nextPrevHash() {
      resting.push(rest());
      const rested = resting.slice(0, -RETURNING_TIPS);
      resting = resting.slice(-RETURNING_TIPS);
      for (const { credited, unused } of rested)
        for (const { drain } of [credited, unused]) drain((index) => free.push(index));
    },
    release(extranoncePrefix, wasCredited = true) {
      const index = numberFrom(extranoncePrefix.subarray(indexOffset, prefixSize));
      const isOurs =
        lengthOfLive.get(index) === extranoncePrefix.length &&
        base.every((byte, at) => extranoncePrefix[at] === byte) &&
        extranoncePrefix.subarray(prefixSize).every((byte) => byte === 0);
      if (!isOurs) {
        throw new Sv2Error(
          'unknown-extranonce-prefix',
          'an extranonce prefix can be released once, by the allocator that handed it out',
          { extranoncePrefix },
        );
      }
      lengthOfLive.delete(index);
      resting.at(-1)?.[wasCredited ? 'credited' : 'unused'].push(index);
    },
  };
};

/** Indexes that were released on one previous hash. */
interface Rest {
  /** Shares with them were credited: the same shares could come again. */
  readonly credited: Fifo<number>;
  readonly unused: Fifo<number>;
}

const rest = (): Rest => ({ credited: fifo(), unused: fifo() });

type Fifo<T> = ReturnType<typeof fifo<T>>;

/** A queue that takes constant time on average: filled at one array's end, emptied from the other's. */
const fifo = <T>() => {
  let incoming: T[] = [];
  let outgoing: T[] = [];
  return {
    get length() {
      return incoming.length + outgoing.length;
    },
    push(value: T) {
      incoming.push(value);
    },
    shift(): T | undefined {
      if (outgoing.length === 0) [outgoing, incoming] = [incoming.reverse(), []];
      return outgoing.pop();
    },
    drain(take: (value: T) => void): void {
      for (const value of outgoing.reverse()) take(value);
      for (const value of incoming) take(value);
      [outgoing, incoming] = [[], []];
    },
  };
};

/** Up to 6 bytes, big-endian. */
const numberFrom = (bytes: Uint8Array): number => bytes.reduce((value, byte) => value * 256 + byte, 0);

const requireRange = (name: string, value: number, lowest: number, highest: number): void => {
  if (Number.isInteger(value) && value >= lowest && value <= highest) return;
  throw new Sv2Error(
    'out-of-range',
    `${name} must be a whole number from ${lowest} to ${highest}, got ${value}`,
    { [name]: value },
  );
};
