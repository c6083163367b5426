/** The vardiff state of a channel, and how its target is set. */
import {
  compareTargets,
  difficultyFromTarget,
  hashrateFromTarget,
  targetFromHashrate,
} from '../../bitcoin/target.js';
import { Sv2Error } from '../../codec/errors.js';
import { NONE, tally, type Evidence, type Tally } from './evidence.js';
import type { OwnWord, Word } from './word.js';

/** Options of `startVardiff`. */
export interface VardiffOptions {
  /** Milliseconds, by the clock that the events will carry. */
  readonly now: number;
  /** `nominal_hash_rate` of the channel, hashes per second. Anything that isn't a positive number counts as 0. */
  readonly nominalHashrate: number;
  /** `max_target` of the channel, the easiest target it accepts: 32 bytes, little-endian. Default: no bound. */
  readonly maxTarget?: Uint8Array;
  /** The hardest target to set, for example the network's: 32 bytes, little-endian. Default: no bound. */
  readonly minTarget?: Uint8Array;
  /** The share rate to aim at. Default 6. */
  readonly sharesPerMinute?: number;
  /** Hashes per second below which the target gets no easier. Default 1, as in the reference implementation. */
  readonly minHashrate?: number;
}

/** The vardiff state of a channel. All fields but the first three are `stepVardiff`'s own business. */
export interface VardiffState {
  /** The channel's target, 32 bytes little-endian: the same object until it changes. */
  readonly target: Uint8Array;
  /** The difficulty of `target`. */
  readonly difficulty: number;
  /** The hashrate that the target is made for, hashes per second: the best estimate within the bounds. */
  readonly hashrate: number;
  readonly options: Required<Omit<VardiffOptions, 'now'>>;
  readonly now: number;
  /** No share at all won't bring the hashrate below this. */
  readonly idleHashrate: number;
  /** How many shares were to be expected since the last sign of life. */
  readonly missing: number;
  /** Shares since the target was last found to be far off, in shares of this target, and how many were to be expected. */
  readonly current: Evidence;
  /** What of `current` was there when the target was set. */
  readonly inherited: Evidence;
  /** How many shares `current` must have for its next review. */
  readonly reviewAt: number;
  /** How often shares of a settled target come, as a multiple of the configured rate; 1 until it's known. */
  readonly usual: number;
  /** Since when shares may be coming too fast, in evidence; empty while they aren't. */
  readonly faster: Evidence;
  /** Since when shares may be coming too slowly. */
  readonly slower: Evidence;
  /** What nominal hashrates were worth. */
  readonly word: Word;
}

/** A state that belongs to whoever has it, and is counted in. */
export interface OwnState extends Omit<
  VardiffState,
  'now' | 'missing' | 'idleHashrate' | 'inherited' | 'reviewAt' | 'usual'
> {
  now: number;
  missing: number;
  idleHashrate: number;
  readonly inherited: Tally;
  reviewAt: number;
  usual: number;
  readonly current: Tally;
  readonly faster: Tally;
  readonly slower: Tally;
  readonly word: OwnWord;
}

/**
 * A state with some fields that are others, written down field by field: V8 holds the numbers of an object that was spread apart from it,
 * and makes each anew when it changes. What old states thus pointed at, with the other numbers of old rows that began as null or
 * undefined, was what a collection of young objects had to visit: 7 ms of it with 5,000 channels, 4 without.
 */
export const changed = (state: VardiffState, changes: Partial<VardiffState>): VardiffState => {
  const all = { ...state, ...changes };
  return {
    target: all.target,
    difficulty: all.difficulty,
    hashrate: all.hashrate,
    options: all.options,
    now: all.now,
    idleHashrate: all.idleHashrate,
    missing: all.missing,
    current: all.current,
    inherited: all.inherited,
    reviewAt: all.reviewAt,
    usual: all.usual,
    faster: all.faster,
    slower: all.slower,
    word: all.word,
  };
};

/** A target is reviewed at 16, 64, 256 and every 1,024 shares: with standard errors of 25, 13, 6 and 3 %. */
export const REVIEWS = { first: 16, settled: 256, last: 1024 };

/** Sets the target that somebody wants; the evidence begins anew. */
export const hold = (state: VardiffState, wanted: Uint8Array): VardiffState => {
  const { maxTarget, sharesPerMinute, minHashrate } = state.options;
  if (wanted.every((byte) => byte === 0)) {
    throw new Sv2Error('invalid-target', 'no share meets a target of zero');
  }
  const target = compareTargets(wanted, maxTarget) > 0 ? maxTarget : wanted.slice();
  if (compareTargets(target, state.target) === 0) return state;
  return changed(
    state,
    begun(target, Math.max(hashrateFromTarget(target, sharesPerMinute), minHashrate), NONE),
  );
};

/** Sets the target of a hashrate, within the bounds; keeps the same one if it comes to that. */
export const setHashrate = (state: VardiffState, wanted: number, evidence: Evidence): VardiffState => {
  const { sharesPerMinute, minHashrate, minTarget, maxTarget } = state.options;
  let hashrate = Number.isFinite(wanted) && wanted > minHashrate ? Math.min(wanted, 2 ** 128) : minHashrate;
  const unbounded = targetFromHashrate(hashrate, sharesPerMinute);
  let target = compareTargets(unbounded, minTarget) < 0 ? minTarget : unbounded;
  if (compareTargets(target, maxTarget) > 0) target = maxTarget; // the channel's word counts more
  if (target !== unbounded) hashrate = Math.max(hashrateFromTarget(target, sharesPerMinute), minHashrate);
  const inherited = {
    shares: evidence.shares,
    expected: (evidence.expected * hashrate) / state.hashrate,
  };
  const isSame = compareTargets(target, state.target) === 0;
  return changed(state, begun(isSame ? state.target : target, hashrate, inherited));
};

/** What begins anew with a target. */
const begun = (target: Uint8Array, hashrate: number, inherited: Evidence) => ({
  target,
  difficulty: difficultyFromTarget(target),
  hashrate,
  current: tally(inherited),
  inherited: tally(inherited),
  reviewAt: nextReview(inherited),
  usual: 1,
  faster: tally(),
  slower: tally(),
});

/** Reviews come with every fourfold number of shares. */
export const nextReview = ({ shares }: Evidence): number => {
  let review = REVIEWS.first;
  while (review <= shares && review < REVIEWS.last) review *= 4;
  return review;
};
