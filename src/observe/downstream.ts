/** The part of a state that knows who is served: clients, channels, users, workers, and what they deliver. */
import { difficultyFromTarget } from '../bitcoin/target.js';
import {
  channelState,
  clientState,
  idlest,
  isSettled,
  isUnused,
  newChannel,
  newClient,
  newUser,
  newWorker,
  ratesOf,
  userState,
  windows,
  workerState,
  type Channel,
  type Client,
  type DownstreamOutcome,
  type Metered,
  type User,
  type Worker,
} from './downstream-rows.js';
import type {
  ChannelState,
  ClientState,
  DownstreamState,
  UserState,
  WorkerState,
} from './downstream-types.js';
import type { Note, Part, Parts } from './fold.js';
import { changed, rowsOf, type Row } from './rows.js';
import { shareLog } from './share-log.js';
import {
  countAccepted,
  countRejected,
  newTally,
  roughDifficulty,
  sharesOf,
  type Shares,
  type Tally,
} from './tally.js';
import type { HashRates } from './windows.js';

/** Milliseconds until it is looked again whether one of as many workers as there may be can be forgotten, when none could. */
const forgetInterval = 60_000;

/** How much is kept of those who are served. */
export interface DownstreamLimits {
  /** Users that are kept; 10,000 unless given. Those with open channels are kept beyond that. */
  readonly maxUsers?: number;
  /** Workers that are kept; 10,000 unless given. What others deliver counts for the user and its nameless worker. */
  readonly maxWorkers?: number;
}

