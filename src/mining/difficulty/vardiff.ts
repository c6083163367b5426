/** Decides a channel's target by its shares. */
import { difficultyFromTarget, MAX_U256, targetFromBigInt } from '../../bitcoin/target.js';
import { Sv2Error } from '../../codec/errors.js';
import {
  add,
  clear,
  copy,
  logLikelihoodRatio,
  NONE,
  noShorter,
  rateRatio,
  tally,
  type Evidence,
} from './evidence.js';
import {
  changed,
  hold,
  nextReview,
  REVIEWS,
  setHashrate,
  type OwnState,
  type VardiffOptions,
  type VardiffState,
} from './vardiff-state.js';
import { DOUBT, heed } from './word.js';

/** What happened on a channel; `now` is in milliseconds. */
export type VardiffEvent =
  /** A share was accepted; `difficulty` is that of its job's target. */
  | { readonly type: 'share'; readonly now: number; readonly difficulty: number }
  /** A share was rejected: nothing is known of what it is worth, but somebody is mining. */
  | { readonly type: 'rejected'; readonly now: number }
  /** Time passed. Needed every few seconds, since it's the absence of shares that shows a target too hard. */
  | { readonly type: 'tick'; readonly now: number }
  /** Time passed without a job, in which nobody could find shares. */
  | { readonly type: 'idle'; readonly now: number }
  /** The channel was updated (`UpdateChannel`), or the network's target or the rate wanted changed; what is left out stays. */
  | {
      readonly type: 'update';
      readonly now: number;
      readonly sharesPerMinute?: number;
      readonly nominalHashrate?: number;
      readonly maxTarget?: Uint8Array;
      readonly minTarget?: Uint8Array;
    }
  /** Somebody knows better: this target, 32 bytes little-endian and above 0, as far as the channel accepts it. */
  | { readonly type: 'set'; readonly now: number; readonly target: Uint8Array };

/** Log-likelihood ratio from which a target that isn't settled is far off: some 3.5 standard errors. */
const FAR_OFF = 6;
/** Shares needed to set a harder target: they come fast then, and fewer would tell too little. */
const FEWEST_SHARES = 8;
/** How far, as a logarithm, the hashrate may drift from a settled target before a review takes it back. */
const DRIFT = 0.25;
/** The watch is for shares that come twice as fast as usual, or half as fast. */
const CHANGE = 2;
/** Mean time between false alarms of that watch, in minutes: 1,000 hours. */
const FALSE_ALARM_MINUTES = 60_000;
/** Shares that must have been missing before a miner counts as absent. */
const ABSENCE = 3;
/** A change that took fewer shares than this to notice, come or missing, is greater than {@link CHANGE}. */
const INHERITABLE = 64;
/** No share at all eases a target, that shares were found at, so many times and no further. */
const IDLE_EASING = 64;
/** The longest time between two events that counts, in milliseconds; more is a suspended machine or a set clock. */
const LONGEST_STEP = 60_000;

/**
 * The state of a channel that just opened.
 *
 * @returns a state whose `target` is that of the nominal hashrate, within the bounds
 * @throws Sv2Error `invalid-shares-per-minute`, `invalid-hashrate` (`minHashrate` not finite or not above 0),
 *   `invalid-time`, `invalid-length` (a bound that isn't 32 bytes)
 */
export const startVardiff = ({
  now,
  nominalHashrate,
  maxTarget = targetFromBigInt(MAX_U256),
  minTarget = targetFromBigInt(0n),
  sharesPerMinute = 6,
  minHashrate = 1,
}: VardiffOptions): VardiffState => {
  requireTime(now);
  if (!Number.isFinite(minHashrate) || minHashrate <= 0) {
    throw new Sv2Error('invalid-hashrate', `minHashrate must be finite and above 0, got ${minHashrate}`, {
      minHashrate,
    });
  }
  const unset: VardiffState = {
    target: maxTarget.slice(),
    difficulty: difficultyFromTarget(maxTarget),
    hashrate: 1,
    options: {
      nominalHashrate,
      maxTarget: maxTarget.slice(),
      minTarget: minTarget.slice(),
      sharesPerMinute,
      minHashrate,
    },
    now,
    idleHashrate: minHashrate,
    missing: 0,
    current: tally(),
    inherited: NONE,
    reviewAt: REVIEWS.first,
    usual: 1,
    faster: tally(),
    slower: tally(),
    word: { shares: 0, exposure: 0, stated: 0, score: 0 },
  };
  return setHashrate(unset, nominalHashrate, NONE);
};

