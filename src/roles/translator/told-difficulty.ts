/** The difficulty that miners are told for a target. */
import { difficultyFromTarget, targetFromDifficulty } from '../../bitcoin/target.js';

/** A difficulty as it is told, and the target that it stands for. */
export interface ToldDifficulty {
  readonly difficulty: number;
  /** 32 bytes, little-endian; never harder than the one that it was made of, and easier by one in 10^5 at most. */
  readonly target: Uint8Array;
}

/**
 * A difficulty that is short to write (six digits that count), and never harder than the target: a harder one would keep
 * shares back that count. What is easier by it is taken from the miner and goes no further.
 * @param target 32 bytes, little-endian, above 0
 */
export function toldDifficulty(target: Uint8Array): ToldDifficulty {
  const exact = difficultyFromTarget(target);
  const unit = 10 ** (Math.floor(Math.log10(exact)) - 5);
  const difficulty = Number((Math.floor(exact / unit) * unit).toPrecision(6));
  return { difficulty, target: targetFromDifficulty(difficulty) };
}
