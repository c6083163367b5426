import type { Sender, Subprotocol } from '../../messages/define-message.js';
import { creatorByType, type Message } from '../../messages/registry.js';
import type { OwnMessages } from '../../messages/own-messages.js';
import { extensionNegotiation } from '../../messages/user-identity.js';
import type { Rejected } from '../outcomes.js';

/**
 * What becomes of a message on a connection that is set up: `handle` it, `ignore` it, or reject it with a
 * code.
 */
export type Admission = 'handle' | 'ignore' | Rejected['code'];

/**
 * Judges a message by what it is, not by what it says (spec §3.4.1, §3.2.1, chapter 8).
 * @param message what arrived
 * @param sender who sent it
 * @param protocol the connection's subprotocol
 * @param extensions the extensions negotiated on it
 * @param own messages that are known besides those of the specification
 */
export function admit(
  message: Message,
  sender: Exclude<Sender, 'both'>,
  protocol: Subprotocol,
  extensions: readonly number[],
  own: OwnMessages,
): Admission {
  if (message.type === 'Unknown') {
    // of what is known, there is no such message
    if (message.extensionType === 0 || message.extensionType === extensionNegotiation)
      return 'unsupported-message';
    // an unknown extension is the channel endpoint's business if the channel bit is set: handed over for forwarding
    return message.channelMessage || extensions.includes(message.extensionType) ? 'handle' : 'ignore';
  }
  const schema = (creatorByType(message.type) ?? own.creatorByType(message.type))?.schema;
  if (schema === undefined) return 'unsupported-message';
  const { extensionType, channelMessage } = schema;
  if (extensionType > extensionNegotiation && !channelMessage && !extensions.includes(extensionType))
    return 'ignore';
  if (schema.protocol !== 'common' && schema.protocol !== 'extensions' && schema.protocol !== protocol) {
    return 'unsupported-protocol';
  }
  return schema.sentBy === 'both' || schema.sentBy === sender ? 'handle' : 'unsupported-message';
}
