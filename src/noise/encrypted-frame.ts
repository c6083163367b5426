import { tagLength } from '../crypto/provider.js';
import type { CipherState } from './cipher-state.js';
import { NoiseError } from './errors.js';

/** Length in bytes of an AEAD block of the largest size: the limit of a Noise message. */
export const maxBlockLength = 65535;

/** Bytes of plaintext in such a block. */
export const maxBlockPlaintextLength = maxBlockLength - tagLength; // 65,519

/** Length in bytes of a frame header. */
const headerLength = 6;

/** Length in bytes of an encrypted frame header. */
export const encryptedHeaderLength = headerLength + tagLength; // 22

/** What is allocated at once for a payload that comes in pieces, in bytes. */
const firstAllocation = 4096;

const maxU24 = 0xff_ffff;
const empty = new Uint8Array(0);

/**
 * How many bytes of ciphertext a payload becomes (spec §4.6): a tag for each block of up to 65,519 bytes. An empty payload has no block.
 * @param payloadLength in bytes
 */
export function encryptedLength(payloadLength: number): number {
  return payloadLength + tagLength * Math.ceil(payloadLength / maxBlockPlaintextLength);
}

/** The payload length, U24 little-endian, of the frame header at `bytes[offset]`. */
function payloadLengthAt(bytes: Uint8Array, offset: number): number {
  return bytes[offset + 3]! | (bytes[offset + 4]! << 8) | (bytes[offset + 5]! << 16);
}

/** What sealing makes of plaintext frames, in bytes; refuses bytes that are not a whole number of frames. */
function sealedLength(frames: Uint8Array): number {
  let total = 0;
  let offset = 0;
  while (offset < frames.length) {
    const payloadLength = offset + headerLength <= frames.length ? payloadLengthAt(frames, offset) : 0;
    const end = offset + headerLength + payloadLength;
    if (end > frames.length) {
      throw new NoiseError(
        'frame-length-mismatch',
        `the frame at offset ${offset} needs ${end - offset} bytes, there are ${frames.length - offset}`,
        { offset, expected: end - offset, got: frames.length - offset },
      );
    }
    total += encryptedHeaderLength + encryptedLength(payloadLength);
    offset = end;
  }
  return total;
}

/**
 * Encrypts plaintext frames, one after the other (spec §4.6): of each the 6-byte header, then the payload in
 * blocks of 65,519 bytes.
 * @param frames one or more whole frames, header and payload, without gaps
 * @returns the encrypted frames, one after the other in one buffer
 * @throws NoiseError `frame-length-mismatch` if a header's payload length and the bytes do not agree (nothing
 * has been encrypted then), `nonce-exhausted`; Sv2Error `key-destroyed`
 */
export function sealFrames(cipher: CipherState, frames: Uint8Array): Uint8Array {
  const out = new Uint8Array(sealedLength(frames));
  let offset = 0;
  let written = 0;
  while (offset < frames.length) {
    const payload = offset + headerLength;
    const end = payload + payloadLengthAt(frames, offset);
    cipher.encrypt(empty, frames, offset, payload, out, written);
    written += encryptedHeaderLength;
    for (let start = payload; start < end;) {
      const stop = Math.min(start + maxBlockPlaintextLength, end);
      cipher.encrypt(empty, frames, start, stop, out, written);
      written += stop - start + tagLength;
      start = stop;
    }
    offset = end;
  }
  return out;
}

/**
 * Receives a decrypted frame.
 * @param header its 6 bytes, overwritten by those of the next frame
 * @param payload a view of this frame's own buffer
 */
export type FrameListener = (header: Uint8Array, payload: Uint8Array) => void;

/** Cuts a stream of ciphertext into frames and decrypts them. */
export interface FrameOpener {
  /**
   * Takes the next bytes, however they were cut, and calls `onFrame` with every frame they complete. No part of a frame
   * is handed out before all of its blocks have been authenticated.
   *
   * An error is final: later calls throw it again. One thrown by `onFrame` is final too, as the rest of the chunk
   * is lost with it. `onFrame` may call `limit` and `destroy`.
   * @param maxFrames how many frames at most; what is behind the last of them is to be given again
   * @returns the number of bytes taken
   * @throws NoiseError `frame-authentication-failed`, `frame-too-large`, `nonce-exhausted`, `key-destroyed`
   */
  push(chunk: Uint8Array, onFrame: FrameListener, maxFrames?: number): number;
  /**
   * Sets the largest payload, in bytes, accepted from the next header on. Larger frames of which `isIgnored` says so
   * (it is given the 6 bytes of the header) are authenticated and read past, a block at a time.
   */
  limit(maxPayload: number, isIgnored?: (header: Uint8Array) => boolean): void;
  /** Bytes of ciphertext held for a frame that is not complete. */
  readonly pending: number;
  /** Destroys the cipher and lets go of what was buffered. */
  destroy(): void;
}

/**
 * An opener of encrypted frames (spec §4.6).
 * @param maxPayload largest payload accepted, in bytes; it is compared with a header as soon as that is
 * authenticated, before anything is allocated for the frame
 */
