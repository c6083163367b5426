/** What a miner is at: a fold of its outcomes. */
import type { OperatorFunction } from 'rxjs';
import type { ChannelKind, MinerOutcome } from '../roles/miner/miner.js';
import type { ClientOutcome } from '../service/outcomes.js';
import {
  foldOf,
  states,
  type Fold,
  type Note,
  type Part,
  type StateOptions,
  type StateTimes,
} from './fold.js';
import { problems, type ProblemsState } from './problems.js';
import { countOne, recordOf, type Counts } from './tally.js';
import { upstreams, type UpstreamState } from './upstreams.js';

/** Shares of a miner. */
export interface MinerShares {
  readonly found: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly rejectedByCode: Readonly<Record<string, number>>;
  /** When the pool accepted shares last, in milliseconds since 1970; null before that. */
  readonly lastAcceptedAt: number | null;
}

/** A channel of a miner. */
export interface MinerChannelState {
  readonly channelId: number;
  readonly kind: ChannelKind;
  readonly difficulty: number;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
  readonly job: { readonly jobId: number; readonly at: number } | null;
  readonly shares: MinerShares;
}

/** What a miner is at: plain data that `JSON.stringify` takes as it is. */
export interface MinerState extends StateTimes {
  readonly role: 'miner';
  readonly channels: readonly MinerChannelState[];
  /** Hashes per second of all channels, as measured over the last second. */
  readonly measuredHashRate: number;
  /** Shares of all channels since the start. */
  readonly shares: MinerShares;
  /** The pool. */
  readonly upstreams: readonly UpstreamState[];
  readonly problems: ProblemsState;
}

interface Counted {
  found: number;
  accepted: number;
  rejected: number;
  readonly codes: Counts;
  lastAcceptedAt: number | null;
}

interface Channel {
  readonly state: Omit<MinerChannelState, 'shares'>;
  readonly counted: Counted;
}

type Of<T extends MinerOutcome['type']> = Extract<MinerOutcome, { readonly type: T }>;

const newCounted = (): Counted => ({
  ...{ found: 0, accepted: 0, rejected: 0, codes: new Map<string, number>(), lastAcceptedAt: null },
});

const shown = ({ codes, ...counts }: Counted): MinerShares => ({
  ...counts,
  rejectedByCode: recordOf(codes),
});

/** The parts of a state that know a miner's channels. */
function mining(): {
  readonly [K in 'channels' | 'measuredHashRate' | 'shares']: Part<MinerState[K]>;
} {
  const channels = new Map<number, Channel>();
  const total = newCounted();
  let shownChannels: readonly MinerChannelState[] | undefined;
  let shownTotal: MinerShares | undefined;
  let hashRate = 0;

  const count = (channelId: number, note: (counted: Counted) => void): void => {
    note(total);
    shownTotal = undefined;
    const channel = channels.get(channelId);
    if (channel !== undefined) note(channel.counted);
    shownChannels = undefined;
  };

  const change = (channelId: number, values: Partial<MinerChannelState>): void => {
    const channel = channels.get(channelId);
    if (channel === undefined) return;
    channels.set(channelId, { ...channel, state: { ...channel.state, ...values } });
    shownChannels = undefined;
  };

  const onOpened: Note<Of<'ChannelOpened'>> = ({ channelId, kind, difficulty }, now) => {
    const state = { channelId, kind, difficulty, openedAt: now, job: null };
    channels.set(channelId, { state, counted: newCounted() });
    shownChannels = undefined;
  };

  const onClosed: Note<Of<'ChannelClosed'>> = ({ channelId }) => {
    channels.delete(channelId);
    shownChannels = undefined;
  };

  const onDisconnected: Note = () => {
    channels.clear();
    hashRate = 0;
    shownChannels = undefined;
  };

  const onAccepted: Note<Of<'SharesAccepted'>> = ({ channelId, count: accepted }, now) =>
    count(channelId, (counted) => {
      counted.accepted += accepted;
      counted.lastAcceptedAt = now;
    });

  const onRejected: Note<Of<'ShareRejected'>> = ({ channelId, errorCode }) =>
    count(channelId, (counted) => {
      counted.rejected += 1;
      countOne(counted.codes, errorCode);
    });

  return {
    channels: {
      on: {
        disconnected: onDisconnected,
        ChannelOpened: onOpened,
        ChannelClosed: onClosed,
        TargetChanged: ({ channelId, difficulty }: Of<'TargetChanged'>) => change(channelId, { difficulty }),
        JobStarted: ({ channelId, jobId }: Of<'JobStarted'>, now: number) =>
          change(channelId, { job: { jobId, at: now } }),
        HashRate: ({ hashesPerSecond }: Of<'HashRate'>) => {
          hashRate = hashesPerSecond;
        },
        ShareFound: ({ channelId }: Of<'ShareFound'>) => count(channelId, (counted) => (counted.found += 1)),
        SharesAccepted: onAccepted,
        ShareRejected: onRejected,
      },
      state: () =>
        (shownChannels ??= [...channels.values()].map(({ state, counted }) => ({
          ...state,
          shares: shown(counted),
        }))),
    },
    measuredHashRate: { on: {}, state: () => hashRate },
    shares: { on: {}, state: () => (shownTotal ??= shown(total)) },
  };
}

/**
 * What a miner is at, as a state that outcomes are noted in one by one; see `poolFold`.
 * @param startedAt milliseconds since 1970
 */
export const minerFold = (startedAt: number): Fold<MinerState> =>
  foldOf<MinerState>(
    {
      role: { on: {}, state: () => 'miner' },
      ...mining(),
      upstreams: upstreams(startedAt, 'mining'),
      problems: problems(),
    },
    startedAt,
  );

/** From a miner's outcomes to what it is at; see `poolState` and `states`. */
export const minerState = (
  options: StateOptions = {},
): OperatorFunction<ClientOutcome<MinerOutcome>, MinerState> => states(minerFold, options);
