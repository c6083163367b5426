/** What a state keeps of clients, channels, users and workers, and how each is shown in it. */
import { toDisplayHex } from '../bitcoin/hash.js';
import { difficultyFromTarget } from '../bitcoin/target.js';
import type { MiningServerOutcome } from '../mining/mining-server-types.js';
import type { ServerOutcome } from '../service/outcomes.js';
import type { ChannelState, ClientState, UserState, WorkerState } from './downstream-types.js';
import type { Row } from './rows.js';
import type { Logged } from './share-log.js';
import { newTally, sharesOf, type Tally } from './tally.js';
import { defaultWindows, workWindows, type HashRates, type WorkSums } from './windows.js';

/** An outcome about a client, by its type. */
export type DownstreamOutcome<T extends (ServerOutcome | MiningServerOutcome)['type']> = Extract<
  ServerOutcome<MiningServerOutcome>,
  { readonly type: T }
> & { readonly clientId: number };

/** A connection. */
export interface Client extends Row<ClientState> {
  readonly info: DownstreamOutcome<'connected'>['client'];
  extensions: readonly number[];
  readonly channels: Map<number, Channel>;
  /** Its channel if there is just one: found without a look into the map. */
  only: Channel | undefined;
  readonly tally: Tally;
  rejectedMessages: number;
}

/** What has hash rates. */
export interface Metered {
  readonly since: number;
  readonly tally: Tally;
  readonly sums: WorkSums;
}

/** A channel that is open, or was. */
export interface Channel extends Row<ChannelState>, Metered, Logged {
  readonly clientId: number;
  readonly channelId: number;
  readonly kind: ChannelState['kind'];
  readonly client: Client | undefined;
  readonly user: User;
  nominalHashRate: number;
  target: Uint8Array;
  maxTarget: Uint8Array;
  /** Of its target. */
  difficulty: number;
  isOpen: boolean;
  /** The worker of its last share: that of the next, mostly. */
  worker: Worker | undefined;
}

/** Whoever channels were opened for. */
export interface User extends Row<UserState>, Metered {
  readonly user: string;
  openChannels: number;
  readonly workers: Map<string, Worker>;
}

/** A worker of a user; the one without a name is the user itself. */
export interface Worker extends Row<WorkerState>, Metered {
  readonly user: User;
  readonly worker: string;
  channel: Channel;
  /** Whether it is not kept any more. */
  isGone: boolean;
}

/** Over what rates are told. */
export const windows = workWindows(defaultWindows);

// The rows below are written down field by field: an object made by spreading others gets a hidden class of its own from V8, which takes
// 900 bytes of each connection.

/** A client without channels. */
export const newClient = (info: Client['info']): Client => ({
  shown: undefined,
  shownAt: -Infinity,
  info,
  extensions: info.extensions,
  channels: new Map(),
  only: undefined,
  tally: newTally(),
  rejectedMessages: 0,
});

/** A user without channels. @param now milliseconds since 1970 */
export const newUser = (user: string, now: number): User => ({
  shown: undefined,
  shownAt: -Infinity,
  since: now,
  tally: newTally(),
  sums: windows.create(now),
  user,
  openChannels: 0,
  workers: new Map(),
});

/** A worker that has done nothing. @param now milliseconds since 1970 */
export const newWorker = (user: User, worker: string, channel: Channel, now: number): Worker => ({
  shown: undefined,
  shownAt: -Infinity,
  since: now,
  tally: newTally(),
  sums: windows.create(now),
  user,
  worker,
  channel,
  isGone: false,
});

/** A channel that was opened. @param now milliseconds since 1970 */
export const newChannel = (
  outcome: DownstreamOutcome<'ChannelOpened'>,
  client: Client | undefined,
  user: User,
  now: number,
): Channel => ({
  shown: undefined,
  shownAt: -Infinity,
  since: now,
  tally: newTally(),
  sums: windows.create(now),
  clientId: outcome.clientId,
  channelId: outcome.channelId,
  kind: outcome.kind,
  client,
  user,
  nominalHashRate: outcome.nominalHashRate,
  target: outcome.target,
  maxTarget: outcome.maxTarget,
  difficulty: difficultyFromTarget(outcome.target),
  isOpen: true,
  worker: undefined,
  logSlot: -1,
  logged: 0,
});

/** Whether its rates change no more by time alone. @param now milliseconds since 1970 */
export const isSettled = ({ sums }: Metered, now: number): boolean => windows.isIdle(sums, now);

/** @param now milliseconds since 1970 @param difficulty of its shares at present */
export const ratesOf = ({ sums }: Metered, now: number, difficulty: number): HashRates =>
  windows.rates(sums, now, difficulty);

/** A user's worker without a name is there from the first channel on; who names workers with all shares has none. */
export const isUnused = ({ tally }: Worker): boolean => tally.accepted + tally.rejected === 0;

/** Those that have been idle longest: a twentieth of the limit. */
export function idlest<M extends Metered>(all: readonly M[], limit: number): readonly M[] {
  const last = ({ tally, since }: M) => (Number.isNaN(tally.lastAcceptedAt) ? since : tally.lastAcceptedAt);
  return [...all].sort((a, b) => last(a) - last(b)).slice(0, Math.max(1, Math.floor(limit / 20)));
}

/** How a connection is shown. */
export function clientState({ info, extensions, channels, tally, rejectedMessages }: Client): ClientState {
  const { clientId, peer, protocol, version, flags, connectedAt, setupConnection } = info;
  const { vendor, hardwareVersion, firmware, deviceId } = setupConnection;
  return {
    ...{ clientId, address: peer.address, encrypted: peer.encrypted, protocol, version, flags },
    ...{ vendor, hardwareVersion, firmware, deviceId, extensions, connectedAt },
    ...{ channels: channels.size, shares: sharesOf(tally), rejectedMessages },
  };
}

/** How a channel is shown. @param now milliseconds since 1970 */
export function channelState(channel: Channel, now: number): ChannelState {
  const { clientId, channelId, kind, user, nominalHashRate, difficulty, target, maxTarget } = channel;
  return {
    ...{ clientId, channelId, kind, user: user.user, nominalHashRate, difficulty },
    target: toDisplayHex(target),
    maxTarget: toDisplayHex(maxTarget),
    openedAt: channel.since,
    shares: sharesOf(channel.tally),
    hashRate: ratesOf(channel, now, difficulty),
  };
}

/** How a user is shown. @param now milliseconds since 1970 */
export function userState(user: User, now: number): UserState {
  return {
    user: user.user,
    openChannels: user.openChannels,
    workers: user.workers.size,
    since: user.since,
    shares: sharesOf(user.tally),
    hashRate: ratesOf(user, now, user.tally.lastDifficulty),
  };
}

/** How a worker is shown. @param now milliseconds since 1970 */
export function workerState(worker: Worker, now: number): WorkerState {
  const { channel, user } = worker;
  const { clientId, channelId, isOpen, client } = channel;
  const { vendor = '', hardwareVersion = '', firmware = '' } = client?.info.setupConnection ?? {};
  return {
    ...{ user: user.user, worker: worker.worker, clientId, channelId, isConnected: isOpen },
    device: [vendor, hardwareVersion, firmware].filter((word) => word !== '').join(' '),
    address: client?.info.peer.address ?? '',
    since: worker.since,
    shares: sharesOf(worker.tally),
    hashRate: ratesOf(worker, now, worker.tally.lastDifficulty || channel.difficulty),
  };
}
