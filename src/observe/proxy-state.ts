/** What a proxy, or a translator, is at: a fold of its outcomes. */
import type { OperatorFunction } from 'rxjs';
import { toDisplayHex } from '../bitcoin/hash.js';
import { difficultyFromTarget } from '../bitcoin/target.js';
import type { UpstreamOutcome } from '../mining/aggregation/mining-proxy-types.js';
import type { UpstreamUse, ProxyOutcome } from '../roles/proxy/proxy.js';
import type { DownstreamState } from './downstream-types.js';
import { downstream, type DownstreamLimits } from './downstream.js';
import {
  foldOf,
  states,
  type Fold,
  type Note,
  type Part,
  type PartsOf,
  type StateOptions,
  type StateTimes,
} from './fold.js';
import { problems, type ProblemsState } from './problems.js';
import { countOne, recordOf, roughDifficulty, type Counts } from './tally.js';
import { upstreams, type UpstreamState } from './upstreams.js';

/** What became of shares on their way to a pool. */
export interface UpstreamShares {
  /** How many were sent. */
  readonly submitted: number;
  /** How many the pool accepted, and what it says that they are worth. */
  readonly accepted: number;
  readonly acceptedWork: number;
  readonly rejected: number;
  readonly rejectedByCode: Readonly<Record<string, number>>;
  /** How many it did not answer, and will not. */
  readonly unanswered: number;
  /** The sum of the difficulties that the pool's targets have, of shares that were sent. */
  readonly submittedWork: number;
  /** The highest difficulty that the hash of a share reached. */
  readonly bestDifficulty: number;
  /** How many of those that were sent are blocks. */
  readonly blocksFound: number;
}

/** A channel to a pool. */
export interface UpstreamChannelState {
  /** Which of the connections that there are side by side, from 0 on. */
  readonly upstream: number;
  readonly channelId: number;
  /** The user identity that it was opened with. */
  readonly user: string;
  readonly difficulty: number;
  /** 64 hex digits, big-endian. */
  readonly target: string;
  /** Hashes per second, as the pool was told last. */
  readonly nominalHashRate: number;
  readonly openedAt: number;
  /** The job that is mined: its previous hash as people read it, and since when. */
  readonly job: { readonly jobId: number; readonly prevHash: string; readonly at: number } | null;
  readonly shares: UpstreamShares;
}

/** What becomes of work that is passed on. */
export interface ForwardingState {
  /** Channels to pools that are open. */
  readonly upstreamChannels: readonly UpstreamChannelState[];
  /** Shares on their way to pools since the start. */
  readonly upstreamShares: UpstreamShares;
  /** Shares that were credited here and not sent, by the reason; `below-upstream-target` is the rule. */
  readonly notForwarded: Readonly<Record<string, number>>;
  /** How often an upstream was of no use, or said what makes no sense, by code. */
  readonly upstreamFaults: Readonly<Record<string, number>>;
}

/** What a proxy, or a translator, is at: plain data that `JSON.stringify` takes as it is. */
export interface ProxyState extends StateTimes, DownstreamState, ForwardingState {
  readonly role: 'proxy' | 'translator';
  /** The pool: one at a time, of those that it may have. */
  readonly upstreams: readonly UpstreamState[];
  readonly problems: ProblemsState;
}

interface Way {
  submitted: number;
  accepted: number;
  acceptedWork: number;
  rejected: number;
  readonly codes: Counts;
  unanswered: number;
  submittedWork: number;
  best: number;
  blocks: number;
}

const newWay = (): Way => ({
  ...{ submitted: 0, accepted: 0, acceptedWork: 0, rejected: 0, codes: new Map<string, number>() },
  ...{ unanswered: 0, submittedWork: 0, best: 0, blocks: 0 },
});

const shown = ({ codes, best, blocks, ...counts }: Way): UpstreamShares => ({
  ...counts,
  rejectedByCode: recordOf(codes),
  bestDifficulty: best,
  blocksFound: blocks,
});

interface Channel {
  state: Omit<UpstreamChannelState, 'shares'>;
  readonly way: Way;
  shown: UpstreamChannelState | undefined;
}

type Of<T extends (UpstreamOutcome | UpstreamUse)['type']> = Extract<
  UpstreamOutcome | UpstreamUse,
  { readonly type: T }
>;

