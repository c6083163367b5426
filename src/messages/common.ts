/** Common messages of all subprotocols (spec §3.6). Field names are the specification's in camelCase. */
import { STR0_255 } from '../codec/bytes.js';
import { U16, U32, U8 } from '../codec/scalars.js';
import { defineMessage, type MessageOf } from './define-message.js';

/** Opens a connection for one subprotocol (0 mining, 1 job declaration, 2 template distribution). (spec §3.6.1) */
export const SetupConnection = defineMessage('SetupConnection', {
  protocol: 'common',
  sentBy: 'client',
  messageType: 0x00,
  channelMessage: false,
  fields: {
    protocol: U8,
    minVersion: U16,
    maxVersion: U16,
    flags: U32,
    endpointHost: STR0_255,
    endpointPort: U16,
    vendor: STR0_255,
    hardwareVersion: STR0_255,
    firmware: STR0_255,
    deviceId: STR0_255,
  },
});
/** What {@link SetupConnection} makes. */
export type SetupConnection = MessageOf<typeof SetupConnection>;

/** Accepts a connection. (spec §3.6.2) */
export const SetupConnectionSuccess = defineMessage('SetupConnection.Success', {
  protocol: 'common',
  sentBy: 'server',
  messageType: 0x01,
  channelMessage: false,
  fields: {
    usedVersion: U16,
    flags: U32,
  },
});
/** What {@link SetupConnectionSuccess} makes. */
export type SetupConnectionSuccess = MessageOf<typeof SetupConnectionSuccess>;

/** Refuses a connection; `flags` are those the server does not support. (spec §3.6.3) */
export const SetupConnectionError = defineMessage('SetupConnection.Error', {
  protocol: 'common',
  sentBy: 'server',
  messageType: 0x02,
  channelMessage: false,
  fields: {
    flags: U32,
    errorCode: STR0_255,
  },
});
/** What {@link SetupConnectionError} makes. */
export type SetupConnectionError = MessageOf<typeof SetupConnectionError>;

/** Tells that the other end of a channel changed, so that extensions must be negotiated anew. (spec §3.6.4) */
export const ChannelEndpointChanged = defineMessage('ChannelEndpointChanged', {
  protocol: 'common',
  sentBy: 'server',
  messageType: 0x03,
  channelMessage: true,
  fields: {
    channelId: U32,
  },
});
/** What {@link ChannelEndpointChanged} makes. */
export type ChannelEndpointChanged = MessageOf<typeof ChannelEndpointChanged>;

/** Asks the client to move; an empty host or port 0 means the present one. (spec §3.6.5) */
export const Reconnect = defineMessage('Reconnect', {
  protocol: 'common',
  sentBy: 'server',
  messageType: 0x04,
  channelMessage: false,
  fields: {
    newHost: STR0_255,
    newPort: U16,
  },
});
/** What {@link Reconnect} makes. */
export type Reconnect = MessageOf<typeof Reconnect>;
