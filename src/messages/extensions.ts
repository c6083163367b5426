/** Messages of extension 0x0001, extension negotiation. Field names are the specification's in camelCase. */
import { U16 } from '../codec/scalars.js';
import { SEQ0_64K } from '../codec/sequences.js';
import { defineMessage, type MessageOf } from './define-message.js';

/** Asks which of these extensions the server supports. (extension 0x0001 §2) */
export const RequestExtensions = defineMessage('RequestExtensions', {
  protocol: 'extensions',
  sentBy: 'client',
  extensionType: 0x0001,
  messageType: 0x00,
  channelMessage: false,
  fields: {
    requestId: U16,
    requestedExtensions: SEQ0_64K(U16),
  },
});
/** What {@link RequestExtensions} makes. */
export type RequestExtensions = MessageOf<typeof RequestExtensions>;

/** Names the supported ones among those asked for. (extension 0x0001 §2) */
export const RequestExtensionsSuccess = defineMessage('RequestExtensions.Success', {
  protocol: 'extensions',
  sentBy: 'server',
  extensionType: 0x0001,
  messageType: 0x01,
  channelMessage: false,
  fields: {
    requestId: U16,
    supportedExtensions: SEQ0_64K(U16),
  },
});
/** What {@link RequestExtensionsSuccess} makes. */
export type RequestExtensionsSuccess = MessageOf<typeof RequestExtensionsSuccess>;

/** Names extensions that are not supported and those the server requires. (extension 0x0001 §2) */
export const RequestExtensionsError = defineMessage('RequestExtensions.Error', {
  protocol: 'extensions',
  sentBy: 'server',
  extensionType: 0x0001,
  messageType: 0x02,
  channelMessage: false,
  fields: {
    requestId: U16,
    unsupportedExtensions: SEQ0_64K(U16),
    requiredExtensions: SEQ0_64K(U16),
  },
});
/** What {@link RequestExtensionsError} makes. */
export type RequestExtensionsError = MessageOf<typeof RequestExtensionsError>;
