/** Messages of extensions that are not known here: they go on to the other end of their channel (spec §3.4.1, §3.6.4). */
import { ChannelEndpointChanged, type UnknownMessage } from '../../messages/index.js';
import type { Aggregate } from './aggregate.js';
import type { ProxyOutput } from './output.js';

/** A channel of a client that has exchanged such messages with the other end that it has now. */
export interface TalkingChannel {
  readonly clientId: number;
  readonly channelId: number;
}

const keyOf = ({ clientId, channelId }: TalkingChannel): string => `${clientId}:${channelId}`;

/** Bytes of the channel id that a payload begins with. */
const idSize = 4;

/** The channel that a message is for; undefined for one that is for none. */
export const channelIdOf = ({ channelMessage, payload }: UnknownMessage): number | undefined =>
  channelMessage && payload.length >= idSize
    ? new DataView(payload.buffer, payload.byteOffset).getUint32(0, true)
    : undefined;

/** The message for another channel, otherwise as it was. */
const forChannel = (message: UnknownMessage, channelId: number): UnknownMessage => {
  const payload = message.payload.slice();
  new DataView(payload.buffer).setUint32(0, channelId, true);
  return { ...message, payload };
};

/** Hands a client's message on to the upstream; there is none that it could wait for. */
export const passOn = (
  to: Aggregate,
  from: TalkingChannel,
  message: UnknownMessage,
  out: ProxyOutput,
): void => {
  if (to.route?.isOpen !== true) return;
  to.talking.set(keyOf(from), from);
  out.toUpstream(to.route.upstream, forChannel(message, to.route.channel.channelId));
};

/** Hands an upstream's message on to all channels that share its channel. */
export const passBack = (to: Aggregate, message: UnknownMessage, out: ProxyOutput): void => {
  for (const [clientId, { channelId }] of to.server.channels()) {
    const channel = { clientId, channelId };
    to.talking.set(keyOf(channel), channel);
    out.send([{ clientId, messages: [forChannel(message, channelId)] }]);
  }
};

/** The channel is closed. */
export const stopTalking = (to: Aggregate, channel: TalkingChannel): void => {
  to.talking.delete(keyOf(channel));
};

/**
 * Channels have another end: those that have talked to the one before are told.
 * @param isConcerned which of them; all unless given
 */
export const endChanged = (
  to: Aggregate,
  out: ProxyOutput,
  isConcerned: (channel: TalkingChannel) => boolean = () => true,
): void => {
  for (const [key, channel] of to.talking) {
    if (!isConcerned(channel)) continue;
    to.talking.delete(key);
    const { clientId, channelId } = channel;
    out.send([{ clientId, messages: [ChannelEndpointChanged({ channelId })] }]);
  }
};
