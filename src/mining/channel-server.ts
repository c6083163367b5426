/** Clients and channels of a mining server, whatever its jobs are made of. */
import { Sv2Error } from '../codec/errors.js';
import {
  CloseChannel,
  miningSetupFlags,
  SetExtranoncePrefix,
  SetGroupChannel,
  SubmitSharesSuccess,
  UpdateChannelError,
  type Message,
  type UpdateChannel,
} from '../messages/index.js';
import type { ChannelServer, ChannelServerOptions, ServerWork } from './channel-server-types.js';
import { channelCount } from './channels/channel-limits.js';
import { channelOpening } from './channels/channel-opening.js';
import type { UpdateChannelErrorCode } from './error-codes.js';
import { groupFutureJobs, movedWork, type JobSource, type Work } from './work/job-distribution.js';
import { isPrefixInUse } from './work/job-lifetime.js';
import { gather, NOTHING, outputFor } from './mining-server-output.js';
import type { ChannelClosed, ClientMessages, MiningServerOutput } from './mining-server-types.js';
import type { ServerChannel } from './channels/server-channel.js';
import { groupMessageSlices } from './frame-size.js';
import { channelTargets, hardestTarget, refusedTarget } from './difficulty/channel-target.js';
import {
  addressed,
  moveChannel,
  nextId,
  removeChannel,
  serverClient,
  type ServerClient,
} from './channels/server-client.js';
import { workIntake, type ChannelOfClient } from './work/work-intake.js';
import { shareAccounting } from './shares/share-accounting.js';
import { shareSubmission } from './shares/share-submission.js';
import { nextSlice, pace, slices, turns, type Slice } from './slices.js';

