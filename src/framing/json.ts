/** The JSON form of messages: what `sv2 decode` prints and `sv2 encode` takes. */
import { bytesToHex } from '../codec/hex.js';
import type { Tlv } from '../codec/tlv.js';
import type { MessageCreator } from '../messages/define-message.js';
import { noOwnMessages, type OwnMessages } from '../messages/own-messages.js';
import { creatorByNumbers, creatorByType, messageCreators, type Message } from '../messages/registry.js';
import { UnknownMessage } from '../messages/unknown.js';
import { FramingError } from './header.js';
import {
  arrayAt,
  booleanAt,
  bytesAt,
  checkKeys,
  JsonFormError,
  numberAt,
  objectAt,
  preview,
  required,
  stringAt,
  type JsonObject,
} from './json-form.js';
import { formOf, valueFromJson, valueToJson, type JsonValue } from './json-values.js';

/** A TLV in JSON. */
export interface TlvJson {
  readonly extensionType: number;
  readonly fieldType: number;
  /** Lower-case hex. */
  readonly value: string;
}

/** A message in JSON. */
export interface MessageJson {
  /** The specification's name, which two messages may share; `Unknown` for one it does not define. */
  readonly name: string;
  readonly messageType: number;
  /** Without the `channel_msg` bit. */
  readonly extensionType: number;
  readonly channelMsg: boolean;
  /**
   * The fields: byte strings as lower-case hex, U64 as decimal strings, OPTION as value or null, an F32 that JSON
   * has no number for as `"NaN"`, `"Infinity"`, `"-Infinity"` or `"-0"`. Of an unknown message all bytes, as hex.
   */
  readonly payload: Readonly<Record<string, JsonValue>> | string;
  /** Absent if there are none. */
  readonly tlvs?: readonly TlvJson[];
}

/**
 * The JSON form of a message.
 * @param own messages that are known besides those of the specification: `ownMessages([…])`
 * @throws FramingError `unknown-message-type` if there is no message of that `type`
 */
export function toJson(
  anyMessage: Message | { readonly type: string },
  own: OwnMessages = noOwnMessages,
): MessageJson {
  const message = own.read(anyMessage as Message);
  if (UnknownMessage.match(message)) {
    const { messageType, extensionType, channelMessage, payload } = message;
    return {
      name: 'Unknown',
      messageType,
      extensionType,
      channelMsg: channelMessage,
      payload: bytesToHex(payload),
    };
  }
  const creator = creatorByType(message.type) ?? own.creatorByType(message.type);
  if (creator === undefined) {
    throw new FramingError('unknown-message-type', `there is no message '${String(message.type)}'`);
  }
  const { name, messageType, extensionType, channelMessage, fields } = creator.schema;
  const values = message as unknown as Readonly<Record<string, unknown>>;
  const payload = Object.fromEntries(
    Object.entries(fields).map(([field, type]) => [field, valueToJson(type, values[field])]),
  );
  const form = { name, messageType, extensionType, channelMsg: channelMessage, payload };
  return message.tlvs === undefined
    ? form
    : { ...form, tlvs: message.tlvs.map((tlv) => ({ ...tlv, value: bytesToHex(tlv.value) })) };
}

/**
 * The message of a JSON form. Its schema is found by `messageType` and `extensionType` (0 if absent) or, without
 * `messageType`, by `name`, which may also be the message's `type`. What the schema implies may be left out; what
 * is there must agree with it. The name `Unknown` takes any numbers and a payload in hex.
 * @param value what JSON.parse gave
 * @param own messages that are known besides those of the specification
 * @throws JsonFormError naming the key and what was expected, CodecError naming a field that is out of range
 */