export function createFrameOpener(cipher: CipherState, maxPayload = maxU24): FrameOpener {
  /** Why nothing more is accepted. */
  let failure: Error | undefined;
  /** The header being collected, when a chunk ended inside it. */
  const partialHeader = new Uint8Array(encryptedHeaderLength);
  const header = new Uint8Array(headerLength); // of the frame under way, decrypted
  let hasHeader = false;
  let isIgnored: (header: Uint8Array) => boolean = () => false;
  let skipping = false; // the frame under way is not handed out, and each block takes the place of the one before
  /** Payload of the frame under way; after what is decrypted, ciphertext of the block under way. */
  let buffer = empty;
  let payloadLength = 0;
  let opened = 0; // bytes of payload decrypted
  let collected = 0; // bytes of ciphertext collected of the header or block under way

  function openHeader(bytes: Uint8Array, start: number): void {
    if (!cipher.decrypt(empty, bytes, start, start + encryptedHeaderLength, header, 0)) {
      throw notAuthentic('header', 0);
    }
    const length = payloadLengthAt(header, 0);
    skipping = length > maxPayload;
    if (skipping && !isIgnored(header)) {
      throw new NoiseError(
        'frame-too-large',
        `a payload of at most ${maxPayload} bytes is accepted here, the header announces ${length}`,
        { payloadLength: length, maxPayload },
      );
    }
    hasHeader = true;
    payloadLength = length;
    opened = 0;
    collected = 0;
    buffer = empty;
  }

  /** Reads what it can of the header at `chunk[offset]`. Returns the offset behind what it read. */
  function readHeader(chunk: Uint8Array, offset: number): number {
    if (collected === 0 && chunk.length - offset >= encryptedHeaderLength) {
      const end = offset + encryptedHeaderLength;
      openHeader(chunk, offset);
      return end;
    }
    const end = Math.min(offset + encryptedHeaderLength - collected, chunk.length);
    partialHeader.set(chunk.subarray(offset, end), collected);
    collected += end - offset;
    if (collected === encryptedHeaderLength) openHeader(partialHeader, 0);
    return end;
  }

  /** Lets the buffer grow with what has arrived, whatever the header announces. */
  function makeRoom(length: number, most: number): void {
    if (buffer.length >= Math.min(length, most)) return;
    const grown = new Uint8Array(Math.min(most, Math.max(firstAllocation, 2 * length)));
    grown.set(buffer);
    buffer = grown;
  }

  /** Reads what it can of a payload block at `chunk[offset]`. Returns the offset behind what it read. */
  function readBlock(chunk: Uint8Array, offset: number): number {
    const plaintextLength = Math.min(payloadLength - opened, maxBlockPlaintextLength);
    const blockLength = plaintextLength + tagLength;
    const available = chunk.length - offset;
    const place = skipping ? 0 : opened;
    const end = Math.min(offset + blockLength - collected, chunk.length);
    const held = skipping ? plaintextLength : payloadLength;
    if (buffer.length === 0 && available >= encryptedLength(payloadLength)) buffer = new Uint8Array(held);
    // Blocks that arrive in pieces are put together where their plaintext will be. The last one needs room for its tag.
    else makeRoom(place + collected + end - offset, held + tagLength);
    let block = chunk;
    let start = offset;
    if (collected > 0 || available < blockLength) {
      buffer.set(chunk.subarray(offset, end), place + collected);
      collected += end - offset;
      if (collected < blockLength) return end;
      block = buffer;
      start = place;
    }
    if (!cipher.decrypt(empty, block, start, start + blockLength, buffer, place)) {
      throw notAuthentic('payload', opened);
    }
    opened += plaintextLength;
    collected = 0;
    return end;
  }

  function read(chunk: Uint8Array, onFrame: FrameListener, maxFrames: number): number {
    let offset = 0;
    let frames = 0;
    while (failure === undefined && offset < chunk.length && frames < maxFrames) {
      offset = hasHeader ? readBlock(chunk, offset) : readHeader(chunk, offset);
      if (!hasHeader || opened < payloadLength) continue;
      const payload = buffer.length === payloadLength ? buffer : buffer.subarray(0, payloadLength);
      hasHeader = false;
      buffer = empty;
      if (skipping) continue;
      frames += 1;
      onFrame(header, payload);
    }
    return offset;
  }

  function fail(error: Error): void {
    failure ??= error;
    buffer = empty;
    hasHeader = false;
    collected = 0;
    opened = 0;
    cipher.destroy();
  }

  return {
    push(chunk, onFrame, maxFrames = Infinity) {
      if (failure !== undefined) throw failure;
      try {
        return read(chunk, onFrame, maxFrames);
      } catch (error) {
        fail(error as Error);
        throw error;
      }
    },
    limit(bytes, filter = () => false) {
      maxPayload = bytes;
      isIgnored = filter;
    },
    get pending() {
      const held = skipping ? 0 : encryptedLength(opened);
      return hasHeader ? encryptedHeaderLength + held + collected : collected;
    },
    destroy() {
      fail(new NoiseError('key-destroyed', 'this opener was destroyed and takes no more bytes'));
    },
  };
}

function notAuthentic(part: 'header' | 'payload', offset: number): NoiseError {
  return new NoiseError(
    'frame-authentication-failed',
    part === 'header'
      ? "a frame's header is not authentic: the connection was tampered with or is out of step"
      : `a frame's payload is not authentic in the block at offset ${offset}`,
    { part, offset },
  );
}
