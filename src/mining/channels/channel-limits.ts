/** How many channels there may be: of one client, of one address, and in all. */

/** Limits of open channels. Each takes about 9 KB of memory. */
export interface ChannelLimits {
  /** How many channels one client may have open; 1,000 unless given. */
  readonly maxChannelsPerClient?: number;
  /** How many channels all clients of one address may have open; 10,000 unless given. */
  readonly maxChannelsPerAddress?: number;
  /** How many channels may be open in all; 100,000 unless given. */
  readonly maxChannels?: number;
}

/** The defaults of ChannelLimits. */
export const defaultChannelLimits: Required<ChannelLimits> = {
  maxChannelsPerClient: 1_000,
  maxChannelsPerAddress: 10_000,
  maxChannels: 100_000,
};

/** Whose channels are counted. */
export interface ChannelOwner {
  readonly channels: { readonly size: number };
  readonly address: string | undefined;
}

/** Counts channels. See {@link channelCount}. */
export interface ChannelCount {
  /** Whether the client may open another. */
  hasRoom(client: ChannelOwner): boolean;
  /** The client has opened one. */
  opened(client: ChannelOwner): void;
  /** One of the client's was closed. */
  closed(client: ChannelOwner): void;
}

/** Keeps count of the open channels of a server. */
export const channelCount = ({
  maxChannelsPerClient = defaultChannelLimits.maxChannelsPerClient,
  maxChannelsPerAddress = defaultChannelLimits.maxChannelsPerAddress,
  maxChannels = defaultChannelLimits.maxChannels,
}: ChannelLimits): ChannelCount => {
  const ofAddress = new Map<string, number>();
  let inAll = 0;

  const change = ({ address }: ChannelOwner, by: 1 | -1): void => {
    inAll += by;
    if (address === undefined) return;
    const count = (ofAddress.get(address) ?? 0) + by;
    if (count === 0) ofAddress.delete(address);
    else ofAddress.set(address, count);
  };

  return {
    hasRoom: ({ channels, address }) =>
      channels.size < maxChannelsPerClient &&
      inAll < maxChannels &&
      (address === undefined || (ofAddress.get(address) ?? 0) < maxChannelsPerAddress),
    opened: (client) => change(client, 1),
    closed: (client) => change(client, -1),
  };
};