export function fromJson(value: unknown, own: OwnMessages = noOwnMessages): Message {
  const form = objectAt('', value);
  checkKeys('', form, ['name', 'messageType', 'extensionType', 'channelMsg', 'payload', 'tlvs']);
  const creator = creatorFor(form, own);
  if (creator === undefined) return unknownFromJson(form);

  const { fields, channelMessage, extensionType } = creator.schema;
  mustAgree(form, 'channelMsg', channelMessage, creator);
  mustAgree(form, 'extensionType', extensionType, creator);
  const payload = objectAt('payload', required('payload', form['payload'], 'an object of the fields'));
  checkKeys('payload', payload, Object.keys(fields));
  const values: Record<string, unknown> = {};
  for (const [field, type] of Object.entries(fields)) {
    const path = `payload.${field}`;
    values[field] = valueFromJson(path, type, required(path, payload[field], formOf(type)));
  }
  const message =
    form['tlvs'] === undefined
      ? creator(values as never)
      : creator(values as never, arrayAt('tlvs', form['tlvs']).map(tlvFromJson));
  creator.size(message as never);
  return message as unknown as Message;
}

function creatorFor(form: JsonObject, own: OwnMessages): MessageCreator | undefined {
  const name = form['name'] === undefined ? undefined : stringAt('name', form['name']);
  if (name === 'Unknown') return undefined;
  if (form['messageType'] === undefined) return creatorByName(name, own);

  const messageType = numberAt('messageType', form['messageType']);
  const extensionType = numberAt('extensionType', form['extensionType'] ?? 0);
  const creator =
    creatorByNumbers(extensionType, messageType) ?? own.creatorByNumbers(extensionType, messageType);
  if (name === undefined || name === creator?.schema.name || name === creator?.type) return creator;
  const found = creator === undefined ? 'no known message' : `'${creator.schema.name}'`;
  throw new JsonFormError(
    'contradicting-json-key',
    'name',
    `messageType ${messageType} of extensionType ${extensionType} is ${found}, not ${preview(name)}`,
  );
}

function creatorByName(name: string | undefined, own: OwnMessages): MessageCreator {
  if (name === undefined) {
    throw new JsonFormError('missing-json-key', '', "expected a 'name' or a 'messageType'");
  }
  const named = messageCreators.filter(({ schema }) => schema.name === name);
  if (named.length > 1) {
    const choices = named.map(({ type, schema }) => `${schema.messageType} (${type})`).join(' or ');
    throw new JsonFormError(
      'ambiguous-message-name',
      'name',
      `'${name}' names ${named.length} messages, expected a messageType as well: ${choices}`,
    );
  }
  const creator = named[0] ?? creatorByType(name) ?? own.creatorByType(name);
  if (creator === undefined) {
    throw new JsonFormError('unknown-message-name', 'name', `there is no message ${preview(name)}`);
  }
  return creator;
}

function unknownFromJson(form: JsonObject): Message {
  if (form['tlvs'] !== undefined) {
    throw new JsonFormError(
      'unknown-json-key',
      'tlvs',
      'the payload of an unknown message includes its TLVs',
    );
  }
  return UnknownMessage({
    messageType: numberAt('messageType', required('messageType', form['messageType'], '0 to 255')),
    extensionType: numberAt('extensionType', form['extensionType'] ?? 0),
    channelMessage: booleanAt('channelMsg', form['channelMsg'] ?? false),
    payload: bytesAt('payload', required('payload', form['payload'], 'hex')),
  });
}

function mustAgree(form: JsonObject, key: string, implied: unknown, { schema }: MessageCreator): void {
  if (form[key] !== undefined && form[key] !== implied) {
    throw new JsonFormError(
      'contradicting-json-key',
      key,
      `${schema.name} has ${String(implied)}, got ${preview(form[key])}`,
    );
  }
}

function tlvFromJson(value: unknown, index: number): Tlv {
  const path = `tlvs[${index}]`;
  const form = objectAt(path, value);
  checkKeys(path, form, ['extensionType', 'fieldType', 'value']);
  const part = <T>(key: string, at: (path: string, value: unknown) => T, expected: string): T =>
    at(`${path}.${key}`, required(`${path}.${key}`, form[key], expected));
  return {
    extensionType: part('extensionType', numberAt, 'a number'),
    fieldType: part('fieldType', numberAt, 'a number'),
    value: part('value', bytesAt, 'hex'),
  };
}
