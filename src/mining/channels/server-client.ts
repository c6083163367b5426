import { miningSetupFlags } from '../../messages/setup-flags.js';
import type { PayoutOutputs } from '../work/job-factory.js';
import type { ServerChannel } from './server-channel.js';

/** A client of a mining server, and its channels. */
export interface ServerClient {
  readonly clientId: number;
  /** What channels are counted by besides; `undefined` if they are not. */
  readonly address: string | undefined;
  /** Gets a NewMiningJob for each standard channel; the others get a NewExtendedMiningJob for each group. */
  readonly requiresStandardJobs: boolean;
  /** Sends its own jobs by SetCustomMiningJob, and gets none from templates. */
  readonly requiresWorkSelection: boolean;
  readonly channels: Map<number, ServerChannel>;
  /** The channels of each group; groups without channels are forgotten. */
  readonly groups: Map<number, Set<ServerChannel>>;
  /** Ids of the future jobs that each group was sent. */
  groupJobs: Map<number, Set<number>>;
  /** The group that new channels join, by what their jobs pay. */
  readonly groupIds: Map<PayoutOutputs | null, number>;
  readonly ids: ChannelIds;
}

/** The last id of a channel or group that a connection has seen; one for all servers that share the connection. */
export interface ChannelIds {
  last: number;
}

/**
 * A client without channels.
 *
 * @param flags of its SetupConnection
 * @param address whose other clients' channels count together with this one's
 * @param ids those of the connection, if other servers have channels on it too
 */
export const serverClient = (
  clientId: number,
  flags: number,
  address?: string,
  ids: ChannelIds = { last: 0 },
): ServerClient => ({
  clientId,
  address,
  requiresStandardJobs: (flags & miningSetupFlags.requiresStandardJobs) !== 0,
  requiresWorkSelection: (flags & miningSetupFlags.requiresWorkSelection) !== 0,
  channels: new Map(),
  groups: new Map(),
  groupJobs: new Map(),
  groupIds: new Map(),
  ids,
});

/** A channel or group id that this connection has not seen: they share one name space (spec §5.2.3). */
export const nextId = ({ ids }: ServerClient): number => ++ids.last;

/** The id of the group that a new channel is to join. */
export const groupForNewChannel = (client: ServerClient, payout: PayoutOutputs | null): number => {
  const groupId = client.groupIds.get(payout) ?? nextId(client);
  client.groupIds.set(payout, groupId);
  return groupId;
};

/** Registers a channel and makes it a member of its group. */
export const addChannel = (client: ServerClient, channel: ServerChannel): void => {
  client.channels.set(channel.channelId, channel);
  membersOf(client, channel.groupChannelId).add(channel);
};

/** Makes a channel a member of another group. */
export const moveChannel = (client: ServerClient, channel: ServerChannel, groupChannelId: number): void => {
  leaveGroup(client, channel);
  channel.groupChannelId = groupChannelId;
  membersOf(client, groupChannelId).add(channel);
};

/** Takes a channel out of its client. */
export const removeChannel = (client: ServerClient, channel: ServerChannel): void => {
  client.channels.delete(channel.channelId);
  leaveGroup(client, channel);
};

/** The channels that an id means: one, all of a group, or none. */
export const addressed = (client: ServerClient, id: number): readonly ServerChannel[] => {
  const channel = client.channels.get(id);
  return channel !== undefined ? [channel] : [...(client.groups.get(id) ?? [])];
};

const membersOf = (client: ServerClient, groupChannelId: number): Set<ServerChannel> => {
  let members = client.groups.get(groupChannelId);
  if (members === undefined) client.groups.set(groupChannelId, (members = new Set()));
  return members;
};

const leaveGroup = (client: ServerClient, channel: ServerChannel): void => {
  const members = client.groups.get(channel.groupChannelId);
  members?.delete(channel);
  if (members?.size !== 0) return;
  client.groups.delete(channel.groupChannelId);
  client.groupJobs.delete(channel.groupChannelId);
  // one that all may come back to is kept
  if (channel.payout !== null && client.groupIds.get(channel.payout) === channel.groupChannelId)
    client.groupIds.delete(channel.payout);
};