/** What a part of a state that knows who is served is called in it. See {@link DownstreamState}. */
export function downstream(
  startedAt: number,
  { maxUsers = 10_000, maxWorkers = 10_000 }: DownstreamLimits = {},
): Parts<DownstreamState> {
  const clientsById = new Map<number, Client>();
  const usersByName = new Map<string, User>();
  /** Of clients whose `connected` was not seen. */
  const strays = new Map<number, Map<number, Channel>>();
  const total: Metered = { since: startedAt, tally: newTally(), sums: windows.create(startedAt) };
  let shownTotal: { readonly shares: Shares; readonly at: number; readonly hashRate: HashRates } | undefined;
  let totalChanged = true;

  const clients = rowsOf<Client, ClientState>(clientState);
  const channels = rowsOf<Channel, ChannelState>(channelState, isSettled);
  const users = rowsOf<User, UserState>(userState, isSettled);
  const workers = rowsOf<Worker, WorkerState>(workerState, isSettled);

  const channelsOf = (clientId: number): Map<number, Channel> | undefined =>
    clientsById.get(clientId)?.channels ?? strays.get(clientId);

  const userOf = (name: string, now: number): User => {
    let user = usersByName.get(name);
    if (user !== undefined) return user;
    if (usersByName.size >= maxUsers) forgetUsers();
    user = newUser(name, now);
    usersByName.set(name, user);
    users.add(user);
    return user;
  };

  /** The worker that a share is of, which is the user's own if there is no room for another. */
  let forgetAgainAt = -Infinity;
  const workerOf = (channel: Channel, name: string, now: number): Worker => {
    const { worker: last } = channel;
    if (last !== undefined && last.worker === name && !last.isGone) return last;
    log.settleAll(); // who is unused or idle is asked below
    const { user } = channel;
    let worker = user.workers.get(name);
    if (worker === undefined) {
      const nameless = user.workers.get('');
      if (nameless !== undefined && isUnused(nameless)) forget(nameless);
      else if (name !== '' && workers.size >= maxWorkers) {
        // all are looked at for that: where nobody can be forgotten, once a minute and not for each share
        if (now >= forgetAgainAt) {
          forgetWorkers();
          if (workers.size >= maxWorkers) forgetAgainAt = now + forgetInterval;
        }
        if (workers.size >= maxWorkers) return workerOf(channel, '', now);
      }
      worker = newWorker(user, name, channel, now);
      user.workers.set(name, worker);
      workers.add(worker);
      changed(user);
    }
    channel.worker = worker;
    return worker;
  };

  function forget(worker: Worker): void {
    worker.isGone = true;
    workers.delete(worker);
    worker.user.workers.delete(worker.worker);
    changed(worker.user);
  }

  /** Forgets some of those that have been idle longest: a twentieth, so that this is rare. */
  function forgetUsers(): void {
    const idle = [...users].filter(({ openChannels }) => openChannels === 0);
    for (const user of idlest(idle, maxUsers)) {
      users.delete(user);
      usersByName.delete(user.user);
      for (const worker of user.workers.values()) forget(worker);
    }
  }

  function forgetWorkers(): void {
    const idle = [...workers].filter(({ worker, user }) => worker !== '' || user.openChannels === 0);
    for (const worker of idlest(idle, maxWorkers)) forget(worker);
  }

  const close = (channel: Channel): void => {
    log.settle(channel);
    channel.isOpen = false;
    channel.user.openChannels -= 1;
    channels.delete(channel);
    changed(channel.user);
    for (const worker of channel.user.workers.values()) if (worker.channel === channel) changed(worker);
    if (channel.client !== undefined) changed(channel.client);
  };

  /** Counts an accepted share for one of those that it is to the credit of. */
  const credit = (to: Metered, difficulty: number, sequence: number, reached: number, now: number): void => {
    countAccepted(to.tally, difficulty, sequence, reached, now);
    // what begins with a share cannot have its rate from that share
    if (difficulty > 0 && !(to.since === now && to.tally.accepted === 1))
      windows.add(to.sums, difficulty, now);
  };

  /** Counts an accepted share for the rows of its channel. */
  const count = (
    channel: Channel,
    difficulty: number,
    sequence: number,
    reached: number,
    now: number,
  ): void => {
    const { client, user, worker } = channel;
    if (client !== undefined) {
      countAccepted(client.tally, difficulty, sequence, reached, now);
      changed(client);
    }
    credit(channel, difficulty, sequence, reached, now);
    changed(channel);
    credit(user, difficulty, sequence, reached, now);
    changed(user);
    if (worker === undefined) return;
    credit(worker, difficulty, sequence, reached, now);
    changed(worker);
  };

  // Only of a channel that is its client's and its user's only one: others' shares are counted in the order in which they come.
  const log = shareLog<Channel>(count);
  const isAlone = ({ client, user }: Channel): boolean =>
    client?.only !== undefined && user.openChannels === 1;

  const leave = (clientId: number): void => {
    for (const channel of channelsOf(clientId)?.values() ?? []) close(channel);
    strays.delete(clientId);
    const client = clientsById.get(clientId);
    if (client === undefined) return;
    clientsById.delete(clientId);
    clients.delete(client);
  };

  const onConnected: Note<DownstreamOutcome<'connected'>> = ({ clientId, client: info }) => {
    leave(clientId); // whose end was not seen
    const client = newClient(info);
    clientsById.set(clientId, client);
    clients.add(client);
  };

  const onChannelOpened: Note<DownstreamOutcome<'ChannelOpened'>> = (outcome, now) => {
    const { clientId, channelId, userIdentity } = outcome;
    log.settleAll(); // whoever was alone may be so no more
    const client = clientsById.get(clientId);
    const user = userOf(userIdentity, now);
    const channel = newChannel(outcome, client, user, now);
    let all = channelsOf(clientId);
    if (all === undefined) strays.set(clientId, (all = new Map<number, Channel>()));
    const before = all.get(channelId);
    if (before !== undefined) close(before);
    all.set(channelId, channel);
    if (client !== undefined) client.only = all.size === 1 ? channel : undefined;
    channels.add(channel);
    user.openChannels += 1;
    changed(user);
    if (client !== undefined) changed(client);
    if (user.workers.size > 0 && !user.workers.has('')) return;
    const worker = workerOf(channel, '', now);
    worker.channel = channel;
    changed(worker);
  };

  const onChannelClosed: Note<DownstreamOutcome<'ChannelClosed'>> = ({ clientId, channelId }) => {
    const all = channelsOf(clientId);
    const channel = all?.get(channelId);
    if (all === undefined || channel === undefined) return;
    all.delete(channelId);
    close(channel);
    if (channel.client !== undefined)
      channel.client.only = all.size === 1 ? all.values().next().value : undefined;
  };

  const onChannelUpdated: Note<DownstreamOutcome<'ChannelUpdated'>> = (outcome) => {
    const channel = channelsOf(outcome.clientId)?.get(outcome.channelId);
    if (channel === undefined) return;
    channel.nominalHashRate = outcome.nominalHashRate;
    channel.maxTarget = outcome.maxTarget;
    changed(channel);
  };

  const onTargetChanged: Note<DownstreamOutcome<'TargetChanged'>> = ({ clientId, channelId, target }) => {
    const channel = channelsOf(clientId)?.get(channelId);
    if (channel === undefined) return;
    channel.target = target;
    channel.difficulty = difficultyFromTarget(target);
    changed(channel);
  };

  const onAccepted: Note<DownstreamOutcome<'ShareAccepted'>> = (outcome, now) => {
    const { clientId, channelId, difficulty, sequenceNumber, hash, worker: name } = outcome;
    const reached = roughDifficulty(hash);
    credit(total, difficulty, sequenceNumber, reached, now);
    totalChanged = true;
    const client = clientsById.get(clientId);
    const only = client?.only;
    const channel = only?.channelId === channelId ? only : channelsOf(clientId)?.get(channelId);
    if (channel === undefined) return;
    const worker = workerOf(channel, name, now);
    if (worker.channel !== channel) worker.channel = channel;
    if (isAlone(channel)) log.note(channel, difficulty, sequenceNumber, reached, now);
    else count(channel, difficulty, sequenceNumber, reached, now);
  };

  /** The rows that something at a channel is also counted for; a worker that is not known is not made for a rejected share. */
  const rowsAt = (
    clientId: number,
    channelId: number,
    name: string,
  ): readonly (Row<unknown> & { readonly tally: Tally })[] => {
    const client = clientsById.get(clientId);
    const channel = channelsOf(clientId)?.get(channelId);
    if (client?.only !== undefined) log.settle(client.only);
    const worker = channel?.user.workers.get(name) ?? channel?.user.workers.get('');
    return [client, channel, channel?.user, worker].filter((row) => row !== undefined);
  };

  const onRejected: Note<DownstreamOutcome<'ShareRejected'>> = (outcome, now) => {
    const { clientId, channelId, errorCode, sequenceNumber, worker } = outcome;
    totalChanged = true;
    countRejected(total.tally, errorCode, sequenceNumber, now);
    for (const row of rowsAt(clientId, channelId, worker)) {
      countRejected(row.tally, errorCode, sequenceNumber, now);
      changed(row);
    }
  };

  const onBlock: Note<DownstreamOutcome<'BlockFound'>> = ({ clientId, channelId, worker }) => {
    totalChanged = true;
    total.tally.blocks += 1;
    for (const row of rowsAt(clientId, channelId, worker)) {
      row.tally.blocks += 1;
      changed(row);
    }
  };

  const onMessageRejected: Note<DownstreamOutcome<'rejected'>> = ({ clientId }) => {
    const client = clientsById.get(clientId);
    if (client === undefined) return;
    client.rejectedMessages += 1;
    changed(client);
  };

  const onExtensions: Note<DownstreamOutcome<'extensions'>> = ({ clientId, extensions }) => {
    const client = clientsById.get(clientId);
    if (client === undefined) return;
    client.extensions = extensions;
    changed(client);
  };

  const totalNow = (now: number) => {
    const isDue = shownTotal === undefined || totalChanged || now - shownTotal.at >= 1_000;
    if (!isDue) return shownTotal as NonNullable<typeof shownTotal>;
    const shares = totalChanged || shownTotal === undefined ? sharesOf(total.tally) : shownTotal.shares;
    totalChanged = false;
    shownTotal = { shares, at: now, hashRate: ratesOf(total, now, total.tally.lastDifficulty) };
    return shownTotal;
  };

  const settled =
    <S>(state: (now: number) => S) =>
    (now: number): S => {
      log.settleAll();
      return state(now);
    };

  return {
    clients: {
      on: {
        connected: ofClient(onConnected),
        disconnected: ofClient<DownstreamOutcome<'disconnected'>>(({ clientId }) => leave(clientId)),
        extensions: ofClient(onExtensions),
        rejected: ofClient(onMessageRejected),
        ChannelOpened: onChannelOpened,
        ChannelClosed: onChannelClosed,
        ChannelUpdated: onChannelUpdated,
        TargetChanged: onTargetChanged,
        ShareAccepted: onAccepted,
        ShareRejected: onRejected,
        BlockFound: onBlock,
      },
      state: settled(clients.state),
    },
    channels: shownOf(settled(channels.state)),
    users: shownOf(settled(users.state)),
    workers: shownOf(settled(workers.state)),
    shares: shownOf((now) => totalNow(now).shares),
    hashRate: shownOf((now) => totalNow(now).hashRate),
  };
}

const shownOf = <S>(state: (now: number) => S): Part<S> => ({ on: {}, state });

/** Notes what is said of clients; outcomes of a client have the same types and no `clientId`. */
const ofClient =
  <O extends { readonly clientId: number }>(note: Note<O>): Note<O> =>
  (outcome, now) => {
    if (typeof (outcome as Partial<O>).clientId === 'number') note(outcome, now);
  };
