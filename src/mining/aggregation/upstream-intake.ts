/** What upstream servers say, and what it means for the channels that share theirs. */
import { bytesToHex } from '../../codec/hex.js';
import type { Sv2Error } from '../../codec/errors.js';
import { quoted } from '../../codec/printable.js';
import type { ChannelEndpointChanged } from '../../messages/common.js';
import type { MiningToClient } from '../../messages/directions.js';
import { UnknownMessage } from '../../messages/unknown.js';
import {
  CloseChannel,
  OpenMiningChannelError,
  type SubmitSharesError,
  type SubmitSharesSuccess,
} from '../../messages/mining.js';
import type { ClientChannel } from '../channels/client-channel.js';
import {
  isMiningServerMessage,
  type MiningClientChange,
  type MiningServerMessage,
} from '../mining-client.js';
import { RETURNING_TIPS } from '../work/chain-tip.js';
import type { ChannelJob, ExtendedJob } from '../work/job.js';
import type { Aggregate } from './aggregate.js';
import type { ProxyOutput } from './output.js';
import type { ProxyChannels } from './proxy-channels.js';
import { upstreamRoute, type UpstreamRoute } from './upstream-route.js';
import { channelIdOf, endChanged, passBack } from './unknown-messages.js';
import type { UpstreamSession } from './upstream-session.js';

/** Bytes of a job's coinbase; 0 for what is no job. */
const coinbaseBytes = (message: MiningServerMessage): number =>
  message.type === 'NewExtendedMiningJob'
    ? message.coinbaseTxPrefix.length + message.coinbaseTxSuffix.length
    : 0;

/** A job of an extended channel always has a coinbase. */
type Job = ChannelJob<ExtendedJob>;

/**
 * Takes in what upstream servers say.
 *
 * @param nextPrevHash called when there is a previous hash that none of the upstreams has had lately
 */
