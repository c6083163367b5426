import { Sv2Error } from '../../codec/errors.js';

/** The longest extranonce that fits `extranonce_prefix` (B0_32) and leaves the coinbase its room. */
const MAX_EXTRANONCE_SIZE = 32;

/** How many released prefixes rest before the first of them is used again, as long as there are fresh ones. */
const RESTING = 1024;

/** Options of {@link extranonceAllocator}. */
export interface ExtranonceAllocatorOptions {
  /** The `extranonce_prefix` that an upstream server assigned; none for a pool. */
  readonly upstreamPrefix?: Uint8Array;
  /** U16 that tells server instances of one pool apart. When given, it takes 2 bytes, big-endian. */
  readonly serverId?: number;
  /** Bytes that tell channels apart, 1 to 6: room for 256^indexSize channels at a time. Default 2. */
  readonly indexSize?: number;
  /** Bytes of the whole extranonce, the same for every channel (spec §5.1.2.1), at most 32. Default 20. */
  readonly size?: number;
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
   * @returns both fields as `OpenExtendedMiningChannel.Success` wants them
   * @throws Sv2Error `min-extranonce-size-too-large` (the wire's error code) when fewer bytes can be rolled,
   *   `extranonce-space-exhausted` when every prefix is taken
   */
  allocateExtended(minExtranonceSize: number): { extranoncePrefix: Uint8Array; extranonceSize: number };
  /**
   * The whole extranonce of a standard channel.
   *
   * @returns `size` bytes, zeros where an extended channel would roll
   * @throws Sv2Error `extranonce-space-exhausted` when every prefix is taken
   */
  allocateStandard(): Uint8Array;
  /**
   * Takes a prefix back when its channel closes.
   *
   * @param extranoncePrefix what one of the other two returned
   * @throws Sv2Error `unknown-extranonce-prefix` when this allocator has not handed it out, or has it back
   */
  release(extranoncePrefix: Uint8Array): void;
}

/**
 * Divides an extranonce space among channels so that no two ever search the same coinbases (spec §5.1.2.1):
 *
 * ```text
 * upstreamPrefix | serverId | index | rolled by an extended channel, zero on a standard one
 * ```
 *
 * Standard and extended channels draw their index from one pool, so a standard channel's extranonce is never
 * inside what an extended channel rolls. A released index rests while fresh ones remain, so that shares that
 * arrive late for a closed channel don't meet a new channel's work. Takes memory for the channels that were
 * open at the same time at most, and constant time.
 *
 * @throws Sv2Error `out-of-range` when an option is, or when the parts don't fit `size`
 */
export const extranonceAllocator = (options: ExtranonceAllocatorOptions = {}): ExtranonceAllocator => {
  const { upstreamPrefix = new Uint8Array(0), serverId, indexSize = 2, size = 20 } = options;
  requireRange('indexSize', indexSize, 1, 6);
  if (serverId !== undefined) requireRange('serverId', serverId, 0, 0xffff);
  const indexOffset = upstreamPrefix.length + (serverId === undefined ? 0 : 2);
  const prefixSize = indexOffset + indexSize;
  requireRange('size', size, prefixSize, MAX_EXTRANONCE_SIZE);

  const base = new Uint8Array(indexOffset);
  base.set(upstreamPrefix);
  if (serverId !== undefined) base.set([serverId >>> 8, serverId & 0xff], upstreamPrefix.length);

  const capacity = 256 ** indexSize;
  const lengthOfLive = new Map<number, number>();
  const released = fifo<number>();
  let fresh = 0;

  const allocate = (length: number): Uint8Array => {
    const index = released.length > RESTING || fresh === capacity ? released.shift() : fresh++;
    if (index === undefined) {
      throw new Sv2Error('extranonce-space-exhausted', `all ${capacity} extranonce prefixes are taken`, {
        capacity,
      });
    }
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
    allocateExtended(minExtranonceSize) {
      const extranonceSize = size - prefixSize;
      if (!(minExtranonceSize <= extranonceSize)) {
        throw new Sv2Error(
          'min-extranonce-size-too-large',
          `a channel can roll ${extranonceSize} extranonce bytes here, but ${minExtranonceSize} were asked for`,
          { minExtranonceSize, extranonceSize },
        );
      }
      return { extranoncePrefix: allocate(prefixSize), extranonceSize };
    },
    allocateStandard: () => allocate(size),
    release(extranoncePrefix) {
      const index = extranoncePrefix
        .subarray(indexOffset, prefixSize)
        .reduce((value, byte) => value * 256 + byte, 0);
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
      released.push(index);
    },
  };
};

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
  };
};

const requireRange = (name: string, value: number, lowest: number, highest: number): void => {
  if (Number.isInteger(value) && value >= lowest && value <= highest) return;
  throw new Sv2Error(
    'out-of-range',
    `${name} must be a whole number from ${lowest} to ${highest}, got ${value}`,
    { [name]: value },
  );
};
