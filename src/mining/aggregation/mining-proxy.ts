/** A proxy without its connections: channels of many clients on few channels of upstream servers. */
import { Sv2Error } from '../../codec/errors.js';
import { channelCount } from '../channels/channel-limits.js';
import { extranonceAllocator } from '../channels/extranonce.js';
import { serverClient } from '../channels/server-client.js';
import { channelServer } from '../channel-server.js';
import { noCustomJobs } from '../work/custom-job.js';
import type { MiningProxy, MiningProxyOptions, MiningProxyOutput } from './mining-proxy-types.js';
import { proxyOutput, type ProxyOutput } from './output.js';
import { proxyChannels, type ProxyClient } from './proxy-channels.js';
import { channelIdOf, passOn } from './unknown-messages.js';
import { upstreamChoice } from './upstream-choice.js';
import { upstreamIntake } from './upstream-intake.js';
import { upstreamJobs, type UpstreamJob } from './upstream-jobs.js';
import { upstreamSession, type UpstreamSession } from './upstream-session.js';

/** How old a job must be to be renewed for a target that waits for the next one, in milliseconds. */
const renewalAge = 30_000;

/**
 * A mining proxy without its connections: a mining server to its clients and a mining client to upstream servers. It
 * does no I/O and reads no clock.
 *
 * ```text
 * extranonce of an upstream channel:  upstream's prefix | zeros | index | rolled by an extended channel here
 * told to the channels here as:       end of the coinbase prefix | prefix, extranonce
 * ```
 *
 * so that a channel's prefix is its own whatever the upstream: after an upstream is lost, its clients stay connected and get
 * their work from the next one by messages that all firmware knows (NewMiningJob, NewExtendedMiningJob, SetNewPrevHash). An upstream's
 * SetExtranoncePrefix changes jobs to come and is not passed on.
 *
 * A channel's target is never harder than that of the upstream channel, so that no share which the upstream would credit is kept
 * back. Each share that is credited here is told of once more: by `ShareForwarded`, which is followed by `UpstreamAccepted`,
 * `UpstreamRejected` or `UpstreamUnanswered`, or by `ShareNotForwarded`.
 *
 * @throws Sv2Error `out-of-range` for sizes and limits; as `miningServer` for rates
 */
