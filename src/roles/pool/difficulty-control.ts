import { compareTargets } from '../../bitcoin/target.js';
import type {
  ChannelOpened,
  MiningServer,
  MiningServerOutcome,
  MiningServerOutput,
} from '../../mining/mining-server-types.js';
import {
  startVardiff,
  stepVardiff,
  type VardiffOptions,
  type VardiffState,
} from '../../mining/difficulty/vardiff.js';

/** Keeps every channel's share rate where it should be. */
export interface DifficultyControl {
  /** Takes note of what happens to channels and of shares; returns what changes of targets lead to. */
  observe(outcomes: readonly MiningServerOutcome[], now: number): readonly MiningServerOutput[];
  /** Lets time pass: it is the absence of shares that shows a target too hard. */
  tick(now: number): readonly MiningServerOutput[];
  /**
   * Takes over the network's target: a channel with a harder one would not tell of blocks. Of a network that is
   * much easier, as regtest and simnet are, all blocks would be a flood of which all but one a tip are for nothing;
   * there, channels go by {@link easiestBound}.
   * @param networkTarget 32 bytes, little-endian
   */
  setNetworkTarget(networkTarget: Uint8Array, now: number): readonly MiningServerOutput[];
}

/** The easiest target that a network makes channels have, 65,536 hashes a share: 2^240, little-endian. */
const easiestBound = new Uint8Array(32).fill(1, 30, 31);

/** The share rate to aim at, and the least hash rate to reckon with. */
export type DifficultyPolicy = Required<Pick<VardiffOptions, 'sharesPerMinute' | 'minHashrate'>>;

interface Entry {
  readonly clientId: number;
  readonly channelId: number;
  state: VardiffState;
}

/**
 * Vardiff for all channels of a mining server.
 * @param core the mining server, whose targets it sets
 * @param policy the same as the mining server's
 */
export function difficultyControl(
  core: Pick<MiningServer, 'setTarget'>,
  policy: DifficultyPolicy,
): DifficultyControl {
  const entries = new Map<string, Entry>();
  let minTarget: Uint8Array | undefined;

  const setTarget = ({ clientId, channelId, state }: Entry): MiningServerOutput =>
    core.setTarget(clientId, channelId, state.target);

  /** Moves on to a state, and sets the target if it is another. */
  const advance = (entry: Entry, state: VardiffState): readonly MiningServerOutput[] => {
    const changed = state.target !== entry.state.target;
    entry.state = state;
    return changed ? [setTarget(entry)] : [];
  };

  const open = (
    { clientId, channelId, nominalHashRate, maxTarget, target }: ChannelOpened,
    now: number,
  ): readonly MiningServerOutput[] => {
    const bounds = { maxTarget, ...(minTarget === undefined ? {} : { minTarget }) };
    const state = startVardiff({ now, nominalHashrate: nominalHashRate, ...bounds, ...policy });
    const entry: Entry = { clientId, channelId, state };
    entries.set(key(entry), entry);
    return compareTargets(state.target, target) === 0 ? [] : [setTarget(entry)];
  };

  const stepAll = (event: Parameters<typeof stepVardiff>[1]): readonly MiningServerOutput[] =>
    [...entries.values()].flatMap((entry) => advance(entry, stepVardiff(entry.state, event)));

  const observeOne = (outcome: MiningServerOutcome, now: number): readonly MiningServerOutput[] => {
    if (outcome.type === 'ChannelOpened') return open(outcome, now);
    if (!('channelId' in outcome)) return [];
    const entry = entries.get(key(outcome));
    if (entry === undefined) return [];
    switch (outcome.type) {
      case 'ChannelUpdated': {
        const { nominalHashRate: nominalHashrate, maxTarget } = outcome;
        return advance(entry, stepVardiff(entry.state, { type: 'update', now, nominalHashrate, maxTarget }));
      }
      case 'ChannelClosed':
        entries.delete(key(outcome));
        return [];
      case 'ShareAccepted':
        return advance(entry, stepVardiff(entry.state, { type: 'share', now, target: outcome.target }));
      default:
        return [];
    }
  };

  return {
    observe: (outcomes, now) => outcomes.flatMap((outcome) => observeOne(outcome, now)),
    tick: (now) => stepAll({ type: 'tick', now }),
    setNetworkTarget(networkTarget, now) {
      const bound = compareTargets(networkTarget, easiestBound) > 0 ? easiestBound : networkTarget;
      if (minTarget !== undefined && compareTargets(bound, minTarget) === 0) return [];
      minTarget = bound.slice(); // the tip's is a view of its whole frame
      return stepAll({ type: 'update', now, minTarget });
    },
  };
}

const key = ({ clientId, channelId }: Pick<Entry, 'clientId' | 'channelId'>): string =>
  `${clientId}/${channelId}`;