/** The parts of a state that know what becomes of work that is passed on. */
function forwarding(): { readonly [K in keyof ForwardingState]: Part<ForwardingState[K]> } {
  const channels = new Map<string, Channel>();
  const total = newWay();
  const reasons: Counts = new Map();
  const faults: Counts = new Map();
  let shownChannels: readonly UpstreamChannelState[] | undefined;
  let shownTotal: UpstreamShares | undefined;
  let shownReasons: Readonly<Record<string, number>> | undefined;
  let shownFaults: Readonly<Record<string, number>> | undefined;

  const keyOf = (upstream: number, channelId: number): string => `${upstream}/${channelId}`;

  const change = (
    { upstream, channelId }: { readonly upstream: number; readonly channelId: number },
    values: Partial<UpstreamChannelState>,
  ): void => {
    const channel = channels.get(keyOf(upstream, channelId));
    if (channel === undefined) return;
    channel.state = { ...channel.state, ...values };
    channel.shown = undefined;
    shownChannels = undefined;
  };

  /** Counts for the channel and for all. */
  const count = (upstream: number, channelId: number, note: (way: Way) => void): void => {
    note(total);
    shownTotal = undefined;
    const channel = channels.get(keyOf(upstream, channelId));
    if (channel === undefined) return;
    note(channel.way);
    channel.shown = undefined;
    shownChannels = undefined;
  };

  const ofTarget = (target: Uint8Array) => ({
    difficulty: difficultyFromTarget(target),
    target: toDisplayHex(target),
  });

  const onOpened: Note<Of<'UpstreamChannelOpened'>> = (
    { upstream, channelId, userIdentity, target, nominalHashRate },
    now,
  ) => {
    const state = {
      ...{ upstream, channelId, user: userIdentity, ...ofTarget(target) },
      ...{ nominalHashRate, openedAt: now, job: null },
    };
    channels.set(keyOf(upstream, channelId), { state, way: newWay(), shown: undefined });
    shownChannels = undefined;
  };

  const onClosed: Note<Of<'UpstreamChannelClosed'>> = ({ upstream, channelId }) => {
    if (channels.delete(keyOf(upstream, channelId))) shownChannels = undefined;
  };

  const onLost: Note<Of<'UpstreamLost'>> = ({ upstream }) => {
    for (const [key, { state }] of channels) if (state.upstream === upstream) channels.delete(key);
    shownChannels = undefined;
  };

  const onForwarded: Note<Of<'ShareForwarded'>> = ({ upstream, upstreamChannelId, share, isBlock }) => {
    const reached = roughDifficulty(share.hash);
    count(upstream, upstreamChannelId, (way) => {
      way.submitted += 1;
      way.submittedWork += share.upstreamDifficulty;
      way.best = Math.max(way.best, reached);
      if (isBlock) way.blocks += 1;
    });
  };

  const onAccepted: Note<Of<'UpstreamAccepted'>> = ({ upstream, upstreamChannelId, shares, newSharesSum }) =>
    count(upstream, upstreamChannelId, (way) => {
      way.accepted += shares.length;
      way.acceptedWork += Number(newSharesSum);
    });

  const onRejected: Note<Of<'UpstreamRejected'>> = ({ upstream, upstreamChannelId, errorCode }) =>
    count(upstream, upstreamChannelId, (way) => {
      way.rejected += 1;
      countOne(way.codes, errorCode);
    });

  const onUnanswered: Note<Of<'UpstreamUnanswered'>> = ({ upstream, upstreamChannelId, shares }) =>
    count(upstream, upstreamChannelId, (way) => (way.unanswered += shares.length));

  const onNotForwarded: Note<Of<'ShareNotForwarded'>> = ({ reason }) => {
    countOne(reasons, reason);
    shownReasons = undefined;
  };

  const onFault: Note<Of<'UpstreamFault' | 'UpstreamNonsense'>> = ({ code }) => {
    countOne(faults, code);
    shownFaults = undefined;
  };

  return {
    upstreamChannels: {
      on: {
        UpstreamChannelOpened: onOpened,
        UpstreamChannelClosed: onClosed,
        UpstreamLost: onLost,
        UpstreamTargetChanged: (outcome: Of<'UpstreamTargetChanged'>) =>
          change(outcome, ofTarget(outcome.target)),
        HashRateTold: (outcome: Of<'HashRateTold'>) => change(outcome, { nominalHashRate: outcome.hashRate }),
        UpstreamJobStarted: (outcome: Of<'UpstreamJobStarted'>, now: number) =>
          change(outcome, {
            job: { jobId: outcome.jobId, prevHash: toDisplayHex(outcome.prevHash), at: now },
          }),
        ShareForwarded: onForwarded,
        ShareNotForwarded: onNotForwarded,
        UpstreamAccepted: onAccepted,
        UpstreamRejected: onRejected,
        UpstreamUnanswered: onUnanswered,
        UpstreamFault: onFault,
        UpstreamNonsense: onFault,
      },
      state: () =>
        (shownChannels ??= [...channels.values()].map(
          (channel) => (channel.shown ??= { ...channel.state, shares: shown(channel.way) }),
        )),
    },
    upstreamShares: { on: {}, state: () => (shownTotal ??= shown(total)) },
    notForwarded: { on: {}, state: () => (shownReasons ??= recordOf(reasons)) },
    upstreamFaults: { on: {}, state: () => (shownFaults ??= recordOf(faults)) },
  };
}

/** The parts of a proxy's state but its role. */
export const proxyParts = (
  startedAt: number,
  limits: DownstreamLimits,
): Omit<PartsOf<ProxyState>, 'role'> => ({
  ...downstream(startedAt, limits),
  ...forwarding(),
  upstreams: upstreams(startedAt, 'mining'),
  problems: problems(),
});

/**
 * What a proxy is at, as a state that outcomes are noted in one by one; see `poolFold`.
 * @param startedAt milliseconds since 1970
 */
export const proxyFold = (
  startedAt: number,
  limits: DownstreamLimits = {},
  role: ProxyState['role'] = 'proxy',
): Fold<ProxyState> =>
  foldOf<ProxyState>({ ...proxyParts(startedAt, limits), role: { on: {}, state: () => role } }, startedAt);

/** From a proxy's outcomes to what it is at; see `poolState` and `states`. */
export const proxyState = (
  options: StateOptions & DownstreamLimits = {},
): OperatorFunction<ProxyOutcome, ProxyState> => states((now) => proxyFold(now, options), options);

/** From a translator's outcomes to what it is at: as a proxy's, whose miners are those of Stratum V1. */
export const translatorState = (
  options: StateOptions & DownstreamLimits = {},
): OperatorFunction<ProxyOutcome, ProxyState> =>
  states((now) => proxyFold(now, options, 'translator'), options);
