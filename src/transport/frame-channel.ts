import { frameAssembler, type FrameFilter } from '../framing/frame-assembler.js';
import type { FrameHeader } from '../framing/header.js';

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
   * @param maxFrames how many at most
   * @returns the number of bytes taken: all, unless there were more frames
   * @throws FramingError or NoiseError `frame-too-large` when a header announces more than the limit, before
   * anything is allocated for it; NoiseError if the bytes are not authentic; whatever `onFrame` throws
   */
  open(
    chunk: Uint8Array,
    onFrame: (header: FrameHeader, payload: Uint8Array) => void,
    maxFrames?: number,
  ): number;
  /**
   * Sets the largest payload accepted from now on, in bytes. Larger frames of which `isIgnored` says so are read past
   * without being held.
   */
  limit(maxPayload: number, isIgnored?: FrameFilter): void;
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
  const assembler = frameAssembler(maxPayload);
  let cleared = false;
  return {
    seal: (frames) => (frames.length === 1 ? (frames[0] as Uint8Array) : concatBytes(frames)),
    open(chunk, onFrame, maxFrames = Infinity) {
      let offset = 0;
      for (let frames = 0; frames < maxFrames && !cleared; frames += 1) {
        const { frame, end } = assembler.take(chunk, offset);
        offset = end;
        if (frame === undefined) break;
        onFrame(frame.header, frame.payload);
      }
      return offset;
    },
    limit: (bytes, isIgnored) => assembler.limit(bytes, isIgnored),
    get incomplete() {
      return assembler.pending > 0;
    },
    clear() {
      cleared = true;
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
