/** What nominal hashrates are worth: whether shares come as they say. */
import { logLikelihoodRatio } from './evidence.js';

/** What became of nominal hashrates: whether shares came as they said, or as they had come before. */
export interface Word {
  /** Shares of the last while. */
  readonly shares: number;
  /** How many of them were to be expected for each hash a second that was done. */
  readonly exposure: number;
  /** The same, times the nominal hashrate of the time. */
  readonly stated: number;
  /** How much likelier the shares are if the hashrate goes with the nominal one than if it stays: a natural logarithm. */
  readonly score: number;
}

/** A {@link Word} that is counted in. */
export type OwnWord = { -readonly [K in keyof Word]: Word[K] };

/** From which {@link Word.score} on a nominal hashrate is not followed: odds of 20 to 1. */
export const DOUBT = -3;
/** Where that score ends, so that trust can be lost, and won back, by as much evidence as it takes to doubt a stranger. */
const SCORES = { lowest: 3 * DOUBT, highest: 0 };
/** Beyond so many shares, what is remembered for {@link Word} counts half. */
const RECENT = 64;

/**
 * Scores two guesses at what has just come, each fitted to what came before: a hashrate that goes with the nominal one, and
 * one that stays as it was on average.
 */
export const heed = (word: OwnWord, nominalHashrate: number, shares: number, exposure: number): void => {
  if (word.shares > 0 && word.stated > 0 && nominalHashrate > 0) {
    const asBefore = { shares, expected: (word.shares / word.exposure) * exposure };
    const score = word.score + logLikelihoodRatio(asBefore, (nominalHashrate * word.exposure) / word.stated);
    word.score = Math.min(Math.max(score, SCORES.lowest), SCORES.highest);
  }
  const kept = word.shares > RECENT ? 0.5 : 1;
  word.shares = word.shares * kept + shares;
  word.exposure = word.exposure * kept + exposure;
  word.stated = word.stated * kept + exposure * (nominalHashrate > 0 ? nominalHashrate : 0);
};