export const miningProxy = (options: MiningProxyOptions): MiningProxy => {
  const { mode, indexSize = 2, extranonceSize = 8, randomBytes } = options;
  const isPassThrough = mode === 'pass-through';
  const perUpstreamChannel = isPassThrough ? 1 : (options.channelsPerUpstreamChannel ?? Infinity);
  const limits = {
    silenceLimit: options.silenceLimit ?? 600_000,
    maxRejectedInARow: options.maxRejectedInARow ?? 20,
  };
  requireAbove('channelsPerUpstreamChannel', perUpstreamChannel, 1);
  requireAbove('silenceLimit', limits.silenceLimit, 1);
  requireAbove('maxRejectedInARow', limits.maxRejectedInARow, 1);
  const localSize = indexSize + extranonceSize;
  const extranonce = extranonceAllocator({
    indexSize,
    size: localSize,
    ...(randomBytes === undefined ? {} : { randomBytes }),
  });
  const jobs = upstreamJobs(localSize);
  const sessions = new Map<number, UpstreamSession>();
  const newServer = () =>
    channelServer<UpstreamJob>(
      {
        // several servers see the same tips: the upstream intake says when there is another
        extranonce: { ...extranonce, nextPrevHash: () => undefined },
        sharesPerMinute: options.sharesPerMinute ?? 6,
        shareBatchSize: options.shareBatchSize ?? 10,
        vardiff: !isPassThrough,
        // counted over all servers
        ...{ maxChannelsPerClient: Infinity, maxChannelsPerAddress: Infinity, maxChannels: Infinity },
        ...(options.minHashrate === undefined ? {} : { minHashrate: options.minHashrate }),
        ...(options.isKnownUser === undefined ? {} : { isKnownUser: options.isKnownUser }),
      },
      { jobs, customJobs: () => noCustomJobs, followsNetwork: false },
    );
  const choice = upstreamChoice(options, sessions);
  const channels = proxyChannels(
    {
      ...{ isPassThrough, perUpstreamChannel, localSize, jobs, newServer, choice },
      count: channelCount(options),
      pinnedTo: options.pinnedTo ?? (() => undefined),
    },
    sessions,
  );
  const intake = upstreamIntake(sessions, channels, () => extranonce.nextPrevHash());
  /** Answers what is for no channel that there is. */
  const nowhere = newServer();

  const clientOf = (clientId: number): ProxyClient => {
    const client = channels.clients.get(clientId);
    if (client !== undefined) return client;
    throw new Sv2Error('unknown-client', `there is no client ${clientId}`, { clientId });
  };

  const within = (input: (out: ProxyOutput) => void): MiningProxyOutput => {
    const out = proxyOutput();
    input(out);
    return out.output;
  };

  return {
    addClient(clientId, flags, address) {
      if (channels.clients.has(clientId))
        throw new Sv2Error('duplicate-client', `client ${clientId} is there already`, { clientId });
      const client = { clientId, flags, address, ids: { last: 0 }, channels: new Map(), openings: 0 };
      channels.clients.set(clientId, client);
      nowhere.adopt(serverClient(clientId, flags, address, client.ids), 0);
    },
    removeClient: (clientId, now) =>
      within((out) => {
        nowhere.removeClient(clientId);
        channels.remove(clientId, now, out);
      }),
    handle: (clientId, message, now) =>
      within((out) => {
        const client = clientOf(clientId);
        if (message.type === 'OpenStandardMiningChannel' || message.type === 'OpenExtendedMiningChannel') {
          channels.open(client, message, now, out);
          return;
        }
        const to = channels.aggregateOf(client, message.channelId);
        if (to === undefined) {
          const { messages, outcomes } = nowhere.handle(clientId, message, now);
          out.send(messages);
          out.tell(...outcomes);
          return;
        }
        const isShare = message.type === 'SubmitSharesStandard' || message.type === 'SubmitSharesExtended';
        channels.deliver(
          to,
          to.server.handle(clientId, message, now),
          now,
          out,
          isShare ? message : undefined,
        );
      }),
    forward: (clientId, message) =>
      within((out) => {
        const channelId = channelIdOf(message);
        const to = channelId === undefined ? undefined : clientOf(clientId).channels.get(channelId);
        if (channelId !== undefined && to !== undefined) passOn(to, { clientId, channelId }, message, out);
      }),
    addUpstream: (upstream, info, now) =>
      within((out) => {
        if (sessions.has(upstream))
          throw new Sv2Error('duplicate-upstream', `upstream ${upstream} is there already`, { upstream });
        if (!isPassThrough && info.userIdentity === undefined)
          throw new Sv2Error(
            'user-identity-missing',
            'aggregated channels need a user identity at the upstream',
          );
        sessions.set(upstream, upstreamSession(upstream, info, limits, now));
        for (const one of channels.aggregates) if (one.upstream === upstream) channels.ask(one, now, out);
        channels.look(now, out);
      }),
    updateUpstream(upstream, info) {
      const session = sessions.get(upstream);
      if (session !== undefined) session.info = info;
    },
    removeUpstream: (upstream, reason, now) =>
      within((out) => {
        if (!sessions.has(upstream)) return;
        intake.remove(upstream, reason, out);
        choice.lost(upstream);
        channels.look(now, out);
      }),
    handleUpstream: (upstream, message, now) => within((out) => intake.handle(upstream, message, now, out)),
    tick: (now) =>
      within((out) => {
        for (const session of sessions.values()) session.tick(now, out);
        channels.tick(now, out);
        for (const one of channels.aggregates) {
          channels.deliver(one, one.server.tick(now), now, out);
          channels.deliver(one, one.server.renewJobs(now, renewalAge), now, out);
        }
      }),
    flush: (clientId) =>
      within((out) => {
        for (const { server } of new Set(clientOf(clientId).channels.values()))
          out.send(server.flush(clientId).messages);
      }),
  };
};

const requireAbove = (option: string, value: number, lowest: number): void => {
  if (value >= lowest) return;
  throw new Sv2Error('out-of-range', `${option} must be ${lowest} or more, got ${value}`, { option, value });
};
