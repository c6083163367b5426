import { Sv2Error } from '../codec/errors.js';

/** Bytes of a frame header (spec §3.2). */
export const headerSize = 6;

/** Largest payload of a frame in bytes: what its U24 length can say. */
export const maxPayloadLength = 0xffffff;

const channelBit = 0x8000;

/** The frame header of spec §3.2. */
export interface FrameHeader {
  /** Without the `channel_msg` bit, 0 to 0x7fff. */
  readonly extensionType: number;
  /** The `channel_msg` bit (§3.2.1). */
  readonly channelMessage: boolean;
  /** 0 to 255. */
  readonly messageType: number;
  /** Bytes of the payload, 0 to 2^24 - 1. */
  readonly payloadLength: number;
}

/** A frame that cannot be taken or made. */
export class FramingError extends Sv2Error {
  override readonly name = 'FramingError';
}

/** Writes a header: extension type (U16), message type (U8), payload length (U24), all little-endian. */
export function writeHeader(bytes: Uint8Array, offset: number, header: FrameHeader): void {
  const extensionType = header.channelMessage ? header.extensionType | channelBit : header.extensionType;
  bytes[offset] = extensionType & 0xff;
  bytes[offset + 1] = extensionType >>> 8;
  bytes[offset + 2] = header.messageType;
  bytes[offset + 3] = header.payloadLength & 0xff;
  bytes[offset + 4] = (header.payloadLength >>> 8) & 0xff;
  bytes[offset + 5] = header.payloadLength >>> 16;
}

/**
 * Reads the 6 bytes of a header at `offset`.
 * @throws FramingError `truncated-frame` if they are not there
 */
export function readHeader(bytes: Uint8Array, offset: number): FrameHeader {
  if (!(offset >= 0 && offset + headerSize <= bytes.length)) {
    throw new FramingError(
      'truncated-frame',
      `a frame header has ${headerSize} bytes, from byte ${offset} on there are ${Math.max(0, bytes.length - offset)}`,
      { offset },
    );
  }
  const extensionType = (bytes[offset] as number) | ((bytes[offset + 1] as number) << 8);
  return {
    extensionType: extensionType & ~channelBit,
    channelMessage: (extensionType & channelBit) !== 0,
    messageType: bytes[offset + 2] as number,
    payloadLength:
      (bytes[offset + 3] as number) |
      ((bytes[offset + 4] as number) << 8) |
      ((bytes[offset + 5] as number) << 16),
  };
}
