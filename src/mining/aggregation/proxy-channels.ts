/** The channels of a proxy's clients: which upstream channel each shares, and what of its shares and rates goes there. */
import {
  CloseChannel,
  OpenExtendedMiningChannel,
  OpenMiningChannelError,
  UpdateChannel,
  type SubmitSharesExtended,
  type SubmitSharesStandard,
} from '../../messages/index.js';
import type { ChannelCount } from '../channels/channel-limits.js';
import { serverClient, type ChannelIds } from '../channels/server-client.js';
import type { OpenMiningChannel } from '../mining-client.js';
import type { ChannelServer } from '../channel-server-types.js';
import type { MiningServerOutput } from '../mining-server-types.js';
import { aggregate, type Aggregate } from './aggregate.js';
import type { ProxyOutput } from './output.js';
import { channelRates } from './channel-rates.js';
import { forwardShare } from './share-forwarding.js';
import { endChanged, stopTalking } from './unknown-messages.js';
import type { UpstreamJob, UpstreamJobs } from './upstream-jobs.js';
import type { MovableChannels, UpstreamChoice } from './upstream-choice.js';
import type { UpstreamSession } from './upstream-session.js';

/** A client and where its channels are. */
export interface ProxyClient {
  readonly clientId: number;
  readonly flags: number;
  readonly address: string | undefined;
  readonly ids: ChannelIds;
  /** By their ids. */
  readonly channels: Map<number, Aggregate>;
  /** How many it has asked for that its upstream has not opened yet. */
  openings: number;
}

/** What {@link proxyChannels} is told. */
export interface ProxyChannelsOptions {
  readonly isPassThrough: boolean;
  readonly perUpstreamChannel: number;
  /** Bytes of prefix and extranonce of a channel here together. */
  readonly localSize: number;
  readonly jobs: UpstreamJobs;
  readonly count: ChannelCount;
  readonly newServer: () => ChannelServer<UpstreamJob>;
  readonly choice: UpstreamChoice;
  /** The upstream that a user's channels are to work for. */
  readonly pinnedTo: (userIdentity: string) => number | undefined;
}

const easiest = new Uint8Array(32).fill(0xff);

/** When an upstream is told another hash rate: by what factor it differs, how many milliseconds after the time before. */
const reports = [
  { factor: 1.5, after: 10_000 },
  { factor: 1.1, after: 300_000 },
] as const;

/** How often it is looked whether an upstream is to be told of hash rates, in milliseconds. */
const tellEvery = 1_000;

/** How long an upstream channel stays when the last channel that shared it is gone, in milliseconds. */
const linger = 60_000;

