import { Sv2Error } from '../codec/errors.js';
import type {
  CloseChannel,
  NewExtendedMiningJob,
  NewMiningJob,
  OpenExtendedMiningChannel,
  OpenExtendedMiningChannelSuccess,
  OpenMiningChannelError,
  OpenStandardMiningChannel,
  OpenStandardMiningChannelSuccess,
  SetExtranoncePrefix,
  SetGroupChannel,
  SetNewPrevHash,
  SetTarget,
  SubmitSharesError,
  SubmitSharesSuccess,
} from '../messages/index.js';
import {
  clientChannel,
  receiveAnswer,
  receiveExtranoncePrefix,
  receiveJob,
  receivePrevHash,
  receiveTarget,
  type ClientChannel,
} from './channels/client-channel.js';
import type { ChannelJob } from './work/job.js';

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
  | SubmitSharesSuccess
  | SubmitSharesError
  | CloseChannel;

const serverMessages: readonly string[] = [
  'OpenStandardMiningChannel.Success',
  'OpenExtendedMiningChannel.Success',
  'OpenMiningChannel.Error',
  'NewMiningJob',
  'NewExtendedMiningJob',
  'SetNewPrevHash',
  'SetTarget',
  'SetExtranoncePrefix',
  'SetGroupChannel',
  'SubmitShares.Success',
  'SubmitShares.Error',
  'CloseChannel',
] satisfies readonly MiningServerMessage['type'][];

/** Whether a message is one that {@link MiningClient.handle} takes. */
export const isMiningServerMessage = (message: { readonly type: string }): message is MiningServerMessage =>
  serverMessages.includes(message.type);

/** A request to open a channel. */
export type OpenMiningChannel = OpenStandardMiningChannel | OpenExtendedMiningChannel;

/** What a server's message has changed. */
export type MiningClientChange =
  /** The answer to the request to open a channel. */
  | { readonly type: 'opened'; readonly requestId: number; readonly channel: ClientChannel }
  | { readonly type: 'refused'; readonly requestId: number; readonly errorCode: string }
  /**
   * A channel was opened that the client cannot use, or never asked for: `error` says why. The client should close
   * it, unless another channel or group has that id (`isTaken`).
   */
  | {
      readonly type: 'unusable';
      readonly requestId: number;
      readonly channelId: number;
      readonly isTaken: boolean;
      readonly error: Sv2Error;
    }
  /** There is other work, or none any more: see `workOn`. */
  | { readonly type: 'work'; readonly channel: ClientChannel; readonly job: ChannelJob | null }
  | { readonly type: 'target'; readonly channel: ClientChannel; readonly target: Uint8Array }
  /** So many of its shares count; never more than were submitted. */
  | { readonly type: 'accepted'; readonly channel: ClientChannel; readonly count: number }
  /** One of its shares does not count. */
  | {
      readonly type: 'rejected';
      readonly channel: ClientChannel;
      readonly sequenceNumber: number;
      readonly errorCode: string;
    }
  | { readonly type: 'closed'; readonly channel: ClientChannel; readonly reason: string }
  /** The message made no sense for this channel. If that left it without work, a `work` came before. */
  | { readonly type: 'nonsense'; readonly channel: ClientChannel; readonly error: Sv2Error };

/** What a client was told when its connection was set up. */
export interface MiningClientOptions {
  /** REQUIRES_FIXED_VERSION of SetupConnection.Success (spec §5.3.1): no share may have another version than its job. */
  readonly requiresFixedVersion?: boolean;
}

/** The channels of one connection to a mining server. See {@link miningClient}. */
export interface MiningClient {
  /** The open channels by id. */
  readonly channels: ReadonlyMap<number, ClientChannel>;
  /**
   * Remembers a request that the client sends, so that its answer is known for one.
   *
   * @throws Sv2Error `request-id-in-use`
   */
  request(message: OpenMiningChannel): void;
  /** Forgets a request; should it be answered after all, the channel is `unusable`. */
  abandon(requestId: number): void;
  /**
   * Takes a message of the server. One for a channel that isn't open (any more) changes nothing.
   *
   * @param now milliseconds since 1970
   * @returns what has changed, channel by channel
   */
  handle(message: MiningServerMessage, now: number): readonly MiningClientChange[];
  /** Forgets a channel that the client closes; the client sends the CloseChannel. */
  close(channelId: number): void;
}

/**
 * Keeps the channels that a client opens on one connection: jobs, targets and previous hashes, the channel's
 * own and those of its group (spec chapter 5). Does no I/O. Holds no more channels than were asked for.
 */
