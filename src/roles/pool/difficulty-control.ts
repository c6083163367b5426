import type {
  MiningServer,
  MiningServerOutcome,
  MiningServerOutput,
} from '../../mining/mining-server-types.js';
import { startVardiff, stepVardiff, type VardiffState } from '../../mining/vardiff.js';

/** Keeps every channel's share rate where it should be. */
export interface DifficultyControl {
  /** Takes note of what happens to channels and of shares; returns what changes of targets lead to. */
  observe(outcomes: readonly MiningServerOutcome[], now: number): readonly MiningServerOutput[];
  /** Lets time pass: it is the absence of shares that shows a target too hard. */
  tick(now: number): readonly MiningServerOutput[];
}

/**
 * Vardiff for all channels of a mining server.
 * @param core the mining server, whose targets it sets
 * @param sharesPerMinute the share rate to aim at
 */
export function difficultyControl(core: MiningServer, sharesPerMinute: number): DifficultyControl {
  const channels = new Map<
    string,
    { readonly clientId: number; readonly channelId: number; state: VardiffState }
  >();
  const keyOf = (clientId: number, channelId: number) => `${clientId}/${channelId}`;

  type Entry = typeof channels extends Map<string, infer E> ? E : never;

  /** Moves on to a state, and sets the target if it is another. */
  const advance = (entry: Entry, state: VardiffState): readonly MiningServerOutput[] => {
    const changed = state.target !== entry.state.target;
    entry.state = state;
    return changed ? [core.setTarget(entry.clientId, entry.channelId, state.target)] : [];
  };

  return {
    observe: (outcomes, now) =>
      outcomes.flatMap((outcome) => {
        switch (outcome.type) {
          case 'ChannelOpened': {
            const { clientId, channelId, nominalHashRate, maxTarget } = outcome;
            const state = startVardiff({ now, nominalHashrate: nominalHashRate, maxTarget, sharesPerMinute });
            channels.set(keyOf(clientId, channelId), { clientId, channelId, state });
            return [];
          }
          case 'ChannelUpdated': {
            const { clientId, channelId, nominalHashRate: nominalHashrate, maxTarget } = outcome;
            const entry = channels.get(keyOf(clientId, channelId));
            return entry === undefined
              ? []
              : advance(entry, stepVardiff(entry.state, { type: 'update', now, nominalHashrate, maxTarget }));
          }
          case 'ChannelClosed':
            channels.delete(keyOf(outcome.clientId, outcome.channelId));
            return [];
          case 'ShareAccepted': {
            const entry = channels.get(keyOf(outcome.clientId, outcome.channelId));
            return entry === undefined
              ? []
              : advance(entry, stepVardiff(entry.state, { type: 'share', now, target: outcome.target }));
          }
          default:
            return [];
        }
      }),
    tick: (now) =>
      [...channels.values()].flatMap((entry) =>
        advance(entry, stepVardiff(entry.state, { type: 'tick', now })),
      ),
  };
}