/** Keeps the channels of a proxy. */
export const proxyChannels = (
  options: ProxyChannelsOptions,
  sessions: ReadonlyMap<number, UpstreamSession>,
) => {
  const { isPassThrough, perUpstreamChannel, localSize, jobs, count, choice } = options;
  const clients = new Map<number, ProxyClient>();
  const aggregates = new Set<Aggregate>();
  const rates = channelRates(!isPassThrough);
  let lastSource = 0n;
  let toldAt = -Infinity;

  const takesWorkerNames = (upstream: number): boolean =>
    sessions.get(upstream)?.info.takesWorkerNames === true;

  /** Takes in what an input to an aggregate's server has led to. */
  const deliver = (
    to: Aggregate,
    { messages, outcomes }: MiningServerOutput,
    now: number,
    out: ProxyOutput,
    share?: SubmitSharesStandard | SubmitSharesExtended,
  ): void => {
    out.send(messages);
    out.tell(...outcomes);
    outcomes.forEach((outcome, index) => {
      if (outcome.type === 'ShareAccepted' && share !== undefined) {
        const channel = to.server.client(outcome.clientId)?.channels.get(outcome.channelId);
        const isBlock = outcomes[index + 1]?.type === 'BlockFound';
        if (channel === undefined) return;
        rates.proved(channel, outcome.difficulty, now);
        const upstream = forwardShare(channel, outcome, isBlock, share, jobs, takesWorkerNames, out);
        if (upstream !== undefined) choice.worked(to, upstream, outcome.difficulty);
      } else if (outcome.type === 'ChannelOpened') {
        const client = clients.get(outcome.clientId);
        client?.channels.set(outcome.channelId, to);
        if (client !== undefined) count.opened(client);
        to.members += 1;
        to.emptySince = null;
      } else if (outcome.type === 'ChannelClosed') {
        const client = clients.get(outcome.clientId);
        client?.channels.delete(outcome.channelId);
        stopTalking(to, outcome);
        if (client !== undefined) count.closed(client);
        const served = to.server.client(outcome.clientId);
        if (served?.channels.size === 0) to.server.release(served);
        to.members -= 1;
        if (to.members === 0) to.emptySince = now;
        if (to.members === 0 && isPassThrough)
          for (const home of to.homes.values()) if (home !== null) discard(home, out);
      } else if (outcome.type === 'ChannelUpdated' && to.request !== null) {
        const { nominalHashRate, maxTarget } = outcome;
        for (const home of to.homes.values()) {
          if (home?.request == null) continue;
          home.request = { ...home.request, nominalHashRate, maxTarget };
          tellUpdate(home, nominalHashRate, maxTarget, now, out);
        }
      }
    });
  };

  const tellUpdate = (
    to: Aggregate,
    hashRate: number,
    maximumTarget: Uint8Array,
    now: number,
    out: ProxyOutput,
  ): void => {
    if (to.route?.isOpen !== true) return;
    const { upstream, channel } = to.route;
    const { channelId } = channel;
    to.told = { hashRate, at: now };
    out.toUpstream(upstream, UpdateChannel({ channelId, nominalHashRate: hashRate, maximumTarget }));
    out.tell({ type: 'HashRateTold', upstream, channelId, hashRate });
  };

  /** Asks the upstream for a channel, if there is a connection, and none was asked for yet. */
  const ask = (to: Aggregate, now: number, out: ProxyOutput): void => {
    const session = sessions.get(to.upstream);
    if (session === undefined || session.isFaulty || to.route !== null || to.asked !== null) return;
    if (to.members === 0 && to.waiting === null && !to.isKept) return;
    const requestId = session.nextRequestId();
    const hashRate = to.request?.nominalHashRate ?? choice.hashRates(aggregates, now).get(to) ?? 0;
    const request = OpenExtendedMiningChannel({
      requestId,
      userIdentity: identityOf(to),
      nominalHashRate: hashRate,
      maxTarget: to.request?.maxTarget ?? easiest,
      minExtranonceSize: localSize,
    });
    session.core.request(request);
    session.requests.set(requestId, to);
    to.asked = { requestId, at: now };
    to.told = { hashRate, at: now };
    out.toUpstream(to.upstream, request);
  };

  const newAggregate = (upstream: number, pinnedTo: number | null): Aggregate => {
    const made = aggregate(upstream, pinnedTo, options.newServer(), rates, () => ++lastSource);
    aggregates.add(made);
    return made;
  };

  /** Where a client's next channel goes: to its others while there is room. */
  const placeFor = ({ channels }: ProxyClient, request: OpenMiningChannel, now: number): Aggregate => {
    const pinnedTo = options.pinnedTo(request.userIdentity) ?? null;
    const hasRoom = (one: Aggregate): boolean =>
      one.pinnedTo === pinnedTo && one.members < perUpstreamChannel;
    const own = isPassThrough ? undefined : [...new Set(channels.values())].find(hasRoom);
    if (own !== undefined) return own;
    const upstream = choice.forNew(pinnedTo, request.nominalHashRate, movable, now);
    if (isPassThrough) {
      const made = newAggregate(upstream, pinnedTo);
      made.request = request;
      made.homes.set(upstream, made);
      return made;
    }
    for (const one of aggregates) if (one.upstream === upstream && hasRoom(one)) return one;
    return newAggregate(upstream, pinnedTo);
  };

  /** Moves the channels of a client that share one upstream channel to another, where there is work. */
  const move = (clientId: number, from: Aggregate, to: Aggregate, now: number, out: ProxyOutput): void => {
    const client = clients.get(clientId);
    const served = from.server.client(clientId);
    if (client === undefined || served === undefined) return;
    from.server.release(served);
    endChanged(from, out, (channel) => channel.clientId === clientId);
    for (const channelId of served.channels.keys()) client.channels.set(channelId, to);
    from.members -= served.channels.size;
    to.members += served.channels.size;
    if (from.members === 0) from.emptySince = now;
    to.emptySince = null;
    deliver(to, to.server.adopt(served, now), now, out);
    out.tell({ type: 'ClientMoved', clientId, from: from.upstream, to: to.upstream });
  };
  const movable: MovableChannels = {
    ...{ aggregates, perUpstreamChannel, newAggregate, ask, move },
    discard: (to, out) => discard(to, out),
  };

  const openAt = (
    to: Aggregate,
    client: ProxyClient,
    request: OpenMiningChannel,
    now: number,
    out: ProxyOutput,
  ): void => {
    const { clientId, flags, address, ids } = client;
    if (to.server.client(clientId) === undefined)
      to.server.adopt(serverClient(clientId, flags, address, ids), now);
    deliver(to, to.server.handle(clientId, request, now), now, out);
  };

  const wait = (to: Aggregate, client: ProxyClient): void => {
    to.waiting = client.clientId;
    client.openings += 1;
    count.opened(client);
  };

  /** Who waits for an upstream channel waits no longer. */
  const waited = (to: Aggregate): ProxyClient | undefined => {
    const client = to.waiting === null ? undefined : clients.get(to.waiting);
    to.waiting = null;
    if (client === undefined) return undefined;
    client.openings -= 1;
    count.closed(client);
    return client;
  };

  const open = (client: ProxyClient, request: OpenMiningChannel, now: number, out: ProxyOutput): void => {
    const { clientId } = client;
    const { channels, openings, address } = client;
    if (!count.hasRoom({ channels: { size: channels.size + openings }, address })) {
      const { requestId, userIdentity: user } = request;
      const errorCode = 'too-many-channels';
      out.send([{ clientId, messages: [OpenMiningChannelError({ requestId, errorCode })] }]);
      out.tell({ type: 'ChannelRefused', clientId, userIdentity: user, errorCode });
      return;
    }
    const to = placeFor(client, request, now);
    if (isPassThrough) {
      if (sessions.get(to.upstream)?.isFaulty === false) {
        wait(to, client); // it is the upstream's to refuse
        ask(to, now, out);
        return;
      }
    }
    openAt(to, client, request, now, out);
    if (to.members === 0) discard(to, out);
    else ask(to, now, out);
  };

  /** Gives up an upstream channel that nobody shares, or waits for, any more. */
  const discard = (to: Aggregate, out: ProxyOutput): void => {
    aggregates.delete(to);
    if (to.homes.get(to.upstream) === to) to.homes.delete(to.upstream);
    waited(to);
    const session = sessions.get(to.upstream);
    if (to.asked !== null) {
      session?.core.abandon(to.asked.requestId);
      session?.requests.delete(to.asked.requestId);
    }
    if (to.route === null || session === undefined || !to.route.isOpen) return;
    const { upstream, channel } = to.route;
    const { channelId } = channel;
    to.route.isOpen = false; // its shares that are on their way are answered still
    session.aggregates.delete(channelId);
    session.core.close(channelId);
    out.toUpstream(upstream, CloseChannel({ channelId, reasonCode: 'no channels' }));
    out.tell({ type: 'UpstreamChannelClosed', upstream, channelId, reason: 'no channels' });
  };

  /** Moves who is to be moved, tells upstreams of other hash rates, and gives up channels there that have been of no use for long. */
  const tick = (now: number, out: ProxyOutput): void => {
    choice.look(movable, now, out);
    for (const one of aggregates) {
      if (one.emptySince === null || one.waiting !== null || now - one.emptySince < linger) continue;
      if (!choice.isNeeded(one, aggregates)) discard(one, out);
    }
    if (isPassThrough || now - toldAt < tellEvery) return;
    toldAt = now;
    for (const [one, hashRate] of choice.hashRates(aggregates, now)) tellHashRate(one, hashRate, now, out);
  };

  const tellHashRate = (one: Aggregate, hashRate: number, now: number, out: ProxyOutput): void => {
    const { hashRate: before, at } = one.told;
    if (one.route === null || now - at < reports[0].after || (one.members === 0 && !one.isKept)) return;
    const factor = Math.max(hashRate / before, before / hashRate);
    if (reports.some((report) => factor >= report.factor && now - at >= report.after))
      tellUpdate(one, hashRate, easiest, now, out);
  };

  /** A client is gone: its channels close. */
  const remove = (clientId: number, now: number, out: ProxyOutput): void => {
    const client = clients.get(clientId);
    if (client === undefined) return;
    const own = new Set(client.channels.values());
    for (const one of own) deliver(one, one.server.removeClient(clientId), now, out);
    if (client.openings > 0) for (const one of aggregates) if (one.waiting === clientId) discard(one, out);
    clients.delete(clientId);
  };

  /** Who an upstream channel is for. */
  const identityOf = ({ upstream, request }: Aggregate): string =>
    sessions.get(upstream)?.info.userIdentity ?? request?.userIdentity ?? '';

  /** The aggregate that has a channel or group of a client. */
  const aggregateOf = ({ clientId, channels }: ProxyClient, id: number): Aggregate | undefined =>
    channels.get(id) ??
    [...new Set(channels.values())].find(({ server }) => server.client(clientId)?.groups.has(id) === true);

  return {
    clients,
    aggregates,
    deliver,
    ask,
    open,
    openAt,
    waited,
    discard,
    remove,
    look: (now: number, out: ProxyOutput): void => choice.look(movable, now, out),
    tick,
    aggregateOf,
    identityOf,
  };
};

/** See {@link proxyChannels}. */
export type ProxyChannels = ReturnType<typeof proxyChannels>;