/**
 * Adjusts a channel's target to its hashrate. A pure reducer, to be used with `scan` or in a loop: when the
 * returned state's `target` is another object than before, send it in `SetTarget`.
 *
 * Shares arrive as a Poisson process, so what counts is how likely those that came are at the rate wanted:
 *
 * - A new target is corrected as soon as it proves far off: after 8 shares in a flood, after 6 mean intervals
 *   without any. Reviews at 16, 64 and 256 shares refine it if it's off by more than a standard error.
 * - A settled target is left alone until a CUSUM test (Page, 1954), the quickest there is at a given rate of
 *   false alarms, shows that the hashrate doubled or halved, or a review of 1,024 shares that it drifted.
 *
 * A share of a job with an easier target counts for less, so that nobody goes on flooding with old jobs unnoticed; one of
 * a harder job counts for one, since a single piece of luck is no evidence of a thousand shares.
 *
 * A nominal hashrate is what the client says, and the shares are what it does: once shares have shown how much of the former is
 * true, a change of it changes the estimate in proportion. Repeating it, or changing it by less than a review would tolerate, is no news. Once
 * shares have gone on as before while it changed, 20 times likelier than not, it is not followed until they go with it again. (Server may, but
 * need not set another target when it changes; `maxTarget` it must respect: spec §5.3.7.)
 *
 * @param state from {@link startVardiff} or an earlier step; not modified
 * @throws Sv2Error `invalid-time` when `now` isn't finite; `invalid-target` for zero, `invalid-length` for a target that isn't 32 bytes
 */
export const stepVardiff = (state: VardiffState, event: VardiffEvent): VardiffState =>
  advanceVardiff(
    changed(state, {
      current: tally(state.current),
      inherited: tally(state.inherited),
      faster: tally(state.faster),
      slower: tally(state.slower),
      word: { ...state.word },
    }),
    event,
  );

/**
 * As {@link stepVardiff}, but the state given is used up: it may be modified, and be the one that is returned. A state for
 * each share, which lives until the channel's next, was half of what the collector had to move in a pool of 1,000 channels.
 */
export const advanceVardiff = (state: VardiffState, event: VardiffEvent): VardiffState => {
  const { now, type } = event;
  requireTime(now);
  switch (type) {
    case 'update':
      return update(state, event);
    case 'set':
      return hold(changed(state, { now }), event.target);
    case 'idle':
      return changed(state, { now });
    case 'rejected':
      return alive(changed(state, { now }));
    case 'share':
      return count(state, event, Math.min(event.difficulty / state.difficulty, 1));
    case 'tick':
      return count(state, event, 0);
  }
};

/** Counts a share, or the time that passed without one. */
const count = (state: OwnState, { type, now }: VardiffEvent, shares: number): VardiffState => {
  const minutes = Math.min(Math.max(now - state.now, 0), LONGEST_STEP) / 60_000;
  const expected = minutes * state.options.sharesPerMinute;
  state.now = now;
  state.missing = type === 'tick' ? state.missing + expected : 0;
  add(state.current, shares, expected);
  add(state.faster, shares, expected * state.usual);
  add(state.slower, shares, expected * state.usual);
  // the evidence of a CUSUM test starts anew wherever it speaks against a change
  if (logLikelihoodRatio(state.faster, CHANGE) <= 0) clear(state.faster);
  if (logLikelihoodRatio(state.slower, 1 / CHANGE) <= 0) clear(state.slower);
  heed(state.word, state.options.nominalHashrate, shares, expected / state.hashrate);
  return judge(state, shares);
};

/** Forgets what spoke for a miner that's silent, and nothing that speaks for one that floods. */
const alive = (state: VardiffState): VardiffState =>
  changed(state, {
    missing: 0,
    current: state.current.shares < state.current.expected ? tally(state.inherited) : state.current,
    slower: tally(),
  });

/** Takes over what the client or the network says. */
const update = (state: VardiffState, event: VardiffEvent & { type: 'update' }): VardiffState => {
  const { now, maxTarget, minTarget } = event;
  const bounds = {
    ...(maxTarget === undefined ? {} : { maxTarget: maxTarget.slice() }),
    ...(minTarget === undefined ? {} : { minTarget: minTarget.slice() }),
  };
  const nominal = newsOf(state, event.nominalHashrate ?? state.options.nominalHashrate);
  if (nominal !== undefined && nominal.hashrate !== null) {
    const options = { ...state.options, ...bounds, nominalHashrate: nominal.stated };
    const evidence = state.current.shares > state.current.expected ? state.current : NONE;
    return setHashrate(
      changed(state, { now, options, idleHashrate: options.minHashrate }),
      nominal.hashrate,
      evidence,
    );
  }
  const { sharesPerMinute = state.options.sharesPerMinute } = event;
  const nominalHashrate = nominal?.stated ?? state.options.nominalHashrate;
  const options = { ...state.options, ...bounds, sharesPerMinute, nominalHashrate };
  const bounded = setHashrate(changed(state, { now, options }), state.hashrate, state.current);
  const isSame = bounded.target === state.target && sharesPerMinute === state.options.sharesPerMinute;
  return isSame ? changed(state, { options }) : bounded;
};

