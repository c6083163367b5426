/** Messages that the specification does not have: a vendor's extension, or one that is too new to be known here. */
import { Sv2Error } from '../codec/errors.js';
import type { MessageCreator } from './define-message.js';
import { creatorByNumbers, creatorByType, type KnownMessage, type Message } from './registry.js';
import { UnknownMessage } from './unknown.js';

/** What `defineMessage` returns, whatever message it is. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any message
export type AnyMessageCreator = MessageCreator<any, any>;

/** Messages of a service, a relay or a connection besides those of the specification. */
export interface OwnMessages {
  /** The creator of a message, by its `type`. */
  creatorByType(type: string): MessageCreator | undefined;
  /** The creator of a message, by its numbers, without the `channel_msg` bit. */
  creatorByNumbers(extensionType: number, messageType: number): MessageCreator | undefined;
  /**
   * A message that is not known to the specification as what it is here; others as they are.
   * @throws CodecError if it is one of these and its payload is not
   */
  read(message: Message): Message;
  /** One of these as the bytes it is sent as; others as they are. @throws CodecError if it cannot be encoded */
  write(message: Message): Message;
}

/**
 * Declared messages, ready for use.
 * @param creators results of `defineMessage`, each with an `extensionType` of its own above 0
 * @throws Sv2Error `message-declared-twice` if a type or its numbers are taken, `invalid-extension-type`
 */
export function ownMessages(creators: readonly AnyMessageCreator[]): OwnMessages {
  const byType = new Map<string, MessageCreator>();
  const byNumbers = new Map<number, MessageCreator>();
  const keyOf = (extensionType: number, messageType: number) => extensionType * 0x100 + messageType;

  for (const creator of creators as readonly MessageCreator[]) {
    const { type, schema } = creator;
    const { extensionType, messageType } = schema;
    if (!(Number.isInteger(extensionType) && extensionType > 0 && extensionType <= 0x7fff)) {
      throw new Sv2Error(
        'invalid-extension-type',
        `messages: ${type} needs an extensionType from 1 to 0x7fff, got ${String(extensionType)}`,
      );
    }
    const key = keyOf(extensionType, messageType);
    const other =
      byType.get(type) ??
      creatorByType(type) ??
      byNumbers.get(key) ??
      creatorByNumbers(extensionType, messageType);
    if (other !== undefined) {
      throw new Sv2Error(
        'message-declared-twice',
        `messages: ${type} (message type ${messageType} of extension ${extensionType}) and ${other.type} cannot be told apart`,
      );
    }
    byType.set(type, creator);
    byNumbers.set(key, creator);
  }

  return {
    creatorByType: (type) => byType.get(type),
    creatorByNumbers: (extensionType, messageType) => byNumbers.get(keyOf(extensionType, messageType)),
    read(message) {
      if (message.type !== 'Unknown') return message;
      const creator = byNumbers.get(keyOf(message.extensionType, message.messageType));
      return creator === undefined ? message : (creator.decode(message.payload) as unknown as KnownMessage);
    },
    write(message) {
      const creator = byType.get(message.type);
      if (creator === undefined) return message;
      const { extensionType, messageType, channelMessage } = creator.schema;
      return UnknownMessage({
        extensionType,
        messageType,
        channelMessage,
        payload: creator.encode(message as never),
      });
    },
  };
}

/** No messages but the specification's. */
export const noOwnMessages: OwnMessages = ownMessages([]);
