import { FramingError, headerSize, maxPayloadLength, readHeader, type FrameHeader } from './header.js';

/** A frame as it came off the wire. */
export interface Frame {
  readonly header: FrameHeader;
  /** A view of this frame's own buffer. */
  readonly payload: Uint8Array;
}

/** Cuts a plaintext byte stream into frames. */
export interface FrameAssembler {
  /**
   * Takes the next bytes, however they were cut, and returns the frames they complete.
   * @throws FramingError `frame-too-large` as soon as a header announces more than the limit; nothing is
   * allocated for such a frame
   */
  push(chunk: Uint8Array): readonly Frame[];
  /** Sets the largest payload accepted from now on, in bytes. */
  limit(maxPayload: number): void;
  /** Bytes held for a frame that is not complete. */
  readonly pending: number;
}

/**
 * An assembler of plaintext frames (spec §3.2).
 * @param maxPayload largest payload accepted, in bytes
 */
export function frameAssembler(maxPayload = maxPayloadLength): FrameAssembler {
  const header = new Uint8Array(headerSize);
  let headerFilled = 0;
  let payload: Uint8Array | undefined;
  let payloadFilled = 0;
  let current: FrameHeader | undefined;

  return {
    push(chunk) {
      const frames: Frame[] = [];
      let offset = 0;
      while (offset < chunk.length || (current !== undefined && payloadFilled === current.payloadLength)) {
        if (current === undefined) {
          const taken = Math.min(headerSize - headerFilled, chunk.length - offset);
          header.set(chunk.subarray(offset, offset + taken), headerFilled);
          headerFilled += taken;
          offset += taken;
          if (headerFilled < headerSize) break;
          current = readHeader(header, 0);
          if (current.payloadLength > maxPayload) {
            throw new FramingError(
              'frame-too-large',
              `a payload of at most ${maxPayload} bytes is accepted here, the header announces ${current.payloadLength}`,
              { ...current, maxPayload },
            );
          }
          payload = undefined;
          payloadFilled = 0;
        }
        const missing = current.payloadLength - payloadFilled;
        const taken = Math.min(missing, chunk.length - offset);
        if (taken === current.payloadLength) {
          payload = chunk.subarray(offset, offset + taken);
        } else if (taken > 0) {
          payload ??= new Uint8Array(current.payloadLength);
          payload.set(chunk.subarray(offset, offset + taken), payloadFilled);
        }
        payloadFilled += taken;
        offset += taken;
        if (payloadFilled < current.payloadLength) break;
        frames.push({ header: current, payload: payload ?? new Uint8Array(0) });
        current = undefined;
        headerFilled = 0;
      }
      return frames;
    },
    limit(bytes) {
      maxPayload = bytes;
    },
    get pending() {
      return headerFilled + (current === undefined ? 0 : payloadFilled);
    },
  };
}
