import { Observable, throwError, timeout, type Subscriber } from 'rxjs';
import type { ByteStream } from './byte-stream.js';
import type { Connection } from './connection.js';
import { TransportError } from './errors.js';
import { concatBytes, plainChannel, type FrameChannel } from './frame-channel.js';
import { completeLimits, type ConnectionLimits } from './limits.js';
import { messageConnection } from './message-connection.js';

/** One side of a handshake that has one message from each side, such as Noise NX. */
export interface Handshake {
  /** What is sent before anything is received, on the side that begins. */
  readonly opening?: Uint8Array;
  /** Bytes of the message that is expected. */
  readonly expected: number;
  /**
   * Takes the peer's message. Called once at most.
   * @param maxPayload largest payload that the channel accepts at first, in bytes
   * @throws NoiseError if the peer cannot be trusted
   */
  finish(message: Uint8Array, maxPayload: number): HandshakeResult;
  /** Clears what a handshake that was not finished holds. */
  clear(): void;
}

/** What a handshake leaves behind. */
export interface HandshakeResult {
  readonly channel: FrameChannel;
  /** The answer to the peer's message, on the side that did not begin. */
  readonly reply?: Uint8Array;
  /** The 32-byte x-only key of the authority that vouches for the peer, if it was verified. */
  readonly authorityPublicKey?: Uint8Array;
}

/** How `openConnection` opens. */
export interface OpenOptions extends ConnectionLimits {
  /** Who sends what is received here: `server` on the side that dialled. */
  readonly receivesFrom: 'client' | 'server';
  /** Begins the handshake; a plaintext connection has none. */
  readonly handshake?: (() => Handshake) | undefined;
}

/**
 * Makes a connection of a byte stream: does the handshake on subscription, emits the connection once it is
 * done, and completes. Unsubscribing before that destroys the stream, and so does a failure: a NoiseError, or
 * a TransportError `handshake-timeout`, `peer-closed-during-handshake`, `connection-reset` …. From its
 * emission on, the connection belongs to whoever received it.
 * @throws TransportError `invalid-option`
 */
export function openConnection(stream: ByteStream, options: OpenOptions): Observable<Connection> {
  const limits = completeLimits(options, options.receivesFrom);
  const { handshake } = options;
  if (handshake === undefined) {
    return new Observable((subscriber) => {
      const channel = plainChannel(limits.maxPayload);
      subscriber.next(
        messageConnection(stream, channel, { address: stream.address, encrypted: false }, limits, undefined),
      );
      subscriber.complete();
    });
  }
  return new Observable<Connection>((subscriber) => shakeHands(stream, handshake(), limits, subscriber)).pipe(
    timeout({
      first: limits.handshakeTimeout,
      scheduler: limits.scheduler,
      with: () => throwError(() => handshakeTimeout(stream, limits.handshakeTimeout)),
    }),
  );
}

function shakeHands(
  stream: ByteStream,
  handshake: Handshake,
  limits: Required<ConnectionLimits>,
  subscriber: Subscriber<Connection>,
): void {
  const { address } = stream;
  let received: Uint8Array | undefined;
  let done = false;

  subscriber.add(() => {
    if (done) return;
    handshake.clear();
    stream.destroy();
  });

  const reading = stream.chunk$.subscribe({
    next(chunk) {
      received = received === undefined ? chunk : concatBytes([received, chunk]);
      if (received.length < handshake.expected) return;
      const message = received.subarray(0, handshake.expected);
      const early = received.length === handshake.expected ? undefined : received.slice(handshake.expected);
      received = undefined;
      try {
        const { channel, reply, authorityPublicKey } = handshake.finish(message, limits.maxPayload);
        done = true;
        reading.unsubscribe();
        if (reply !== undefined) stream.write(reply);
        const peer = {
          address,
          encrypted: true,
          ...(authorityPublicKey === undefined ? {} : { authorityPublicKey }),
        };
        subscriber.next(messageConnection(stream, channel, peer, limits, early));
        subscriber.complete();
      } catch (error) {
        subscriber.error(error);
      }
    },
    error: (error: unknown) => subscriber.error(error),
    complete: () => subscriber.error(peerClosed(stream, received?.length ?? 0, handshake.expected)),
  });
  subscriber.add(reading);
  if (handshake.opening !== undefined) stream.write(handshake.opening);
}

function handshakeTimeout({ address }: ByteStream, milliseconds: number): TransportError {
  return new TransportError(
    'handshake-timeout',
    `${address} did not finish the handshake within ${milliseconds} ms: check that it speaks Stratum V2 with encryption`,
    { address, milliseconds },
  );
}

function peerClosed({ address }: ByteStream, received: number, expected: number): TransportError {
  return new TransportError(
    'peer-closed-during-handshake',
    `${address} closed during the handshake, after ${received} of the ${expected} bytes expected: ` +
      'check that both sides agree on encryption and on the authority key',
    { address, received, expected },
  );
}
