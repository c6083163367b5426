/** A channel's target, and all that may change it: whoever wants another one asks here. */

import { compareTargets } from '../../bitcoin/target.js';
import { SetTarget } from '../../messages/mining.js';
import type { ServerChannel } from '../channels/server-channel.js';
import { NOTHING, outputFor } from '../mining-server-output.js';
import type { MiningServerOutput } from '../mining-server-types.js';
import { advanceVardiff, startVardiff, type VardiffEvent } from './vardiff.js';
import type { VardiffState } from './vardiff-state.js';

/** How a server sets targets. */
export interface TargetPolicy {
  /** How many shares a channel should find a minute; above 0. */
  readonly sharesPerMinute: number;
  /**
   * Hashes per second below which a nominal hashrate is taken for this, and that no target is made for less than; above 0.
   * A channel that says 0, as proxies without devices must (spec §5.3.2), would be sending every hash otherwise.
   */
  readonly minHashrate: number;
  /** Whether targets follow shares and network; if not, they stay those of the nominal hashrates, or what is set. */
  readonly vardiff: boolean;
}

/** The easiest target that a network makes channels have, 65,536 hashes a share: 2^240, little-endian. */
const easiestBound = new Uint8Array(32).fill(1, 30, 31);

/**
 * What channels' targets may not be harder than, or blocks would not be told of: the network's. Of a network that is much easier, as
 * regtest and simnet are, all blocks would be a flood of which all but one a tip are for nothing; there, it is 65,536 hashes a share.
 * @param networkTarget 32 bytes, little-endian
 */
export const hardestTarget = (networkTarget: Uint8Array): Uint8Array =>
  compareTargets(networkTarget, easiestBound) > 0 ? easiestBound : networkTarget;

/**
 * The share rate for a channel whose memory for duplicates is that full: half as many with each doubling beyond 1, so that the memory
 * grows by the logarithm of the time that a previous hash lasts.
 */
const rateUnder = (seenPressure: number, sharesPerMinute: number): number =>
  seenPressure <= 1 ? sharesPerMinute : sharesPerMinute / 2 ** Math.ceil(Math.log2(seenPressure));

/** What is wrong with what a client says of itself, as an error code of Open…Channel and UpdateChannel. */
export const refusedTarget = (
  nominalHashRate: number,
  maxTarget: Uint8Array,
): 'invalid-nominal-hashrate' | 'max-target-out-of-range' | null => {
  if (!Number.isFinite(nominalHashRate) || nominalHashRate < 0 || Object.is(nominalHashRate, -0))
    return 'invalid-nominal-hashrate';
  return maxTarget.every((byte) => byte === 0) ? 'max-target-out-of-range' : null;
};

/** What decides on the target of a channel that opens. */
export interface Opening {
  /** Hashes per second, as the client says. */
  readonly nominalHashRate: number;
  /** The largest target the client accepts: 32 bytes, little-endian. */
  readonly maxTarget: Uint8Array;
}

/** Sets the targets of a server's channels. See {@link channelTargets}. Times are milliseconds since 1970. */
export interface ChannelTargets {
  /** The target of a channel that opens, for {@link ServerChannel.vardiff}. */
  open(opening: Opening, now: number): VardiffState;
  /** A share was accepted; `difficulty` is that of its job's target. */
  accepted(clientId: number, channel: ServerChannel, difficulty: number, now: number): MiningServerOutput;
  /** A share was rejected. */
  rejected(channel: ServerChannel, now: number): void;
  /** The client says something else of itself. */
  update(clientId: number, channel: ServerChannel, opening: Opening, now: number): MiningServerOutput;
  /**
   * Time passed. Without a job nobody finds shares, so that their absence says nothing. A channel whose memory for
   * duplicates is too full gets a harder target.
   */
  tick(clientId: number, channel: ServerChannel, now: number): MiningServerOutput;
  /**
   * Somebody wants a target, 32 bytes, little-endian; it is no larger than the client accepts.
   * @throws Sv2Error `invalid-target` for zero, which no share meets; `invalid-length`
   */
  set(clientId: number, channel: ServerChannel, target: Uint8Array, now: number): MiningServerOutput;
  /**
   * No channel's target is to be harder than this from now on, 32 bytes, little-endian; without vardiff, each is to be this, as far as
   * its client accepts it.
   * @returns whether that says anything about channels, each of which must be told by {@link ChannelTargets.bound} then
   */
  setHardest(hardest: Uint8Array): boolean;
  /** Holds a channel to what {@link ChannelTargets.setHardest} was told. */
  bound(clientId: number, channel: ServerChannel, now: number): MiningServerOutput;
}

