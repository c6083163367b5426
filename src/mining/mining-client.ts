import { Sv2Error } from '../codec/errors.js';
import type {
  CloseChannel,
  NewExtendedMiningJob,
  NewMiningJob,
  OpenExtendedMiningChannelSuccess,
  OpenMiningChannelError,
  OpenStandardMiningChannelSuccess,
  SetExtranoncePrefix,
  SetGroupChannel,
  SetNewPrevHash,
  SetTarget,
} from '../messages/index.js';
import {
  clientChannel,
  receiveJob,
  receivePrevHash,
  receiveTarget,
  type ClientChannel,
} from './channels/client-channel.js';

/** What mining servers send that changes the state of channels. */
export type MiningServerMessage =
  | OpenStandardMiningChannelSuccess
  | OpenExtendedMiningChannelSuccess
  | OpenMiningChannelError
  | NewMiningJob
  | NewExtendedMiningJob
  | SetNewPrevHash
  | SetTarget
  | SetExtranoncePrefix
  | SetGroupChannel
  | CloseChannel;

/** What a server's message has changed. */
export type MiningClientChange =
  /** The answer to the request to open a channel. */
  | { readonly type: 'opened'; readonly requestId: number; readonly channel: ClientChannel }
  | { readonly type: 'refused'; readonly requestId: number; readonly errorCode: string }
  /** There is other work: see `nextWork`, which gives null when there is none any more. */
  | { readonly type: 'work'; readonly channel: ClientChannel }
  | { readonly type: 'target'; readonly channel: ClientChannel }
  | { readonly type: 'closed'; readonly channel: ClientChannel; readonly reason: string };

/** The channels of one connection to a mining server. See {@link miningClient}. */
export interface MiningClient {
  /** The open channels by id. */
  readonly channels: ReadonlyMap<number, ClientChannel>;
  /**
   * Takes a message of the server. One for a channel that isn't open (any more) changes nothing.
   *
   * @param now milliseconds since 1970
   * @returns what has changed, channel by channel
   * @throws Sv2Error `duplicate-channel-id` for a channel or a group whose id is another's on this connection (spec
   *   §5.2.3); `job-id-not-found` for a SetNewPrevHash whose job none of its channels has; as `receiveJob`
   */
  handle(message: MiningServerMessage, now: number): readonly MiningClientChange[];
  /** Forgets a channel that the client closes; the client sends the CloseChannel. */
  close(channelId: number): void;
}

/**
 * Keeps the channels that a client opens on one connection: jobs, targets and previous hashes, the channel's
 * own and those of its group (spec chapter 5). Does no I/O.
 */
export const miningClient = (): MiningClient => {
  const channels = new Map<number, ClientChannel>();

  /** The channel with that id, or all of the group with that id. */
  const addressed = (id: number): readonly ClientChannel[] => {
    const channel = channels.get(id);
    return channel !== undefined
      ? [channel]
      : [...channels.values()].filter(({ groupChannelId }) => groupChannelId === id);
  };

  /** Channels and groups share one name space: whose job or target would it be otherwise? */
  const requireFree = (channelId: number, groupChannelId: number): void => {
    const isGroup = [...channels.values()].some((channel) => channel.groupChannelId === channelId);
    if (channels.has(channelId) || isGroup) throw duplicateId(channelId);
    requireNoChannel(groupChannelId);
  };
  const requireNoChannel = (groupChannelId: number): void => {
    if (channels.has(groupChannelId)) throw duplicateId(groupChannelId);
  };

  return {
    channels,
    handle(message, now) {
      switch (message.type) {
        case 'OpenStandardMiningChannel.Success':
        case 'OpenExtendedMiningChannel.Success': {
          requireFree(message.channelId, message.groupChannelId);
          const channel = clientChannel(message);
          channels.set(channel.channelId, channel);
          return [{ type: 'opened', requestId: message.requestId, channel }];
        }
        case 'OpenMiningChannel.Error':
          return [{ type: 'refused', requestId: message.requestId, errorCode: message.errorCode }];
        case 'NewMiningJob':
        case 'NewExtendedMiningJob':
          return addressed(message.channelId)
            .filter((channel) => receiveJob(channel, message, now))
            .map((channel) => ({ type: 'work', channel }));
        case 'SetNewPrevHash': {
          const { channelId, jobId } = message;
          const receivers = addressed(channelId);
          const activated = receivers.filter((channel) => receivePrevHash(channel, message, now));
          if (receivers.length > 0 && activated.length === 0) {
            throw new Sv2Error(
              'job-id-not-found',
              `SetNewPrevHash for channel ${channelId} names job ${jobId}, which isn't a future job there`,
              { channelId, jobId },
            );
          }
          return receivers.map((channel) => ({ type: 'work', channel }));
        }
        case 'SetTarget':
          return addressed(message.channelId).map((channel) => {
            receiveTarget(channel, message.maximumTarget);
            return { type: 'target', channel };
          });
        case 'SetExtranoncePrefix': {
          const channel = channels.get(message.channelId);
          if (channel !== undefined) channel.extranoncePrefix = message.extranoncePrefix;
          return [];
        }
        case 'SetGroupChannel':
          requireNoChannel(message.groupChannelId);
          for (const channelId of message.channelIds) {
            const channel = channels.get(channelId);
            if (channel !== undefined) channel.groupChannelId = message.groupChannelId;
          }
          return [];
        case 'CloseChannel':
          return addressed(message.channelId).map((channel) => {
            channels.delete(channel.channelId);
            return { type: 'closed', channel, reason: message.reasonCode };
          });
      }
    },
    close: (channelId) => {
      channels.delete(channelId);
    },
  };
};

const duplicateId = (channelId: number): Sv2Error =>
  new Sv2Error(
    'duplicate-channel-id',
    `the server gave a channel or group the id ${channelId}, which another has on this connection`,
    { channelId },
  );
