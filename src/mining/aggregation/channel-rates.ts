/** The hash rates of channels here, as upstreams are told of them and work is split by. */
import { compareTargets } from '../../bitcoin/target.js';
import type { ServerChannel } from '../channels/server-channel.js';
import { measure, measuredRate, startMeasuring, type MeasuredRate } from '../difficulty/measured-rate.js';

/** Knows hash rates. See {@link channelRates}. Times are milliseconds since 1970. */
export interface ChannelRates {
  /** A share of a channel was accepted; `difficulty` is what it was credited with. */
  proved(channel: ServerChannel, difficulty: number, now: number): void;
  /**
   * Hashes per second of a channel.
   *
   * @param hardest what its target may not be harder than: 32 bytes, little-endian; null for none
   */
  of(channel: ServerChannel, hardest: Uint8Array | null, now: number): number;
}

/** What is known of a channel. */
interface Known {
  readonly rate: MeasuredRate;
  /** What its client said when measuring began. */
  readonly nominal: number;
  /** What vardiff took its hash rate for when its target was last held to the upstream's; 0 before. */
  held: number;
}

/** How many times what their target is for channels may have that say so and have not proved it. */
const believed = 16;

/** How much a hash rate may differ by when a target was made of it, and it again of that. */
const sameRate = 1e-3;

/** How many times more than what vardiff knows measuring may have, until it begins anew. */
const overstated = 2;

/** How far, as a logarithm, another word of a client must differ from the one before to be news. */
const news = 0.25;

/** Hashes that a difficulty of 1 takes on average. */
export const hashesOfDifficulty1 = 2 ** 32;

/**
 * The hash rates of channels. Where a channel's target follows its shares, vardiff knows it, and says another one only when there is reason
 * to. Where it does not, since it is the upstream's or is held to the upstream's, what vardiff has is the rate which that target is
 * for: a twentieth of the truth at an upstream that wants 120 shares a minute where 6 are wanted here, and the upstream would make its
 * targets for that, again and again. There it is measured; until shares tell, clients are believed within bounds, as nobody is to have
 * the upstream set targets for what is not there.
 *
 * @param hasVardiff whether targets follow shares
 */
export const channelRates = (hasVardiff: boolean): ChannelRates => {
  const channels = new WeakMap<ServerChannel, Known>();

  const begin = (channel: ServerChannel, said: number, now: number, held = 0): Known => {
    const { difficulty } = channel.vardiff;
    const rate = startMeasuring(said, difficulty * hashesOfDifficulty1, now);
    const begun = { rate, nominal: channel.nominalHashRate, held };
    channels.set(channel, begun);
    return begun;
  };

  const known = (channel: ServerChannel, now: number): Known => {
    const { nominalHashRate: nominal, vardiff } = channel;
    const before = channels.get(channel);
    const isNews = before !== undefined && !(Math.abs(Math.log(nominal / before.nominal)) <= news);
    if (before !== undefined && (!isNews || nominal === before.nominal)) return before;
    const said = nominal > 0 ? Math.min(nominal, believed * vardiff.hashrate) : vardiff.hashrate;
    return begin(channel, said, now, before?.held);
  };

  return {
    proved(channel, difficulty, now) {
      measure(known(channel, now).rate, difficulty * hashesOfDifficulty1, now);
    },
    of(channel, hardest, now) {
      const of = known(channel, now);
      const { target, vardiff } = channel;
      if (hardest !== null && compareTargets(target, hardest) === 0) of.held = vardiff.hashrate;
      measure(of.rate, 0, now, channel.jobs.active === null);
      // one that may go on now stays where it was held until shares have it changed
      const isHeld = Math.abs(vardiff.hashrate / of.held - 1) < sameRate;
      const measured = measuredRate(of.rate);
      if (!hasVardiff || isHeld) return measured;
      // what its client said, and is not so, is not to be gone back to
      if (measured > overstated * vardiff.hashrate) begin(channel, vardiff.hashrate, now);
      return vardiff.hashrate;
    },
  };
};