/** A mining server whose jobs are made of templates, or of something else; see {@link miningServer}. */
export const channelServer = <S extends JobSource>(
  options: ChannelServerOptions,
  { jobs, customJobs, followsNetwork }: ServerWork<S>,
): ChannelServer<S> => {
  const { extranonce, sharesPerMinute, minHashrate = 1000, vardiff = true } = options;
  const targets = channelTargets({ sharesPerMinute, minHashrate, vardiff });
  // what is wrong with the options is not to be the first client's trouble
  targets.open({ nominalHashRate: 0, maxTarget: new Uint8Array(32).fill(0xff) }, 0);
  shareAccounting({ batchSize: options.shareBatchSize });
  const clients = new Map<number, ServerClient>();
  let refusal: string | null = null;
  const work: Work<S> = { current: null, awaited: null, future: new Map() };
  const count = channelCount(options);
  const open = channelOpening(options, targets, work, jobs, count);
  const setCustomMiningJob = customJobs(work);

  const clientOf = (clientId: number): ServerClient => {
    const client = clients.get(clientId);
    if (client !== undefined) return client;
    throw new Sv2Error('unknown-client', `there is no client ${clientId}`, { clientId });
  };
  const channelOf = (client: ServerClient, channelId: number): ServerChannel => {
    const channel = client.channels.get(channelId);
    if (channel !== undefined) return channel;
    throw unknownChannel(client, channelId);
  };

  /** Tells every client, after dropping prefixes that no job needs any more. */
  const broadcast = (messagesFor: (client: ServerClient) => Message[]): MiningServerOutput => {
    const messages: ClientMessages[] = [];
    for (const client of clients.values()) {
      const forClient = messagesFor(client);
      if (forClient.length > 0) messages.push({ clientId: client.clientId, messages: forClient });
      for (const channel of client.channels.values()) releaseRetired(channel);
    }
    return { messages, outcomes: [] };
  };

  const releaseRetired = ({ retiredPrefixes, jobs }: ServerChannel): void => {
    if (retiredPrefixes.length === 0) return;
    for (const prefix of retiredPrefixes.splice(0)) {
      if (isPrefixInUse(jobs, prefix)) retiredPrefixes.push(prefix);
      else extranonce.release(prefix);
    }
  };

  /** Shares that wait for their batch to fill, acknowledged. */
  const acknowledge = (channels: Iterable<ServerChannel>): SubmitSharesSuccess[] =>
    [...channels].flatMap(({ channelId, shares }) => {
      const acknowledgement = shares.flush();
      return acknowledgement === undefined ? [] : [SubmitSharesSuccess({ channelId, ...acknowledgement })];
    });

  const close = (client: ServerClient, id: number, reason: string): ChannelClosed[] =>
    addressed(client, id).map((channel) => {
      removeChannel(client, channel);
      count.closed(client);
      const { channelId, userIdentity, shares } = channel;
      const wasCredited = shares.totals().accepted > 0;
      for (const prefix of [channel.extranoncePrefix, ...channel.retiredPrefixes])
        extranonce.release(prefix, wasCredited);
      return { type: 'ChannelClosed', clientId: client.clientId, channelId, userIdentity, reason };
    });

  const updateChannel = (client: ServerClient, message: UpdateChannel, now: number): MiningServerOutput => {
    const { channelId, nominalHashRate, maximumTarget } = message;
    const channel = client.channels.get(channelId);
    if (channel === undefined) return updateError(client, channelId, 'invalid-channel-id');
    const refused = refusedTarget(nominalHashRate, maximumTarget);
    if (refused !== null) return updateError(client, channelId, refused);
    channel.nominalHashRate = nominalHashRate;
    const { clientId } = client;
    const opening = { nominalHashRate, maxTarget: maximumTarget };
    const { messages, outcomes } = targets.update(clientId, channel, opening, now);
    const { maxTarget } = channel;
    return {
      messages,
      outcomes: [{ type: 'ChannelUpdated', clientId, channelId, nominalHashRate, maxTarget }, ...outcomes],
    };
  };

  function* channels(): Generator<ChannelOfClient> {
    for (const client of clients.values()) {
      for (const channel of client.channels.values()) yield [client, channel];
    }
  }
  const due = slices(channels);
  const renewable = turns(channels);
  /** Those that have yet to be held to the network's target. */
  let unbounded: Iterator<ChannelOfClient> | undefined;
  const mostUnbounded = pace();

  /** Keeps the targets of some channels within their bound; the others have their turn at `tick`. */
  const bound = ({ items, isLast }: Slice<ChannelOfClient>, now: number): readonly MiningServerOutput[] => {
    if (isLast) unbounded = undefined;
    return items.map(([{ clientId }, channel]) => targets.bound(clientId, channel, now));
  };
  const boundTargets = (hardest: Uint8Array, now: number): readonly MiningServerOutput[] => {
    if (!targets.setHardest(hardest)) return [];
    unbounded = channels();
    return bound(nextSlice(unbounded), now);
  };
  const intake = workIntake(work, jobs, extranonce, broadcast, (networkTarget, now) =>
    vardiff && followsNetwork ? boundTargets(hardestTarget(networkTarget), now) : [],
  );

  return {
    addClient(clientId, flags, address) {
      if (clients.has(clientId)) {
        throw new Sv2Error('duplicate-client', `client ${clientId} is there already`, { clientId });
      }
      if (
        options.versionRollingAllowed === false &&
        (flags & miningSetupFlags.requiresVersionRolling) !== 0
      ) {
        throw new Sv2Error(
          'version-rolling-required',
          `client ${clientId} requires version rolling, which the jobs here do not allow`,
          { clientId },
        );
      }
      clients.set(clientId, serverClient(clientId, flags, address));
    },
    removeClient(clientId) {
      const client = clients.get(clientId);
      if (client === undefined) return NOTHING;
      clients.delete(clientId);
      const channelIds = [...client.channels.keys()];
      return { messages: [], outcomes: channelIds.flatMap((id) => close(client, id, 'disconnected')) };
    },
    handle(clientId, message, now) {
      const client = clientOf(clientId);
      switch (message.type) {
        case 'SubmitSharesStandard':
        case 'SubmitSharesExtended':
          return shareSubmission(client, message, now, targets, refusal);
        case 'OpenStandardMiningChannel':
        case 'OpenExtendedMiningChannel':
          return open(client, message, now);
        case 'UpdateChannel':
          return updateChannel(client, message, now);
        case 'SetCustomMiningJob':
          return setCustomMiningJob(client, message, now);
        case 'CloseChannel':
          return outputFor(
            clientId,
            acknowledge(addressed(client, message.channelId)),
            close(client, message.channelId, message.reasonCode),
          );
      }
    },
    newTemplate: intake.newTemplate,
    setNewPrevHash: intake.setNewPrevHash,
    endWork: intake.endWork,
    refuseShares(reason) {
      refusal = reason;
    },
    renewJobs: (now, olderThan = 0) => intake.renew(renewable(now), now, olderThan),
    setTarget(clientId, channelId, target) {
      const channel = channelOf(clientOf(clientId), channelId);
      return targets.set(clientId, channel, target, channel.vardiff.now);
    },
    setExtranoncePrefix(clientId, channelId) {
      const channel = channelOf(clientOf(clientId), channelId);
      const before = channel.extranoncePrefix;
      channel.extranoncePrefix =
        channel.kind === 'standard'
          ? extranonce.allocateStandard()
          : extranonce.allocateExtended(channel.extranonceSize).extranoncePrefix;
      channel.retiredPrefixes.push(before);
      releaseRetired(channel);
      return outputFor(clientId, [
        SetExtranoncePrefix({ channelId, extranoncePrefix: channel.extranoncePrefix }),
      ]);
    },
    setGroupChannel(clientId, channelIds) {
      const client = clientOf(clientId);
      if (client.requiresStandardJobs) {
        throw new Sv2Error(
          'group-not-allowed',
          `client ${clientId} requires standard jobs, it has no groups`,
        );
      }
      const channels = channelIds.map((channelId) => channelOf(client, channelId));
      const payouts = new Set(channels.map(({ payout }) => payout));
      if (payouts.size > 1)
        throw new Sv2Error('group-not-allowed', 'the jobs of these channels pay others: they share none');
      const [payout = null] = payouts;
      const groupChannelId = nextId(client);
      for (const channel of channels) moveChannel(client, channel, groupChannelId);
      return outputFor(clientId, [
        ...acknowledge(channels),
        ...groupMessageSlices(channelIds).map((ids) => SetGroupChannel({ groupChannelId, channelIds: ids })),
        ...groupFutureJobs(client, groupChannelId, payout, work, jobs),
      ]);
    },
    closeChannel(clientId, channelId, reasonCode) {
      const client = clientOf(clientId);
      const acknowledgements = acknowledge(addressed(client, channelId));
      const outcomes = close(client, channelId, reasonCode);
      if (outcomes.length === 0) throw unknownChannel(client, channelId);
      return outputFor(clientId, [...acknowledgements, CloseChannel({ channelId, reasonCode })], outcomes);
    },
    tick(now) {
      const count = mostUnbounded(now);
      const late = unbounded === undefined ? undefined : nextSlice(unbounded, count);
      return gather([
        ...(late === undefined ? [] : bound(late, now)),
        intake.renew(late?.items ?? [], now, 0), // they have a job on this tip already, for the target before
        ...due(now).flatMap(([{ clientId }, channel]) => [
          outputFor(clientId, acknowledge([channel])),
          targets.tick(clientId, channel, now),
        ]),
      ]);
    },
    flush: (clientId) => outputFor(clientId, acknowledge(clientOf(clientId).channels.values())),
    *channels() {
      for (const [{ clientId }, channel] of channels()) yield [clientId, channel];
    },
    setHardestTarget: (target, now) => gather(boundTargets(target, now)),
    client: (clientId) => clients.get(clientId),
    release(client) {
      clients.delete(client.clientId);
      for (let left = client.channels.size; left > 0; left--) count.closed(client);
    },
    adopt(client, now) {
      const { clientId } = client;
      clients.set(clientId, client);
      for (const _ of client.channels) count.opened(client);
      return gather([
        ...[...client.channels.values()].map((channel) => targets.bound(clientId, channel, now)),
        outputFor(clientId, movedWork(client, work, jobs)),
      ]);
    },
  };
};

const updateError = (
  { clientId }: ServerClient,
  channelId: number,
  errorCode: UpdateChannelErrorCode,
): MiningServerOutput => outputFor(clientId, [UpdateChannelError({ channelId, errorCode })]);

const unknownChannel = ({ clientId }: ServerClient, channelId: number): Sv2Error =>
  new Sv2Error('unknown-channel', `client ${clientId} has no channel ${channelId}`, { clientId, channelId });
