/** Counts of shares by verdict. */

/** What was delivered by somebody. */
export interface Shares {
  readonly accepted: number;
  readonly rejected: number;
  /** How many were rejected by error code; at most 32 codes, what comes beyond is `other`. */
  readonly rejectedByCode: Readonly<Record<string, number>>;
  /** The sum of the difficulties that accepted shares are credited with. */
  readonly work: number;
  /** The highest difficulty that the hash of an accepted share reached; 0 before the first. */
  readonly bestDifficulty: number;
  /** When the last share was accepted, in milliseconds since 1970; null before the first. */
  readonly lastAcceptedAt: number | null;
  /** When the last share was rejected. */
  readonly lastRejectedAt: number | null;
  /** The number of the last share, as its finder counts them. */
  readonly lastSequenceNumber: number | null;
  /** The difficulty that the last accepted share is credited with; 0 before the first. */
  readonly lastDifficulty: number;
  readonly blocksFound: number;
}

/** Codes that are counted apart. */
const maxCodes = 32;

/** Characters of a code that are kept. */
const maxCodeLength = 64;

/** Counts by a word that a remote may have chosen: as many as there is room for, the rest as `other`. */
export type Counts = Map<string, number>;

/** Counts one more. */
export function countOne(counts: Counts, word: string, by = 1): void {
  const known = word.slice(0, maxCodeLength);
  const code = counts.has(known) || counts.size < maxCodes ? known : 'other';
  counts.set(code, (counts.get(code) ?? 0) + by);
}

/** Counts as a record. */
export const recordOf = (counts: Counts): Readonly<Record<string, number>> =>
  // own properties all of them, `__proto__` too
  Object.fromEntries(counts);

/** Counts while they change. */
export interface Tally {
  accepted: number;
  rejected: number;
  codes: Counts | undefined;
  work: number;
  best: number;
  /** NaN before the first: with null, V8 would make a new number of each, and an old row point at it. */
  lastAcceptedAt: number;
  lastRejectedAt: number;
  lastSequenceNumber: number;
  lastDifficulty: number;
  blocks: number;
}

/** Counts of nothing. */
export const newTally = (): Tally => ({
  accepted: 0,
  rejected: 0,
  codes: undefined,
  work: 0,
  best: 0,
  lastAcceptedAt: NaN,
  lastRejectedAt: NaN,
  lastSequenceNumber: NaN,
  lastDifficulty: 0,
  blocks: 0,
});

/** Counts an accepted share. @param reached the difficulty of its hash */
export function countAccepted(
  tally: Tally,
  difficulty: number,
  sequenceNumber: number,
  reached: number,
  now: number,
): void {
  tally.accepted += 1;
  tally.work += difficulty;
  tally.lastAcceptedAt = now;
  tally.lastSequenceNumber = sequenceNumber;
  tally.lastDifficulty = difficulty;
  if (reached > tally.best) tally.best = reached;
}

/** Counts a rejected share. */
export function countRejected(tally: Tally, errorCode: string, sequenceNumber: number, now: number): void {
  tally.rejected += 1;
  tally.lastRejectedAt = now;
  tally.lastSequenceNumber = sequenceNumber;
  countOne((tally.codes ??= new Map<string, number>()), errorCode);
}

const noCodes: Readonly<Record<string, number>> = {};

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

/** Counts as they are shown. */
export const sharesOf = (tally: Tally): Shares => ({
  accepted: tally.accepted,
  rejected: tally.rejected,
  rejectedByCode: tally.codes === undefined ? noCodes : recordOf(tally.codes),
  work: tally.work,
  bestDifficulty: tally.best,
  lastAcceptedAt: orNull(tally.lastAcceptedAt),
  lastRejectedAt: orNull(tally.lastRejectedAt),
  lastSequenceNumber: orNull(tally.lastSequenceNumber),
  lastDifficulty: tally.lastDifficulty,
  blocksFound: tally.blocks,
});

/**
 * About the difficulty of a hash, to 14 digits: in a tenth of the time that the exact one takes.
 * @param hash 32 bytes, little-endian
 */
export function roughDifficulty(hash: Uint8Array): number {
  let top = 31;
  while (top >= 0 && hash[top] === 0) top -= 1;
  let value = 0;
  for (let index = top; index >= 0 && index > top - 7; index--) value = value * 256 + (hash[index] as number);
  return value === 0 ? Infinity : (0xffff * 2 ** 208) / (value * 256 ** Math.max(0, top - 6));
}