/** What a nominal hashrate says that wasn't known, if anything, and the hashrate to go by; null when it is not to be trusted. */
const newsOf = (
  { options: { nominalHashrate: before, minHashrate }, hashrate, idleHashrate, missing, word }: VardiffState,
  stated: number,
): { readonly stated: number; readonly hashrate: number | null } | undefined => {
  if (Object.is(stated, before)) return undefined;
  const ratio = stated / before;
  if (!(before > 0 && ratio > 0 && ratio < Infinity)) return { stated, hashrate: stated };
  if (Math.abs(Math.log(ratio)) <= DRIFT) return undefined;
  if (word.score <= DOUBT) return { stated, hashrate: null };
  const isProved = idleHashrate > minHashrate && missing <= ABSENCE;
  return { stated, hashrate: isProved ? hashrate * ratio : stated };
};

/** Changes the target if the evidence calls for it, which a share, or the lack of one, has just added to. */
const judge = (state: OwnState, shares: number): VardiffState => {
  const { faster, slower, reviewAt } = state;
  const current = noShorter(state.current, 0.01);

  const enough = Math.log(state.options.sharesPerMinute * FALSE_ALARM_MINUTES);
  if (logLikelihoodRatio(faster, CHANGE) > enough) {
    const evidence = noShorter(faster, 1);
    return follow(state, shares, evidence, heirOf(evidence));
  }
  if (logLikelihoodRatio(slower, 1 / CHANGE) > enough) return follow(state, shares, slower, heirOf(slower));

  if (reviewAt <= REVIEWS.settled) {
    const tooFew = current.shares < FEWEST_SHARES && current.shares > current.expected;
    if (!tooFew && logLikelihoodRatio(current, current.shares / current.expected) > FAR_OFF) {
      return follow(state, shares, current, NONE);
    }
  }
  if (current.shares < reviewAt) return state;
  const ratio = rateRatio(current, shares);
  const tolerance = reviewAt > REVIEWS.settled ? DRIFT : 1 / Math.sqrt(current.shares);
  if (Math.abs(Math.log(ratio)) > tolerance) {
    return follow(state, shares, current, current);
  }
  const idleHashrate = (state.hashrate * ratio) / IDLE_EASING;
  if (reviewAt < REVIEWS.settled) return changed(state, { idleHashrate, reviewAt: nextReview(current) });
  const isLast = reviewAt >= REVIEWS.last;
  return changed(state, {
    idleHashrate,
    reviewAt: REVIEWS.last,
    usual: ratio,
    current: isLast ? tally() : current,
  });
};

/** What a new target inherits of the evidence for it: short evidence of a great change is better begun anew. */
const heirOf = (evidence: Evidence): Evidence =>
  Math.max(evidence.shares, evidence.expected) < INHERITABLE ? NONE : evidence;

/** Sets the target that the evidence calls for; what is inherited goes on counting at the new one. */
const follow = (state: OwnState, last: number, evidence: Evidence, inherited: Evidence): VardiffState => {
  const hashrate = state.hashrate * rateRatio(evidence, last);
  if (evidence.shares === 0) return go(state, Math.max(hashrate, state.idleHashrate), inherited);
  // shares from before a silence are no sign of life after it
  state.idleHashrate = last > 0 ? hashrate / IDLE_EASING : Math.min(hashrate, state.idleHashrate);
  return go(state, hashrate, inherited);
};

/**
 * As {@link setHashrate}, within the same bounds. A target that is as easy as it may be stays without being worked out anew: where shares
 * come slower even so, that is for every share, and took 3 of its 20 µs.
 */
const go = (state: OwnState, wanted: number, evidence: Evidence): VardiffState => {
  const { minHashrate } = state.options;
  if (!(wanted <= minHashrate && state.hashrate === minHashrate)) return setHashrate(state, wanted, evidence);
  state.reviewAt = nextReview(evidence);
  state.usual = 1;
  copy(evidence, state.inherited);
  copy(evidence, state.current);
  clear(state.faster);
  clear(state.slower);
  return state;
};

const requireTime = (now: number): void => {
  if (Number.isFinite(now)) return;
  throw new Sv2Error('invalid-time', `a time must be a finite number of milliseconds, got ${now}`, { now });
};
