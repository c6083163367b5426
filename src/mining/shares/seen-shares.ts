import { Sv2Error } from '../../codec/errors.js';

/** Remembers the hashes of accepted shares. See {@link seenShares}. */
export interface SeenShares {
  /**
   * Whether a share was accepted before.
   *
   * @param hash 32 bytes, the block hash of the share as SHA-256 returned it
   */
  has(hash: Uint8Array): boolean;
  /**
   * Remembers an accepted share; again changes nothing.
   *
   * @param hash 32 bytes
   */
  add(hash: Uint8Array): void;
  /** Forgets everything: for when no work that the shares were for can be valid any more. */
  clear(): void;
  /** How many hashes are remembered. */
  readonly size: number;
  /** Bytes of its table: none before the first share, at most 15 a share from the tenth on. */
  readonly byteLength: number;
}

/** Slots of the first table. */
const FIRST_CAPACITY = 16;

/** How full a table gets before it grows by half: a search of a missing hash looks at 15 slots on average then. */
const FULLEST = 13 / 16;

/**
 * Memory for duplicate shares: all of them, as many as come. Forgetting one would let it count twice, and taking
 * new ones for duplicates would rob honest miners; who wants less in memory makes shares harder.
 *
 * A hash is known by 64 bits, the exclusive or of its quarters: proof of work leaves them random. Among a million shares of one
 * channel and previous hash, one is taken for another once in 37 million times (n²/2^65). An open-addressing
 * table with linear probing, two words a slot, so that a share costs 10 to 15 bytes and no object.
 */
export const seenShares = (): SeenShares => new HashTable();

const NO_SLOTS = new Uint32Array(0);

// A class, as every channel has one: closures and their context, and a dictionary for its getters, took 1.3 KiB of each.
class HashTable implements SeenShares {
  // nobody can make hashes that crowd one part of the table without knowing this
  readonly #salt = Math.floor(Math.random() * 0x1_0000_0000);
  #table = NO_SLOTS;
  #capacity = 0;
  #size = 0;

  has(hash: Uint8Array): boolean {
    requireHash(hash);
    if (this.#size === 0) return false;
    const at = this.#find(lowOf(hash), highOf(hash));
    return this.#table[at] !== 0 || this.#table[at + 1] !== 0;
  }

  add(hash: Uint8Array): void {
    requireHash(hash);
    if (this.#size + 1 > FULLEST * this.#capacity) this.#grow();
    const low = lowOf(hash);
    const high = highOf(hash);
    const at = this.#find(low, high);
    if (this.#table[at] !== 0 || this.#table[at + 1] !== 0) return;
    this.#table[at] = low;
    this.#table[at + 1] = high;
    this.#size++;
  }

  clear(): void {
    this.#table = NO_SLOTS;
    this.#capacity = 0;
    this.#size = 0;
  }

  get size(): number {
    return this.#size;
  }

  get byteLength(): number {
    return this.#table.byteLength;
  }

  /** Index of a fingerprint's slot in the table, or of the empty one that it would take. */
  #find(low: number, high: number): number {
    const table = this.#table;
    const mixed = (Math.imul(low ^ this.#salt, 0x9e37_79b1) ^ Math.imul(high, 0x85eb_ca6b)) >>> 0;
    let at = 2 * Math.floor((mixed / 0x1_0000_0000) * this.#capacity);
    while ((table[at] !== low || table[at + 1] !== high) && (table[at] !== 0 || table[at + 1] !== 0)) {
      at += 2;
      if (at === table.length) at = 0;
    }
    return at;
  }

  #grow(): void {
    const before = this.#table;
    this.#capacity = Math.max(FIRST_CAPACITY, Math.floor(this.#capacity * 1.5));
    this.#table = new Uint32Array(2 * this.#capacity);
    for (let from = 0; from < before.length; from += 2) {
      const low = before[from] ?? 0;
      const high = before[from + 1] ?? 0;
      if (low === 0 && high === 0) continue;
      const at = this.#find(low, high);
      this.#table[at] = low;
      this.#table[at + 1] = high;
    }
  }
}

/** Half of the words; never 0, which with a second half of 0 would be an empty slot. */
const lowOf = (hash: Uint8Array): number =>
  (wordOf(hash, 0) ^ wordOf(hash, 8) ^ wordOf(hash, 16) ^ wordOf(hash, 24)) >>> 0 || 1;

/** The other half. */
const highOf = (hash: Uint8Array): number =>
  (wordOf(hash, 4) ^ wordOf(hash, 12) ^ wordOf(hash, 20) ^ wordOf(hash, 28)) >>> 0;

const wordOf = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) |
  ((bytes[at + 1] ?? 0) << 8) |
  ((bytes[at + 2] ?? 0) << 16) |
  ((bytes[at + 3] ?? 0) << 24);

const requireHash = (hash: Uint8Array): void => {
  if (hash.length === 32) return;
  throw new Sv2Error('invalid-length', `a share hash must be 32 bytes, got ${hash.length}`, {
    length: hash.length,
  });
};
