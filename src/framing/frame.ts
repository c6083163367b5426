import { creatorByNumbers, creatorByType, type Message } from '../messages/registry.js';
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
  const plans = messages.map(plan);
  const bytes = new Uint8Array(
    plans.reduce((total, { header }) => total + headerSize + header.payloadLength, 0),
  );
  let offset = 0;
  for (const { header, writePayload } of plans) {
    writeHeader(bytes, offset, header);
    writePayload(bytes, offset + headerSize);
    offset += headerSize + header.payloadLength;
  }
  return bytes;
}

/**
 * Encodes a message into the bytes of its frame: header and payload (spec §3.2).
 * @throws CodecError naming the field that cannot be encoded, FramingError `unknown-message-type`
 */
export function encodeFrame(message: Message): Uint8Array {
  return encodeFrames([message]);
}

interface Plan {
  readonly header: FrameHeader;
  writePayload(bytes: Uint8Array, offset: number): void;
}

function plan(message: Message): Plan {
  if (message.type === 'Unknown') {
    if (message.payload.length > maxPayloadLength) {
      throw new FramingError(
        'frame-too-large',
        `a payload holds at most ${maxPayloadLength} bytes, got ${message.payload.length}`,
      );
    }
    return {
      header: { ...message, payloadLength: message.payload.length },
      writePayload: (bytes, offset) => bytes.set(message.payload, offset),
    };
  }
  const creator = creatorByType(message.type);
  if (creator === undefined) {
    throw new FramingError('unknown-message-type', `there is no message '${String(message.type)}'`, {
      type: message.type,
    });
  }
  const { extensionType, channelMessage, messageType } = creator.schema;
  return {
    header: { extensionType, channelMessage, messageType, payloadLength: creator.size(message as never) },
    writePayload: (bytes, offset) => creator.encodeInto(message as never, bytes, offset),
  };
}

/**
 * Decodes a frame. A message that the specification does not define comes out as an UnknownMessage.
 * @param header the frame's header
 * @param payload its payload; byte fields of the message are views of it
 * @throws CodecError naming message, field and offset
 */
export function decodeMessage(header: FrameHeader, payload: Uint8Array): Message {
  const creator = creatorByNumbers(header.extensionType, header.messageType);
  if (creator === undefined) {
    const { extensionType, messageType, channelMessage } = header;
    return { type: 'Unknown', extensionType, messageType, channelMessage, payload };
  }
  return creator.decode(payload) as unknown as Message;
}

/**
 * Decodes the bytes of exactly one frame.
 * @throws FramingError `truncated-frame` or `trailing-bytes` if there are fewer or more bytes, CodecError
 */
export function decodeFrame(bytes: Uint8Array): Message {
  if (bytes.length < headerSize) {
    throw new FramingError('truncated-frame', `a frame header has ${headerSize} bytes, got ${bytes.length}`);
  }
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