/**
 * Sets the targets of channels by their nominal hashrates, their shares, and the network's target. It alone writes
 * {@link ServerChannel.vardiff}; whoever is told of a target has to be told by what this returns: SetTarget and `TargetChanged`,
 * or nothing when the target stays.
 */
export const channelTargets = ({ vardiff, sharesPerMinute, minHashrate }: TargetPolicy): ChannelTargets => {
  let minTarget: Uint8Array | undefined;

  const start = ({ nominalHashRate, maxTarget }: Opening, now: number): VardiffState => {
    const state = startVardiff({
      now,
      nominalHashrate: nominalHashRate,
      maxTarget,
      sharesPerMinute,
      minHashrate,
      ...(minTarget === undefined ? {} : { minTarget }),
    });
    return vardiff || minTarget === undefined
      ? state
      : advanceVardiff(state, { type: 'set', now, target: minTarget });
  };

  const moveTo = (clientId: number, channel: ServerChannel, next: VardiffState): MiningServerOutput => {
    const { target: before } = channel;
    channel.vardiff = next;
    const { target } = next;
    if (target === before || compareTargets(target, before) === 0) return NOTHING;
    const { channelId } = channel;
    return outputFor(
      clientId,
      [SetTarget({ channelId, maximumTarget: target })],
      [{ type: 'TargetChanged', clientId, channelId, target }],
    );
  };

  const step = (clientId: number, channel: ServerChannel, event: VardiffEvent): MiningServerOutput =>
    moveTo(clientId, channel, advanceVardiff(channel.vardiff, event));

  return {
    open: start,
    accepted: (clientId, channel, difficulty, now) =>
      vardiff ? step(clientId, channel, { type: 'share', now, difficulty }) : NOTHING,
    rejected(channel, now) {
      // changes no target
      channel.vardiff = advanceVardiff(channel.vardiff, { type: 'rejected', now });
    },
    update: (clientId, channel, opening, now) =>
      vardiff
        ? step(clientId, channel, {
            type: 'update',
            now,
            nominalHashrate: opening.nominalHashRate,
            maxTarget: opening.maxTarget,
          })
        : moveTo(clientId, channel, start(opening, now)),
    tick(clientId, channel, now) {
      if (!vardiff) return NOTHING;
      const wanted = rateUnder(channel.shares.seenPressure, sharesPerMinute);
      const { options } = channel.vardiff;
      const state =
        wanted === options.sharesPerMinute
          ? channel.vardiff
          : advanceVardiff(channel.vardiff, { type: 'update', now, sharesPerMinute: wanted });
      const type = channel.jobs.active === null ? 'idle' : 'tick';
      return moveTo(clientId, channel, advanceVardiff(state, { type, now }));
    },
    set: (clientId, channel, target, now) => step(clientId, channel, { type: 'set', now, target }),
    setHardest(hardest) {
      if (minTarget !== undefined && compareTargets(hardest, minTarget) === 0) return false;
      minTarget = hardest.slice(); // a tip's is a view of its whole frame
      return true;
    },
    bound: (clientId, channel, now) =>
      minTarget === undefined
        ? NOTHING
        : step(
            clientId,
            channel,
            vardiff ? { type: 'update', now, minTarget } : { type: 'set', now, target: minTarget },
          ),
  };
};
