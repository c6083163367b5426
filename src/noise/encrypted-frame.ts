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
  return new Opener(cipher, maxPayload);
}

const ignoresNothing: (header: Uint8Array) => boolean = () => false;

// A class, as every connection has one: 0.3 KiB instead of the 1.2 that it takes in closures.
class Opener implements FrameOpener {
  readonly #cipher: CipherState;
  #maxPayload: number;
  #isIgnored: (header: Uint8Array) => boolean = ignoresNothing;
  /** Why nothing more is accepted. */
  #failure: Error | undefined;
  /** The header being collected, once a chunk has ended inside one. */
  #partialHeader: Uint8Array | undefined;
  readonly #header = new Uint8Array(headerLength); // of the frame under way, decrypted
  #hasHeader = false;
  #skipping = false; // the frame under way is not handed out, and each block takes the place of the one before
  /** Payload of the frame under way; after what is decrypted, ciphertext of the block under way. */
  #buffer = empty;
  #payloadLength = 0;
  #opened = 0; // bytes of payload decrypted
  #collected = 0; // bytes of ciphertext collected of the header or block under way

  constructor(cipher: CipherState, maxPayload: number) {
    this.#cipher = cipher;
    this.#maxPayload = maxPayload;
  }

  push(chunk: Uint8Array, onFrame: FrameListener, maxFrames = Infinity): number {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return this.#read(chunk, onFrame, maxFrames);
    } catch (error) {
      this.#fail(error as Error);
      throw error;
    }
  }

  limit(maxPayload: number, isIgnored = ignoresNothing): void {
    this.#maxPayload = maxPayload;
    this.#isIgnored = isIgnored;
  }

  get pending(): number {
    const held = this.#skipping ? 0 : encryptedLength(this.#opened);
    return this.#hasHeader ? encryptedHeaderLength + held + this.#collected : this.#collected;
  }

  destroy(): void {
    this.#fail(new NoiseError('key-destroyed', 'this opener was destroyed and takes no more bytes'));
  }

  #openHeader(bytes: Uint8Array, start: number): void {
    if (!this.#cipher.decrypt(empty, bytes, start, start + encryptedHeaderLength, this.#header, 0)) {
      throw notAuthentic('header', 0);
    }
    const length = payloadLengthAt(this.#header, 0);
    this.#skipping = length > this.#maxPayload;
    if (this.#skipping && !this.#isIgnored(this.#header)) {
      throw new NoiseError(
        'frame-too-large',
        `a payload of at most ${this.#maxPayload} bytes is accepted here, the header announces ${length}`,
        { payloadLength: length, maxPayload: this.#maxPayload },
      );
    }
    this.#hasHeader = true;
    this.#payloadLength = length;
    this.#opened = 0;
    this.#collected = 0;
    this.#buffer = empty;
  }

  /** Reads what it can of the header at `chunk[offset]`. Returns the offset behind what it read. */
  #readHeader(chunk: Uint8Array, offset: number): number {
    if (this.#collected === 0 && chunk.length - offset >= encryptedHeaderLength) {
      const end = offset + encryptedHeaderLength;
      this.#openHeader(chunk, offset);
      return end;
    }
    const end = Math.min(offset + encryptedHeaderLength - this.#collected, chunk.length);
    this.#partialHeader ??= new Uint8Array(encryptedHeaderLength);
    this.#partialHeader.set(chunk.subarray(offset, end), this.#collected);
    this.#collected += end - offset;
    if (this.#collected === encryptedHeaderLength) this.#openHeader(this.#partialHeader, 0);
    return end;
  }

  /** Lets the buffer grow with what has arrived, whatever the header announces. */
  #makeRoom(length: number, most: number): void {
    if (this.#buffer.length >= Math.min(length, most)) return;
    const grown = new Uint8Array(Math.min(most, Math.max(firstAllocation, 2 * length)));
    grown.set(this.#buffer);
    this.#buffer = grown;
  }

  /** Reads what it can of a payload block at `chunk[offset]`. Returns the offset behind what it read. */
  #readBlock(chunk: Uint8Array, offset: number): number {
    const plaintextLength = Math.min(this.#payloadLength - this.#opened, maxBlockPlaintextLength);
    const blockLength = plaintextLength + tagLength;
    const available = chunk.length - offset;
    const place = this.#skipping ? 0 : this.#opened;
    const end = Math.min(offset + blockLength - this.#collected, chunk.length);
    const held = this.#skipping ? plaintextLength : this.#payloadLength;
    if (this.#buffer.length === 0 && available >= encryptedLength(this.#payloadLength))
      this.#buffer = new Uint8Array(held);
    // Blocks that arrive in pieces are put together where their plaintext will be. The last one needs room for its tag.
    else this.#makeRoom(place + this.#collected + end - offset, held + tagLength);
    let block = chunk;
    let start = offset;
    if (this.#collected > 0 || available < blockLength) {
      this.#buffer.set(chunk.subarray(offset, end), place + this.#collected);
      this.#collected += end - offset;
      if (this.#collected < blockLength) return end;
      block = this.#buffer;
      start = place;
    }
    if (!this.#cipher.decrypt(empty, block, start, start + blockLength, this.#buffer, place)) {
      throw notAuthentic('payload', this.#opened);
    }
    this.#opened += plaintextLength;
    this.#collected = 0;
    return end;
  }

  #read(chunk: Uint8Array, onFrame: FrameListener, maxFrames: number): number {
    let offset = 0;
    let frames = 0;
    while (this.#failure === undefined && offset < chunk.length && frames < maxFrames) {
      offset = this.#hasHeader ? this.#readBlock(chunk, offset) : this.#readHeader(chunk, offset);
      if (!this.#hasHeader || this.#opened < this.#payloadLength) continue;
      const payload =
        this.#buffer.length === this.#payloadLength
          ? this.#buffer
          : this.#buffer.subarray(0, this.#payloadLength);
      this.#hasHeader = false;
      this.#buffer = empty;
      if (this.#skipping) continue;
      frames += 1;
      onFrame(this.#header, payload);
    }
    return offset;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#buffer = empty;
    this.#hasHeader = false;
    this.#collected = 0;
    this.#opened = 0;
    this.#cipher.destroy();
  }
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
