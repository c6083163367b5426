/** What a handler's messages become before they leave: only what was negotiated, and no control characters. */
import type { MessageCreator } from '../../messages/define-message.js';
import { noOwnMessages, type OwnMessages } from '../../messages/own-messages.js';
import { messageCreators, type Message } from '../../messages/registry.js';
import { ServiceError } from '../errors.js';
import { negotiatedTlvs } from '../extensions/negotiation.js';

/** Messages that may leave, and those that may not. */
export interface Outgoing {
  readonly sendable: readonly Message[];
  readonly withheld: readonly Message[];
}

/**
 * Sorts out what may be sent: messages of extensions must have been negotiated with whom they are for, unless they
 * are for the end of a channel and forwarded (spec §3.4.1, §3.4.2); TLVs of others are dropped.
 * @param messages what a handler wants to send
 * @param extensions the extensions negotiated on the connection
 * @param own messages that are known besides those of the specification
 * @throws ServiceError `invalid-effect` for a text with a control character (spec §3.5)
 */
export function outgoing(
  messages: readonly Message[],
  extensions: readonly number[],
  own: OwnMessages = noOwnMessages,
): Outgoing {
  for (const message of messages) checkTexts(message, own);
  // nearly always; two arrays for every answer to a share were 4 % of what it leaves to collect
  if (messages.every((message) => leavesUnchanged(message, extensions, own)))
    return { sendable: messages, withheld: nothing };
  const sendable: Message[] = [];
  const withheld: Message[] = [];
  for (const message of messages) {
    if (isSendable(message, extensions, own)) sendable.push(negotiatedTlvs(message, extensions));
    else withheld.push(message);
  }
  return { sendable, withheld };
}

const nothing: readonly Message[] = [];

function isSendable(message: Message, extensions: readonly number[], own: OwnMessages): boolean {
  const numbers = message.type === 'Unknown' ? message : own.creatorByType(message.type)?.schema;
  return (
    numbers === undefined ||
    numbers.extensionType === 0 ||
    numbers.channelMessage ||
    extensions.includes(numbers.extensionType)
  );
}

const leavesUnchanged = (message: Message, extensions: readonly number[], own: OwnMessages): boolean =>
  isSendable(message, extensions, own) && negotiatedTlvs(message, extensions) === message;

/** The fields of a message that hold text. */
const textFieldsOf = ({ schema }: MessageCreator): readonly string[] =>
  Object.entries(schema.fields)
    .filter(([, { kind }]) => kind.is === 'text')
    .map(([name]) => name);

/** Those of each message of the specification; most have none. */
const textFields = new Map(messageCreators.map((creator) => [creator.type, textFieldsOf(creator)]));

function checkTexts(message: Message, own: OwnMessages): void {
  const ownCreator = own.creatorByType(message.type);
  const fields = ownCreator === undefined ? textFields.get(message.type) : textFieldsOf(ownCreator);
  for (const field of fields ?? []) {
    const value: unknown = (message as unknown as Record<string, unknown>)[field];
    const found = typeof value === 'string' ? controlCharacterIn(value) : undefined;
    if (found !== undefined) {
      throw new ServiceError(
        'invalid-effect',
        `${message.type}.${field} contains the control character ${found}; expected printable text`,
        { message: message.type, field },
      );
    }
  }
}

/** The first control character of a text, such as `U+000A`. */
function controlCharacterIn(text: string): string | undefined {
  const [found] = /\p{Cc}/u.exec(text) ?? [];
  return found?.charCodeAt(0).toString(16).toUpperCase().padStart(6, 'U+0000');
}
