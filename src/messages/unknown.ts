/**
 * A message whose meaning is not known here: of an extension that is not implemented, or with a message type
 * that the core protocol does not define. It can be forwarded unchanged (spec §3.4.1).
 */
export interface UnknownMessage {
  readonly type: 'Unknown';
  /** Without the `channel_msg` bit, 0 to 0x7fff. */
  readonly extensionType: number;
  /** 0 to 255. */
  readonly messageType: number;
  /** Whether the `channel_msg` bit was set: the payload then starts with the channel id, U32. */
  readonly channelMessage: boolean;
  /** All bytes after the frame header. */
  readonly payload: Uint8Array;
}

/** Makes and recognises unknown messages; has the same shape as a message creator so that `ofMessage` takes it. */
export const UnknownMessage = Object.assign(
  ({
    extensionType,
    messageType,
    channelMessage,
    payload,
  }: Omit<UnknownMessage, 'type'>): UnknownMessage => ({
    type: 'Unknown',
    extensionType,
    messageType,
    channelMessage,
    payload,
  }),
  {
    type: 'Unknown' as const,
    match: (message: { readonly type: string }): message is UnknownMessage => message.type === 'Unknown',
  },
);
