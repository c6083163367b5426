import { CodecError } from '../codec/codec-error.js';
import type { MessageCreator } from '../messages/define-message.js';
import { creatorByNumbers, creatorByType, type KnownMessage, type Message } from '../messages/registry.js';
import type { UnknownMessage } from '../messages/unknown.js';
import {
  FramingError,
  headerSize,
  maxPayloadLength,
  readHeader,
  writeHeader,
  type FrameHeader,
} from './header.js';

/**
 * Encodes messages into the bytes of their frames, one after the other in one buffer.
 * @throws CodecError naming the field of a message that cannot be encoded, FramingError `unknown-message-type`
 */
export function encodeFrames(messages: readonly Message[]): Uint8Array {
  if (messages.length === 1) return encodeFrame(messages[0] as Message);
  const lengths = messages.map(payloadLength);
  const bytes = new Uint8Array(lengths.reduce((total, length) => total + headerSize + length, 0));
  let offset = 0;
  for (let index = 0; index < messages.length; index++) {
    offset = writeFrame(messages[index] as Message, lengths[index] as number, bytes, offset);
  }
  return bytes;
}

/**
 * Encodes a message into the bytes of its frame: header and payload (spec §3.2).
 * @throws CodecError naming the field that cannot be encoded, FramingError `unknown-message-type`
 */
export function encodeFrame(message: Message): Uint8Array {
  const length = payloadLength(message);
  const bytes = new Uint8Array(headerSize + length);
  writeFrame(message, length, bytes, 0);
  return bytes;
}

function payloadLength(message: Message): number {
  return message.type === 'Unknown' ? unknownLength(message) : creatorOf(message).size(message as never);
}

/** Writes the frame of a message whose `payloadLength` was taken, and returns where it ends. */
function writeFrame(message: Message, length: number, bytes: Uint8Array, offset: number): number {
  const start = offset + headerSize;
  if (message.type === 'Unknown') {
    const { extensionType, channelMessage, messageType } = message;
    writeHeader(bytes, offset, { extensionType, channelMessage, messageType, payloadLength: length });
    bytes.set(message.payload, start);
  } else {
    const creator = creatorOf(message);
    const { extensionType, channelMessage, messageType } = creator.schema;
    writeHeader(bytes, offset, { extensionType, channelMessage, messageType, payloadLength: length });
    creator.encodeInto(message as never, bytes, start);
  }
  return start + length;
}

function creatorOf(message: KnownMessage): MessageCreator {
  const creator = creatorByType(message.type);
  if (creator === undefined) {
    throw new FramingError('unknown-message-type', `there is no message '${String(message.type)}'`, {
      type: message.type,
    });
  }
  return creator;
}

function unknownLength({ extensionType, messageType, payload }: UnknownMessage): number {
  checkNumber('extensionType', extensionType, 0x7fff);
  checkNumber('messageType', messageType, 0xff);
  if (!(payload instanceof Uint8Array)) {
    throw new CodecError('wrong-value-type', `expected a Uint8Array, got ${typeof payload}`, {
      message: 'Unknown',
      field: 'payload',
    });
  }
  if (payload.length > maxPayloadLength) {
    throw new CodecError(
      'value-out-of-range',
      `a payload holds at most ${maxPayloadLength} bytes, this one needs ${payload.length}`,
      { message: 'Unknown' },
    );
  }
  return payload.length;
}

function checkNumber(field: string, value: number, max: number): void {
  if (!(Number.isInteger(value) && value >= 0 && value <= max)) {
    throw new CodecError('value-out-of-range', `expected an integer from 0 to ${max}, got ${String(value)}`, {
      message: 'Unknown',
      field,
    });
  }
}

/**
 * Decodes a frame. A message that the specification does not define comes out as an UnknownMessage.
 * @param header the frame's header; its `channel_msg` bit does not matter for known messages (spec §3.2.1)
 * @param payload its payload; byte fields of the message are views of it
 * @throws CodecError naming message, field and offset
 */
export function decodeMessage(header: FrameHeader, payload: Uint8Array): Message {
  const { extensionType, messageType, channelMessage } = header;
  const creator = creatorByNumbers(extensionType, messageType);
  return creator === undefined
    ? { type: 'Unknown', extensionType, messageType, channelMessage, payload }
    : (creator.decode(payload) as unknown as Message);
}

/**
 * Decodes the bytes of exactly one frame.
 * @throws FramingError `truncated-frame` or `trailing-bytes` if there are fewer or more bytes, CodecError
 */
export function decodeFrame(bytes: Uint8Array): Message {
  const header = readHeader(bytes, 0);
  const payload = bytes.subarray(headerSize);
  if (payload.length !== header.payloadLength) {
    throw new FramingError(
      payload.length < header.payloadLength ? 'truncated-frame' : 'trailing-bytes',
      `the header announces a payload of ${header.payloadLength} bytes, got ${payload.length}`,
    );
  }
  return decodeMessage(header, payload);
}