export const miningClient = ({ requiresFixedVersion = false }: MiningClientOptions = {}): MiningClient => {
  const channels = new Map<number, ClientChannel>();
  const requests = new Map<number, OpenMiningChannel>();

  /** The channel with that id, or all of the group with that id. */
  const addressed = (id: number): readonly ClientChannel[] => {
    const channel = channels.get(id);
    return channel !== undefined
      ? [channel]
      : [...channels.values()].filter(({ groupChannelId }) => groupChannelId === id);
  };

  const workOf = (channel: ClientChannel): MiningClientChange => ({
    type: 'work',
    channel,
    job: channel.jobs.active,
  });

  /** What each channel that a message is for makes of it; what one cannot take does not keep it from the others. */
  const each = (
    receivers: readonly ClientChannel[],
    receive: (channel: ClientChannel) => readonly MiningClientChange[],
  ): readonly MiningClientChange[] =>
    receivers.flatMap((channel) => {
      const { active } = channel.jobs;
      try {
        return receive(channel);
      } catch (error) {
        if (!(error instanceof Sv2Error)) throw error;
        const nonsense: MiningClientChange = { type: 'nonsense', channel, error };
        return channel.jobs.active === active ? [nonsense] : [workOf(channel), nonsense];
      }
    });

  /** Channels and groups share one name space (spec §5.2.3): whose job or target would it be otherwise? */
  const isTaken = (channelId: number): boolean =>
    channels.has(channelId) ||
    [...channels.values()].some(({ groupChannelId }) => groupChannelId === channelId);

  const open = (
    message: OpenStandardMiningChannelSuccess | OpenExtendedMiningChannelSuccess,
  ): MiningClientChange => {
    const { requestId, channelId, groupChannelId } = message;
    const request = requests.get(requestId);
    requests.delete(requestId);
    const unusable = (error: Sv2Error): MiningClientChange => {
      return { type: 'unusable', requestId, channelId, isTaken: isTaken(channelId), error };
    };
    if (isTaken(channelId)) return unusable(duplicateId(channelId));
    if (channels.has(groupChannelId)) return unusable(duplicateId(groupChannelId));
    try {
      const channel = clientChannel(message, !requiresFixedVersion);
      checkOpened(channel, request);
      channels.set(channelId, channel);
      return { type: 'opened', requestId, channel };
    } catch (error) {
      if (!(error instanceof Sv2Error)) throw error;
      return unusable(error);
    }
  };

  return {
    channels,
    request(message) {
      const { requestId } = message;
      if (requests.has(requestId)) {
        throw new Sv2Error('request-id-in-use', `request ${requestId} has not been answered yet`, {
          requestId,
        });
      }
      requests.set(requestId, message);
    },
    abandon: (requestId) => {
      requests.delete(requestId);
    },
    handle(message, now) {
      switch (message.type) {
        case 'OpenStandardMiningChannel.Success':
        case 'OpenExtendedMiningChannel.Success':
          return [open(message)];
        case 'OpenMiningChannel.Error': {
          const { requestId, errorCode } = message;
          return requests.delete(requestId) ? [{ type: 'refused', requestId, errorCode }] : [];
        }
        case 'NewMiningJob':
        case 'NewExtendedMiningJob':
          return each(addressed(message.channelId), (channel) =>
            receiveJob(channel, message, now) ? [workOf(channel)] : [],
          );
        case 'SetNewPrevHash': {
          const receivers = addressed(message.channelId);
          const changes = each(receivers, (channel) => {
            receivePrevHash(channel, message, now);
            return [workOf(channel)];
          });
          // a group's job may be for some of its channels only, but not for none of them
          const isClear = changes.every(({ type }) => type === 'work');
          if (!isClear || receivers.some(({ jobs }) => jobs.active !== null)) return changes;
          const error = unknownJob(message);
          return receivers.flatMap((channel) => [workOf(channel), { type: 'nonsense', channel, error }]);
        }
        case 'SetTarget':
          return each(addressed(message.channelId), (channel) => {
            receiveTarget(channel, message.maximumTarget);
            return [{ type: 'target', channel, target: channel.target }];
          });
        case 'SetExtranoncePrefix': {
          const channel = channels.get(message.channelId);
          return each(channel === undefined ? [] : [channel], (receiver) => {
            receiveExtranoncePrefix(receiver, message.extranoncePrefix);
            return [];
          });
        }
        case 'SetGroupChannel': {
          const { groupChannelId, channelIds } = message;
          const members = channelIds
            .map((channelId) => channels.get(channelId))
            .filter((it) => it !== undefined);
          return each(members, (channel) => {
            if (channels.has(groupChannelId)) throw duplicateId(groupChannelId);
            channel.groupChannelId = groupChannelId;
            return [];
          });
        }
        case 'SubmitShares.Success':
        case 'SubmitShares.Error': {
          const channel = channels.get(message.channelId);
          return each(channel === undefined ? [] : [channel], (receiver) => {
            receiveAnswer(receiver, message);
            if (message.type === 'SubmitShares.Success')
              return [{ type: 'accepted', channel: receiver, count: message.newSubmitsAcceptedCount }];
            const { sequenceNumber, errorCode } = message;
            return [{ type: 'rejected', channel: receiver, sequenceNumber, errorCode }];
          });
        }
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

/** @throws Sv2Error if a channel is not what was asked for */
function checkOpened(
  { channelId, kind, extranonceSize }: ClientChannel,
  request: OpenMiningChannel | undefined,
): void {
  const fail = (code: string, problem: string): never => {
    throw new Sv2Error(code, `the server opened ${kind} channel ${channelId}, ${problem}`, { channelId });
  };
  if (request === undefined) return fail('not-requested', 'which was not asked for');
  const asked = request.type === 'OpenExtendedMiningChannel' ? 'extended' : 'standard';
  if (asked !== kind) fail('wrong-channel-kind', `asked for: ${asked}`);
  if (request.type === 'OpenExtendedMiningChannel' && extranonceSize < request.minExtranonceSize) {
    fail(
      'extranonce-too-small',
      `whose extranonce has ${extranonceSize} bytes to roll, asked for: at least ${request.minExtranonceSize}`,
    );
  }
}

const duplicateId = (channelId: number): Sv2Error =>
  new Sv2Error(
    'duplicate-channel-id',
    `the server gave a channel or group the id ${channelId}, which another has on this connection`,
    { channelId },
  );

const unknownJob = ({ channelId, jobId }: SetNewPrevHash): Sv2Error =>
  new Sv2Error(
    'job-id-not-found',
    `SetNewPrevHash for channel ${channelId} names job ${jobId}, which isn't a future job there`,
    { channelId, jobId },
  );
