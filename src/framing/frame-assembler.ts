import { FramingError, headerSize, maxPayloadLength, readHeader, type FrameHeader } from './header.js';

/** A frame as it came off the wire. */
export interface Frame {
  readonly header: FrameHeader;
  /** A view of the chunk that held all of it, or else of a buffer of its own. */
  readonly payload: Uint8Array;
}

/** What bytes led to. */
export interface Taken {
  /** Undefined if the chunk ended first. */
  readonly frame: Frame | undefined;
  /** Offset in the chunk behind what was taken. */
  readonly end: number;
}

/** Tells frames apart by their headers. */
export type FrameFilter = (header: FrameHeader) => boolean;

/** Cuts a plaintext byte stream into frames. */
export interface FrameAssembler {
  /**
   * Takes the next bytes, however they were cut, and yields the frames they complete, in order. Iterate to the
   * end: what is not iterated is lost. Being lazy, it yields the frames before a violation before it throws,
   * and a limit set while one frame is handled holds for the next.
   * @param chunk must not be written to afterwards, payloads may be views of it
   * @throws FramingError `frame-too-large` as soon as a header announces more than the limit
   */
  push(chunk: Uint8Array): Iterable<Frame>;
  /**
   * Takes bytes of a chunk up to the end of the first frame they complete.
   * @param start offset of the first byte that was not taken yet
   * @throws as `push` does
   */
  take(chunk: Uint8Array, start: number): Taken;
  /**
   * Sets the largest payload, in bytes, of the frames that begin from now on. Larger ones of which `isIgnored` says
   * so are read past: they are neither yielded nor held.
   */
  limit(maxPayload: number, isIgnored?: FrameFilter): void;
  /** Bytes held for a frame that is not complete. */
  readonly pending: number;
}

/** What is allocated at once for a payload that comes in pieces; larger ones grow with what has arrived. */
const firstAllocation = 4096;

/**
 * An assembler of plaintext frames (spec §3.2). What it holds is at most twice of what the peer has sent
 * (or 4 KiB), whatever length a header announces.
 * @param maxPayload largest payload accepted, in bytes
 */
export function frameAssembler(maxPayload = maxPayloadLength): FrameAssembler {
  const headerBytes = new Uint8Array(headerSize);
  let headerFilled = 0;
  let header: FrameHeader | undefined;
  let payload: Uint8Array | undefined;
  let payloadFilled = 0;
  let isIgnored: FrameFilter = () => false;
  let skipping = false;

  /** Appends a piece of a payload of `length` bytes. */
  function append(piece: Uint8Array, length: number): void {
    const needed = payloadFilled + piece.length;
    if (payload === undefined || payload.length < needed) {
      const grown = new Uint8Array(Math.min(length, Math.max(firstAllocation, 2 * needed)));
      if (payload !== undefined) grown.set(payload);
      payload = grown;
    }
    payload.set(piece, payloadFilled);
  }

  function take(chunk: Uint8Array, start: number): Taken {
    let offset = start;
    for (;;) {
      if (header === undefined) {
        const taken = Math.min(headerSize - headerFilled, chunk.length - offset);
        headerBytes.set(chunk.subarray(offset, offset + taken), headerFilled);
        headerFilled += taken;
        offset += taken;
        if (headerFilled < headerSize) return { frame: undefined, end: offset };
        const next = readHeader(headerBytes, 0);
        skipping = next.payloadLength > maxPayload;
        if (skipping && !isIgnored(next)) throw tooLarge(next, maxPayload);
        header = next;
      }
      const { payloadLength } = header;
      const taken = Math.min(payloadLength - payloadFilled, chunk.length - offset);
      const piece = chunk.subarray(offset, offset + taken);
      if (taken === payloadLength) payload = piece;
      else if (taken > 0 && !skipping) append(piece, payloadLength);
      payloadFilled += taken;
      offset += taken;
      if (payloadFilled < payloadLength) return { frame: undefined, end: offset };
      const frame = { header, payload: payload as Uint8Array };
      header = payload = undefined;
      headerFilled = payloadFilled = 0;
      if (!skipping) return { frame, end: offset };
    }
  }

  return {
    take,
    *push(chunk) {
      for (let offset = 0; ;) {
        const { frame, end } = take(chunk, offset);
        if (frame === undefined) return;
        yield frame;
        offset = end;
      }
    },
    limit(bytes, filter = () => false) {
      maxPayload = bytes;
      isIgnored = filter;
    },
    get pending() {
      return headerFilled + payloadFilled;
    },
  };
}

function tooLarge(header: FrameHeader, maxPayload: number): FramingError {
  return new FramingError(
    'frame-too-large',
    `a payload of at most ${maxPayload} bytes is accepted here, the header announces ${header.payloadLength}`,
    { ...header, maxPayload },
  );
}
