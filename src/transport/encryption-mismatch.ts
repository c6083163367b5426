/** Tells a peer that encrypts from one that does not by the first bytes it sends, when the other was expected. */
import { Subscription } from 'rxjs';
import { encodeFrame } from '../framing/frame.js';
import { headerSize, readHeader } from '../framing/header.js';
import { SetupConnectionError } from '../messages/common.js';
import { creatorByNumbers } from '../messages/registry.js';
import { closeStream, type ByteStream } from './byte-stream.js';
import { TransportError } from './errors.js';
import type { FrameChannel } from './frame-channel.js';
import type { ConnectionLimits } from './limits.js';

/** Who sent the bytes that are judged. */
export type Sender = 'client' | 'server';

/** Bytes of a plaintext SetupConnection, or answer to it, that are enough to know it by. */
const judgedLength = headerSize + 5;

const [setupConnection, success, error] = [0x00, 0x01, 0x02];
const successLength = 6;
const shortestError = 5; // flags, and the length of an empty error code

/**
 * Whether what came in place of a handshake message is the plaintext SetupConnection of a client, or the plaintext
 * answer of a server to one. A key of ElligatorSwift, 64 bytes without any pattern, is taken for that once in
 * 2^40 times at most.
 * @param received all that came so far; false while that is too little to know
 */
export function isPlaintextSetup(received: Uint8Array, sender: Sender): boolean {
  if (received.length < judgedLength) return false;
  const { extensionType, channelMessage, messageType, payloadLength } = readHeader(received, 0);
  if (extensionType !== 0 || channelMessage || payloadLength > 0xffff) return false;
  const byte = (offset: number): number => received[headerSize + offset] as number;
  if (sender === 'client')
    return messageType === setupConnection && byte(0) <= 2 && byte(1) === 2 && byte(2) === 0;
  if (messageType === success) return payloadLength === successLength && byte(0) === 2 && byte(1) === 0;
  return messageType === error && payloadLength === shortestError + byte(4);
}

/** A peer that encrypts where this side does not, or the other way round; `refusal` is what may be told to it. */
export class EncryptionMismatch extends TransportError {
  constructor(
    message: string,
    address: string,
    readonly refusal: Uint8Array | undefined,
  ) {
    super('encryption-mismatch', message, { address });
  }
}

/** The error of a side that encrypts about a plaintext peer. */
export function plaintextPeer(address: string, sender: Sender): EncryptionMismatch {
  return sender === 'client'
    ? new EncryptionMismatch(
        `${address} speaks Stratum V2 in plaintext, connections here are encrypted: set it up with encryption and the authority key`,
        address,
        refusal('encryption-required'),
      )
    : new EncryptionMismatch(
        `${address} answered in plaintext: it does not encrypt, connect without encryption if you trust the network`,
        address,
        undefined,
      );
}

/** The error of a side in plaintext about a peer that encrypts. */
function encryptingPeer(address: string, sender: Sender): EncryptionMismatch {
  return sender === 'client'
    ? new EncryptionMismatch(
        `${address} does not begin with SetupConnection: it seems to expect encryption, and connections here are plaintext`,
        address,
        refusal('encryption-not-supported'),
      )
    : new EncryptionMismatch(
        `${address} sent no answer to SetupConnection: it seems to expect encryption, connect with encryption and its authority key`,
        address,
        undefined,
      );
}

/** A server that was dialled and has said nothing, or nothing whole, for {@link silenceTold}; it may still. */
export interface SilentServer {
  /** `host:port`, or name. */
  readonly address: string;
  /** Whether this side encrypts, and waits for the server's part of the handshake. */
  readonly encrypted: boolean;
  /** For people: what that may be. */
  readonly message: string;
}

/**
 * Milliseconds until a server's silence is told. A server that waits for more than our 64 bytes, or for fewer, as one
 * does that takes encryption for plaintext or the other way round, says nothing that would show it any earlier; a
 * busy one may take longer, so this ends nothing.
 */
export const silenceTold = 1_500;

/** What a server's silence may be. */
export function silentServer(address: string, encrypted: boolean): SilentServer {
  const after = `has not answered for ${silenceTold / 1_000} s`;
  const message = encrypted
    ? `${address} ${after}: if it is not busy, it may not encrypt, or not speak Stratum V2`
    : `${address} ${after}: if it is not busy, it may expect encryption, or not speak Stratum V2`;
  return { address, encrypted, message };
}

/** Sends a peer what may be told to it, and closes in good order, or it could lose that. */
export function refuseMismatch(
  stream: ByteStream,
  { refusal }: EncryptionMismatch,
  { closeTimeout, scheduler }: Required<ConnectionLimits>,
): void {
  if (refusal === undefined) {
    stream.destroy();
    return;
  }
  stream.write(refusal);
  closeStream(stream, closeTimeout, scheduler);
}

const refusal = (errorCode: string): Uint8Array => encodeFrame(SetupConnectionError({ flags: 0, errorCode }));

/**
 * A plaintext channel that looks at the first header: whoever begins a handshake instead sends a key that looks random.
 * Messages that there are, though they come too early, pass for others to judge.
 * @param silence ends with the first bytes, or when the channel is cleared
 */
export function refuseHandshakes(
  channel: FrameChannel,
  address: string,
  sender: Sender,
  silence = Subscription.EMPTY,
): FrameChannel {
  const header = new Uint8Array(headerSize);
  let filled = 0;
  return {
    ...channel,
    open(chunk, onFrame, maxFrames) {
      silence.unsubscribe();
      if (filled < headerSize) {
        const piece = chunk.subarray(0, headerSize - filled);
        header.set(piece, filled);
        filled += piece.length;
        if (filled === headerSize && !isMessage(header)) throw encryptingPeer(address, sender);
      }
      return channel.open(chunk, onFrame, maxFrames);
    },
    get incomplete() {
      return channel.incomplete;
    },
    clear() {
      silence.unsubscribe();
      channel.clear();
    },
  };
}

function isMessage(header: Uint8Array): boolean {
  const { extensionType, messageType } = readHeader(header, 0);
  return creatorByNumbers(extensionType, messageType) !== undefined;
}
