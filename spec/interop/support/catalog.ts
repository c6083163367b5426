import { createHash } from 'node:crypto';
import { encodeFrame, fromJson, type MessageJson } from '../../../src/framing/index.js';
import { creatorByType, type Message } from '../../../src/messages/index.js';
import { expand, readVectors } from '../../vectors/support.js';

/** A message of messages.json, which `sri-peer` can send by name and case. */
export interface CatalogMessage {
  readonly name: string;
  readonly case: string;
  readonly message: Message;
  /** Of its frame as the reference encodes it. */
  readonly sha256: string;
  readonly protocol: string;
  readonly sentBy: 'client' | 'server' | 'both';
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

type Vector = MessageJson & { readonly case: string; readonly frame: string | { readonly sha256: string } };

const { messages } = readVectors<{ messages: readonly Vector[] }>('messages');

/** The cases that the peer's catalogue has of every message. */
export const cases = ['empty', 'typical', 'maximal'];

/** The messages that `wanted` picks, in the order in which `sri-peer` sends them. */
export const catalog = (
  wanted: (message: Omit<CatalogMessage, 'message' | 'sha256'>) => boolean,
): CatalogMessage[] =>
  messages
    .filter((vector) => cases.includes(vector.case))
    .map(({ name, case: fullness, ...vector }) => ({ name, case: fullness, vector, schema: schemaOf(name) }))
    .filter(({ name, case: fullness, schema }) =>
      wanted({ name, case: fullness, protocol: schema.protocol, sentBy: schema.sentBy }),
    )
    .map(({ name, case: fullness, vector, schema }) => ({
      name,
      case: fullness,
      protocol: schema.protocol,
      sentBy: schema.sentBy,
      message: fromJson({
        messageType: vector.messageType,
        extensionType: vector.extensionType,
        payload: expand(vector.payload),
      }),
      sha256:
        typeof vector.frame === 'string' ? sha256(Buffer.from(vector.frame, 'hex')) : vector.frame.sha256,
    }));

const schemaOf = (name: string) => {
  const creator = creatorByType(name);
  if (creator === undefined) throw new Error(`there is no message ${name}`);
  return creator.schema;
};

/** The SHA-256 of a message's frame as we encode it. */
export const frameHash = (message: Message): string => sha256(encodeFrame(message));
