/** The JSON form of messages: what `sv2 decode` prints and `sv2 encode` takes. */
import type { DataType } from '../codec/data-type.js';
import { Sv2Error } from '../codec/errors.js';
import { bytesToHex, hexToBytes } from '../codec/hex.js';
import type { Tlv } from '../codec/tlv.js';
import type { MessageCreator } from '../messages/define-message.js';
import { noOwnMessages, type OwnMessages } from '../messages/own-messages.js';
import { creatorByNumbers, creatorByType, messageCreators, type Message } from '../messages/registry.js';
import { UnknownMessage } from '../messages/unknown.js';
import { FramingError } from './header.js';

/** A field's value in JSON. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[];

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

/** What is wrong with a JSON form. */
export type JsonFormErrorCode =
  | 'wrong-json-form'
  | 'unknown-json-key'
  | 'missing-json-key'
  | 'contradicting-json-key'
  | 'ambiguous-message-name'
  | 'unknown-message-name';

/** A value that is not the JSON form of a message. */
export class JsonFormError extends Sv2Error {
  override readonly name = 'JsonFormError';

  /**
   * @param code what is wrong
   * @param path where, such as `payload.merklePath[2]`; empty for the whole
   * @param problem what was found and what was expected
   */
  constructor(
    override readonly code: JsonFormErrorCode,
    readonly path: string,
    problem: string,
  ) {
    super(code, path === '' ? problem : `${path}: ${problem}`, { path });
  }
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

function valueToJson({ kind }: DataType<unknown>, value: unknown): JsonValue {
  switch (kind.is) {
    case 'bigint':
      return String(value);
    case 'float':
      return floatToJson(value as number);
    case 'bytes':
      return bytesToHex(value as Uint8Array);
    case 'option':
      return value === null ? null : valueToJson(kind.of, value);
    case 'sequence':
      return (value as readonly unknown[]).map((element) => valueToJson(kind.of, element));
    default:
      return value as JsonValue;
  }
}

function floatToJson(value: number): JsonValue {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
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

type JsonObject = Readonly<Record<string, unknown>>;

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

function valueFromJson(path: string, type: DataType<unknown>, value: unknown): unknown {
  const { kind } = type;
  switch (kind.is) {
    case 'boolean':
      return booleanAt(path, value);
    case 'integer':
      return numberAt(path, value);
    case 'bigint':
      if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return BigInt(value);
      if (Number.isSafeInteger(value)) return BigInt(value as number);
      throw wrongForm(path, formOf(type), value);
    case 'float':
      if (typeof value === 'number') return value;
      if (['NaN', 'Infinity', '-Infinity', '-0'].includes(value as string)) return Number(value);
      throw wrongForm(path, formOf(type), value);
    case 'text':
      return stringAt(path, value);
    case 'bytes':
      return bytesAt(path, value);
    case 'option':
      return value === null ? null : valueFromJson(path, kind.of, value);
    case 'sequence':
      return arrayAt(path, value).map((element, index) =>
        valueFromJson(`${path}[${index}]`, kind.of, element),
      );
  }
}

/** What a data type looks like in JSON, for error messages. */
function formOf({ kind }: DataType<unknown>): string {
  switch (kind.is) {
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `an integer from 0 to ${kind.max}`;
    case 'bigint':
      return `an integer from 0 to ${kind.max} as a decimal string`;
    case 'float':
      return 'a number, "NaN", "Infinity" or "-Infinity"';
    case 'text':
      return 'a string';
    case 'bytes':
      return kind.minLength === kind.maxLength
        ? `${kind.maxLength} bytes as a string of hex digits`
        : 'a string of hex digits';
    case 'option':
      return `null or ${formOf(kind.of)}`;
    case 'sequence':
      return `an array, each element ${formOf(kind.of)}`;
  }
}

function required(path: string, value: unknown, expected: string): unknown {
  if (value === undefined) throw new JsonFormError('missing-json-key', path, `missing, expected ${expected}`);
  return value;
}

function checkKeys(path: string, form: JsonObject, known: readonly string[]): void {
  for (const key of Object.keys(form)) {
    if (known.includes(key)) continue;
    throw new JsonFormError(
      'unknown-json-key',
      path,
      `unknown key ${preview(key)}, known are ${known.join(', ')}`,
    );
  }
}

function objectAt(path: string, value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongForm(path, 'an object', value);
  }
  return value as JsonObject;
}

function arrayAt(path: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongForm(path, 'an array', value);
  return value;
}

function stringAt(path: string, value: unknown): string {
  if (typeof value !== 'string') throw wrongForm(path, 'a string', value);
  return value;
}

function numberAt(path: string, value: unknown): number {
  if (typeof value !== 'number') throw wrongForm(path, 'a number', value);
  return value;
}

function booleanAt(path: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrongForm(path, 'true or false', value);
  return value;
}

function bytesAt(path: string, value: unknown): Uint8Array {
  if (typeof value !== 'string' || value.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(value)) {
    throw wrongForm(path, 'an even number of hex digits as a string', value);
  }
  return hexToBytes(value);
}

function wrongForm(path: string, expected: string, value: unknown): JsonFormError {
  return new JsonFormError('wrong-json-form', path, `expected ${expected}, got ${preview(value)}`);
}

/** A value as JSON, cut short. */
function preview(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}
