import { readHeader } from '../framing/header.js';
import type { CipherState } from '../noise/cipher-state.js';
import { createFrameOpener, sealFrames } from '../noise/encrypted-frame.js';
import { concatBytes, type FrameChannel } from './frame-channel.js';

/**
 * A channel inside Noise (spec §4.6).
 * @param send encrypts what we send
 * @param receive decrypts what we receive
 * @param maxPayload largest payload accepted, in bytes
 */
export function noiseChannel(send: CipherState, receive: CipherState, maxPayload: number): FrameChannel {
  const opener = createFrameOpener(receive, maxPayload);
  return {
    seal: (frames) => sealFrames(send, frames.length === 1 ? (frames[0] as Uint8Array) : concatBytes(frames)),
    open: (chunk, onFrame, maxFrames) =>
      opener.push(chunk, (header, payload) => onFrame(readHeader(header, 0), payload), maxFrames),
    limit: (bytes, isIgnored = () => false) =>
      opener.limit(bytes, (header) => isIgnored(readHeader(header, 0))),
    get incomplete() {
      return opener.pending > 0;
    },
    clear() {
      send.destroy();
      opener.destroy();
    },
  };
}
