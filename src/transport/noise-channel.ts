import { readHeader, type FrameHeader } from '../framing/header.js';
import type { FrameFilter } from '../framing/frame-assembler.js';
import type { CipherState } from '../noise/cipher-state.js';
import { createFrameOpener, sealFrames, type FrameOpener } from '../noise/encrypted-frame.js';
import { concatBytes, type FrameChannel } from './frame-channel.js';

/**
 * A channel inside Noise (spec §4.6).
 * @param send encrypts what we send
 * @param receive decrypts what we receive
 * @param maxPayload largest payload accepted, in bytes
 */
export function noiseChannel(send: CipherState, receive: CipherState, maxPayload: number): FrameChannel {
  return new NoiseChannel(send, createFrameOpener(receive, maxPayload));
}

// A class: V8 makes a dictionary of an object that is written down with a getter, for every connection one.
class NoiseChannel implements FrameChannel {
  readonly #send: CipherState;
  readonly #opener: FrameOpener;

  constructor(send: CipherState, opener: FrameOpener) {
    this.#send = send;
    this.#opener = opener;
  }

  seal(frames: readonly Uint8Array[]): Uint8Array {
    return sealFrames(this.#send, frames.length === 1 ? (frames[0] as Uint8Array) : concatBytes(frames));
  }

  open(
    chunk: Uint8Array,
    onFrame: (header: FrameHeader, payload: Uint8Array) => void,
    maxFrames?: number,
  ): number {
    return this.#opener.push(chunk, (header, payload) => onFrame(readHeader(header, 0), payload), maxFrames);
  }

  limit(maxPayload: number, isIgnored: FrameFilter = () => false): void {
    this.#opener.limit(maxPayload, (header) => isIgnored(readHeader(header, 0)));
  }

  get incomplete(): boolean {
    return this.#opener.pending > 0;
  }

  clear(): void {
    this.#send.destroy();
    this.#opener.destroy();
  }
}
