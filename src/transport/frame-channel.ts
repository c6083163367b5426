import { FramingError, headerSize, readHeader, type FrameHeader } from '../framing/header.js';

/** Turns plaintext frames into the bytes of the wire and back: the difference between plaintext and Noise. */
export interface FrameChannel {
  /**
   * The bytes to send for frames, all in one buffer.
   * @param frames whole plaintext frames, any number in each element
   */
  seal(frames: readonly Uint8Array[]): Uint8Array;
  /**
   * Takes the next bytes, however they were cut, and calls `onFrame` with each frame they complete. That may
   * call `limit`, which then holds for the next frame, and `clear`, after which no other follows.
   * @throws FramingError or NoiseError `frame-too-large` when a header announces more than the limit, before
   * anything is allocated for it; NoiseError if the bytes are not authentic; whatever `onFrame` throws
   */
  open(chunk: Uint8Array, onFrame: (header: FrameHeader, payload: Uint8Array) => void): void;
  /** Sets the largest payload accepted from now on, in bytes. */
  limit(maxPayload: number): void;
  /** Whether a frame has begun and is not complete. */
  readonly incomplete: boolean;
  /** Forgets keys and buffers; nothing may be called afterwards. */
  clear(): void;
}

/**
 * A channel without encryption.
 * @param maxPayload largest payload accepted, in bytes
 */
export function plainChannel(maxPayload: number): FrameChannel {
  let splitHeader: Uint8Array | undefined;
  let headerFilled = 0;
  let current: FrameHeader | undefined;
  let payload: Uint8Array | undefined;
  let payloadFilled = 0;
  let cleared = false;

  const checked = (header: FrameHeader): FrameHeader => {
    if (header.payloadLength <= maxPayload) return header;
    throw new FramingError(
      'frame-too-large',
      `a payload of at most ${maxPayload} bytes is accepted here, the header announces ${header.payloadLength}`,
      { ...header, maxPayload },
    );
  };

  return {
    seal: (frames) => (frames.length === 1 ? (frames[0] as Uint8Array) : concatBytes(frames)),
    open(chunk, onFrame) {
      let offset = 0;
      while (!cleared && offset < chunk.length) {
        if (current === undefined) {
          if (headerFilled === 0 && chunk.length - offset >= headerSize) {
            current = checked(readHeader(chunk, offset));
            offset += headerSize;
          } else {
            splitHeader ??= new Uint8Array(headerSize);
            const taken = Math.min(headerSize - headerFilled, chunk.length - offset);
            splitHeader.set(chunk.subarray(offset, offset + taken), headerFilled);
            headerFilled += taken;
            offset += taken;
            if (headerFilled < headerSize) return;
            current = checked(readHeader(splitHeader, 0));
            headerFilled = 0;
          }
        }
        const { payloadLength } = current;
        const taken = Math.min(payloadLength - payloadFilled, chunk.length - offset);
        if (taken === payloadLength) {
          payload = chunk.subarray(offset, offset + taken);
        } else if (taken > 0) {
          payload ??= new Uint8Array(payloadLength);
          payload.set(chunk.subarray(offset, offset + taken), payloadFilled);
        }
        payloadFilled += taken;
        offset += taken;
        if (payloadFilled < payloadLength) return;
        const [header, complete] = [current, payload as Uint8Array];
        current = undefined;
        payload = undefined;
        payloadFilled = 0;
        onFrame(header, complete);
      }
    },
    limit(bytes) {
      maxPayload = bytes;
    },
    get incomplete() {
      return headerFilled > 0 || current !== undefined;
    },
    clear() {
      cleared = true;
      payload = undefined;
      splitHeader = undefined;
    },
  };
}

/** The given bytes one after the other in one new array. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
