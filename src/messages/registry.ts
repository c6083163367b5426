import * as common from './common.js';
import type { MessageCreator, MessageOf, Sender, Subprotocol } from './define-message.js';
import * as extensions from './extensions.js';
import * as jobDeclaration from './job-declaration.js';
import * as mining from './mining.js';
import * as templateDistribution from './template-distribution.js';
import type { UnknownMessage } from './unknown.js';

const creatorsByProtocol = {
  common: Object.values(common),
  mining: Object.values(mining),
  jobDeclaration: Object.values(jobDeclaration),
  templateDistribution: Object.values(templateDistribution),
  extensions: Object.values(extensions),
} as const;

const key = (extensionType: number, messageType: number) => (extensionType << 8) | messageType;
const keyOf = ({ schema }: MessageCreator) => key(schema.extensionType, schema.messageType);

/** Room for TLVs behind the largest message: more than all known extensions need together. */
const tlvAllowance = 1024;

/** A message of the specification. */
export type KnownMessage = MessageOf<(typeof creatorsByProtocol)[keyof typeof creatorsByProtocol][number]>;

/** Anything a connection can carry. */
export type Message = KnownMessage | UnknownMessage;

/** The creators of all 44 messages of the specification, in the order of its chapter 8 and extension 0x0001. */
export const messageCreators: readonly MessageCreator[] = (
  Object.values(creatorsByProtocol).flat() as unknown as MessageCreator[]
).sort((a, b) => keyOf(a) - keyOf(b));

const byNumbers = new Map(messageCreators.map((creator) => [keyOf(creator), creator]));
const knownExtensions = new Set(messageCreators.map(({ schema }) => schema.extensionType));
const byType = new Map(messageCreators.map((creator) => [creator.type, creator]));

/**
 * Finds a message by its numbers.
 * @param extensionType 0 to 0xffff; the `channel_msg` bit is ignored (spec §3.2.1)
 * @param messageType 0 to 255
 */
export function creatorByNumbers(extensionType: number, messageType: number): MessageCreator | undefined {
  return byNumbers.get(key(extensionType & 0x7fff, messageType));
}

/**
 * Whether an extension is one whose messages are not known here: they must be ignored (spec §3.4.1), or forwarded.
 * @param extensionType 0 to 0xffff; the `channel_msg` bit is ignored
 */
export function isUnknownExtension(extensionType: number): boolean {
  return !knownExtensions.has(extensionType & 0x7fff);
}

/** Finds a message by its `type`. */
export function creatorByType(type: string): MessageCreator | undefined {
  return byType.get(type);
}

/**
 * The largest payload that may arrive on a connection once its subprotocol is known, in bytes, TLVs included.
 * @param subprotocol what SetupConnection asked for
 * @param sender who sends: `client` for what a server receives
 */
export function maxPayloadSize(subprotocol: Subprotocol, sender: Exclude<Sender, 'both'>): number {
  return Math.max(
    ...messageCreators
      .filter(({ schema }) => schema.sentBy === 'both' || schema.sentBy === sender)
      .filter(({ schema }) => ['common', 'extensions', subprotocol].includes(schema.protocol))
      .map(({ schema }) => Math.min(schema.maxSize + tlvAllowance, 0xffffff)),
  );
}