export const upstreamIntake = (
  sessions: Map<number, UpstreamSession>,
  channels: ProxyChannels,
  nextPrevHash: () => void,
) => {
  const { deliver, discard, openAt, waited } = channels;
  let prevHashes: readonly string[] = [];

  const seen = (prevHash: Uint8Array): void => {
    const known = bytesToHex(prevHash);
    if (prevHashes.includes(known)) return;
    prevHashes = [...prevHashes, known].slice(-RETURNING_TIPS);
    nextPrevHash();
  };

  /** The aggregates that an id of an upstream means, with their channels there. */
  const addressed = (session: UpstreamSession, id: number): readonly Aggregate[] => {
    const one = session.aggregates.get(id);
    if (one !== undefined) return [one];
    return [...session.aggregates.values()].filter(({ route }) => route?.channel.groupChannelId === id);
  };

  const opened = (
    session: UpstreamSession,
    requestId: number,
    channel: ClientChannel,
    now: number,
    out: ProxyOutput,
  ): void => {
    const to = session.requests.get(requestId);
    session.requests.delete(requestId);
    if (to === undefined) return;
    const { upstream } = session;
    const { channelId, target } = channel;
    to.asked = null;
    to.route = upstreamRoute(upstream, channel);
    endChanged(to, out);
    session.routes.set(channelId, to.route);
    session.aggregates.set(channelId, to);
    const userIdentity = channels.identityOf(to);
    const nominalHashRate = to.told.hashRate;
    out.tell({ type: 'UpstreamChannelOpened', upstream, channelId, userIdentity, target, nominalHashRate });
    deliver(to, to.takeTarget(now), now, out);
    if (to.waiting === null || to.request === null) return;
    const client = waited(to);
    if (client !== undefined) openAt(to, client, to.request, now, out);
    if (to.members === 0) discard(to, out);
  };

  const refused = (
    session: UpstreamSession,
    requestId: number,
    errorCode: string,
    out: ProxyOutput,
  ): void => {
    const to = session.requests.get(requestId);
    session.requests.delete(requestId);
    if (to === undefined) return;
    to.asked = null;
    const userIdentity = channels.identityOf(to);
    out.tell({ type: 'UpstreamChannelRefused', upstream: session.upstream, userIdentity, errorCode });
    if (to.request === null) {
      session.fault('channel-refused', `it refused to open a channel: ${quoted(errorCode)}`, out);
      return;
    }
    const { request, waiting } = to;
    if (waiting !== null) {
      const answer = OpenMiningChannelError({ requestId: request.requestId, errorCode });
      out.send([{ clientId: waiting, messages: [answer] }]);
      discard(to, out);
      return;
    }
    if (to.members > 0) unserved(to, `its upstream refused a channel for it: ${quoted(errorCode)}`, out);
    else {
      discard(to, out);
      to.homes.set(to.upstream, null); // its channel stays where it is
    }
  };

  /** The clients of an upstream channel that there will not be again. */
  const unserved = (to: Aggregate, message: string, out: ProxyOutput): void => {
    const clientIds = new Set([...to.server.channels()].map(([clientId]) => clientId));
    for (const clientId of clientIds)
      out.tell({ type: 'ClientUnserved', clientId, code: 'no-upstream-channel', message });
  };

  /** Ends the way to an upstream channel. */
  const ended = (route: UpstreamRoute, reason: string, out: ProxyOutput): void => {
    const shares = route.close();
    const { upstream, channel } = route;
    const upstreamChannelId = channel.channelId;
    if (shares.length > 0)
      out.tell({ type: 'UpstreamUnanswered', upstream, upstreamChannelId, shares, reason });
  };

  const closed = (
    session: UpstreamSession,
    { channelId }: ClientChannel,
    reason: string,
    out: ProxyOutput,
  ): void => {
    const to = session.aggregates.get(channelId);
    session.aggregates.delete(channelId);
    const route = session.routes.get(channelId);
    session.routes.delete(channelId);
    if (to === undefined || route === undefined) return;
    to.route = null;
    out.tell({ type: 'UpstreamChannelClosed', upstream: session.upstream, channelId, reason });
    ended(route, `the upstream closed the channel: ${quoted(reason)}`, out);
    if (to.request === null) session.fault('channel-closed', `it closed the channel: ${quoted(reason)}`, out);
    else unserved(to, `its upstream closed its channel: ${quoted(reason)}`, out);
  };

  const nonsense = (session: UpstreamSession, error: Sv2Error, out: ProxyOutput): void => {
    if (error.code === 'invalid-target') session.fault('channel-unusable', error.message, out);
    else session.nonsense(error.code, error.message, out);
  };

  const changed = (
    session: UpstreamSession,
    message: MiningServerMessage,
    change: MiningClientChange,
    now: number,
    out: ProxyOutput,
  ): void => {
    switch (change.type) {
      case 'opened':
        opened(session, change.requestId, change.channel, now, out);
        break;
      case 'refused':
        refused(session, change.requestId, change.errorCode, out);
        break;
      case 'unusable': {
        const isOurs = session.requests.has(change.requestId);
        const { channelId, isTaken, error } = change;
        if (!isTaken) out.toUpstream(session.upstream, CloseChannel({ channelId, reasonCode: error.code }));
        if (isOurs) session.fault('channel-unusable', error.message, out);
        else if (error.code !== 'not-requested') session.nonsense(error.code, error.message, out);
        break;
      }
      case 'work': {
        const to = session.aggregates.get(change.channel.channelId);
        if (to === undefined || message.type === 'NewExtendedMiningJob') break;
        const job = change.job as Job | null;
        if (job?.tip != null) seen(job.tip.prevHash);
        deliver(to, to.takeTarget(now), now, out);
        deliver(to, to.takeTip(job, now), now, out);
        started(session, change.channel, job, now, out);
        break;
      }
      case 'target': {
        const { channelId, target } = change.channel;
        const to = session.aggregates.get(channelId);
        if (to === undefined) break;
        out.tell({ type: 'UpstreamTargetChanged', upstream: session.upstream, channelId, target });
        deliver(to, to.takeTarget(now), now, out);
        break;
      }
      case 'closed':
        closed(session, change.channel, change.reason, out);
        break;
      case 'nonsense':
        nonsense(session, change.error, out);
    }
  };

  const started = (
    session: UpstreamSession,
    { channelId }: ClientChannel,
    job: Job | null,
    now: number,
    out: ProxyOutput,
  ): void => {
    if (job?.tip == null) return;
    session.job(now);
    const { jobId, tip } = job;
    const { prevHash } = tip;
    out.tell({ type: 'UpstreamJobStarted', upstream: session.upstream, channelId, jobId, prevHash });
  };

  /** Gives the channels a job that their upstream channels have taken. */
  const jobCame = (
    session: UpstreamSession,
    id: number,
    jobId: number,
    now: number,
    out: ProxyOutput,
  ): void => {
    for (const to of addressed(session, id)) {
      const { channel } = to.route as UpstreamRoute;
      const { future, active } = channel.jobs;
      const job = (active?.jobId === jobId ? active : future.get(jobId)) as Job | undefined;
      if (job === undefined) continue;
      deliver(to, to.takeTarget(now), now, out);
      try {
        deliver(to, to.takeJob(job, now), now, out);
      } catch (error) {
        nonsense(session, error as Sv2Error, out);
        continue;
      }
      if (active === job) started(session, channel, job, now, out);
    }
  };

  const accepted = (
    session: UpstreamSession,
    message: SubmitSharesSuccess,
    now: number,
    out: ProxyOutput,
  ): void => {
    const { channelId: upstreamChannelId, newSharesSum, newSubmitsAcceptedCount: count } = message;
    const route = session.routes.get(upstreamChannelId);
    if (route === undefined) return;
    const shares = route.accepted(message);
    if (shares.length > 0) session.verdict(true, out);
    else if (session.change(0, now, out)) return; // of shares that wait for a verdict there are only so many
    const { upstream } = session;
    out.tell({ type: 'UpstreamAccepted', upstream, upstreamChannelId, shares, newSharesSum, count });
  };

  const rejected = (
    session: UpstreamSession,
    message: SubmitSharesError,
    now: number,
    out: ProxyOutput,
  ): void => {
    const { channelId: upstreamChannelId, errorCode } = message;
    const route = session.routes.get(upstreamChannelId);
    if (route === undefined) return;
    const { upstream } = session;
    const share = route.rejected(message) ?? null;
    if (share === null && session.change(0, now, out)) return;
    out.tell({ type: 'UpstreamRejected', upstream, upstreamChannelId, share, errorCode });
    if (errorCode !== 'stale-share') session.verdict(false, out); // those come with every tip
  };

  /** It is about an extension that is not known here: the clients' business. */
  const foreign = (
    session: UpstreamSession,
    message: UnknownMessage | ChannelEndpointChanged,
    out: ProxyOutput,
  ): void => {
    const channelId = message.type === 'Unknown' ? channelIdOf(message) : message.channelId;
    if (channelId === undefined) return;
    for (const to of addressed(session, channelId)) {
      if (message.type === 'Unknown') passBack(to, message, out);
      else endChanged(to, out);
    }
  };

  return {
    handle(upstream: number, message: MiningToClient, now: number, out: ProxyOutput): void {
      const session = sessions.get(upstream);
      if (session === undefined) return;
      if (message.type === 'SubmitShares.Success') {
        accepted(session, message, now, out);
      } else if (message.type === 'SubmitShares.Error') {
        rejected(session, message, now, out);
      } else if (message.type === 'UpdateChannel.Error') {
        session.nonsense(message.errorCode, `it refused a new hash rate: ${quoted(message.errorCode)}`, out);
      } else if (UnknownMessage.match(message) || message.type === 'ChannelEndpointChanged') {
        const bytes = message.type === 'Unknown' ? message.payload.length : 0;
        if (!session.isFaulty && !session.change(bytes, now, out)) foreign(session, message, out);
      } else if (isMiningServerMessage(message) && !session.isFaulty) {
        const isAnswer = message.type.startsWith('Open') || message.type === 'CloseChannel';
        if (!isAnswer && session.change(coinbaseBytes(message), now, out)) return;
        for (const change of session.core.handle(message, now)) changed(session, message, change, now, out);
        if (message.type === 'NewExtendedMiningJob')
          jobCame(session, message.channelId, message.jobId, now, out);
      }
    },
    remove(upstream: number, reason: string, out: ProxyOutput): void {
      const session = sessions.get(upstream);
      if (session === undefined) return;
      sessions.delete(upstream);
      for (const route of session.routes.values()) ended(route, reason, out);
      for (const one of session.aggregates.values()) one.route = null;
      for (const one of session.requests.values()) one.asked = null;
    },
  };
};
