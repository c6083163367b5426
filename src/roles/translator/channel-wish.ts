/** What a Stratum V1 miner would have its channel be, by what it says of difficulties. */
import {
  compareTargets,
  hashrateFromTarget,
  MAX_U256,
  targetFromBigInt,
  targetFromDifficulty,
} from '../../bitcoin/target.js';

/** What a miner would have its channel be. */
export interface ChannelWish {
  /** Hashes per second. */
  readonly nominalHashRate: number;
  readonly maxTarget: Uint8Array;
}

const anyTarget = targetFromBigInt(MAX_U256);

/**
 * A channel no slower than what makes for a target that the miner accepts.
 * @param options `nominalHashRate` is for who suggests nothing; a difficulty that is suggested is meant for `sharesPerMinute`
 */
export const channelWish = ({
  nominalHashRate,
  sharesPerMinute,
}: {
  readonly nominalHashRate: number;
  readonly sharesPerMinute: number;
}) => {
  let hashRate = nominalHashRate;
  const floors = { firmware: 0, miner: 0 };
  let told: ChannelWish | undefined;
  const hashRateOf = (difficulty: number) =>
    hashrateFromTarget(targetFromDifficulty(difficulty), sharesPerMinute);

  const now = (): ChannelWish => {
    const floor = Math.max(floors.firmware, floors.miner);
    if (floor === 0) return { nominalHashRate: hashRate, maxTarget: anyTarget };
    return {
      nominalHashRate: Math.max(hashRate, hashRateOf(floor) * (1 + 1e-6)),
      maxTarget: targetFromDifficulty(floor),
    };
  };

  return {
    /** It would like this difficulty. */
    suggested(difficulty: number): void {
      hashRate = hashRateOf(difficulty);
    },
    /** No share is to be easier, as its firmware has it or as it says itself; 0 for any. */
    least(by: keyof typeof floors, difficulty: number): void {
      floors[by] = difficulty;
    },
    /** What a channel is asked for with. */
    asked: (): ChannelWish => (told = now()),
    /** What is to be told of a channel that is open; null if that is known. */
    news(): ChannelWish | null {
      const wish = now();
      const isKnown =
        wish.nominalHashRate === told?.nominalHashRate &&
        compareTargets(wish.maxTarget, told.maxTarget) === 0;
      return isKnown ? null : (told = wish);
    },
  };
};
