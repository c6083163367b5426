import { map, Observable, Subscription, type NextObserver, type Subscriber } from 'rxjs';
import { noOwnMessages, type OwnMessages } from '../messages/own-messages.js';
import type { ByteStream } from './byte-stream.js';
import type { Connection } from './connection.js';
import {
  isPlaintextSetup,
  plaintextPeer,
  refuseHandshakes,
  refuseMismatch,
  silenceTold,
  silentServer,
  type EncryptionMismatch,
  type Sender,
  type SilentServer,
} from './encryption-mismatch.js';
import { TransportError } from './errors.js';
import { concatBytes, plainChannel, type FrameChannel } from './frame-channel.js';
import { completeLimits, type ConnectionLimits } from './limits.js';
import { knowing } from './knowing.js';
import type { InTurn } from './handshake-queue.js';
import { messageConnection } from './message-connection.js';
import type { SharedLimits } from './stream-connection.js';

/** One side of a handshake that has one message from each side, such as Noise NX. */
export interface Handshake {
  /** What is sent before anything is received, on the side that begins. */
  readonly opening?: Uint8Array;
  /** Bytes of the message that is expected. */
  readonly expected: number;
  /** Whether the peer may send more right behind its message: not if it needs our reply for its keys. */
  readonly mayFollow: boolean;
  /**
   * Takes the peer's message: does the work on subscription, here or on another thread, and emits its result
   * once. Errors with a NoiseError if the peer cannot be trusted. Unsubscribing before that gives it up and
   * clears its secrets. Called and subscribed to once at most.
   * @param maxPayload largest payload that the channel accepts at first, in bytes
   */
  finish(message: Uint8Array, maxPayload: number): Observable<HandshakeResult>;
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
  readonly receivesFrom: Sender;
  /** Begins the handshake; a plaintext connection has none. */
  readonly handshake?: (() => Handshake) | undefined;
  /**
   * Has the work that finishes a handshake wait for its turn: subscribes to `work$` when that has come, and
   * emits what it emits. At once unless given.
   */
  readonly inTurn?: InTurn;
  /** Messages that it knows besides those of the specification. */
  readonly messages?: OwnMessages | undefined;
  /** What it shares with the other connections of a listener; a connection that was dialled has nothing to share. */
  readonly shared?: SharedLimits;
  /** Told once about a peer that takes the connection and has not answered after 1.5 s: nothing ends for that. */
  readonly silenceObserver?: NextObserver<SilentServer>;
}

/**
 * Makes a connection of a byte stream: does the handshake on subscription, emits the connection once it is
 * done, and completes. Unsubscribing before that destroys the stream, and so does a failure: a NoiseError, or
 * a TransportError `handshake-timeout`, `peer-closed-during-handshake`, `connection-reset` …. From its
 * emission on, the connection belongs to whoever received it.
 * @throws TransportError `invalid-option`
 */
export function openConnection(stream: ByteStream, options: OpenOptions): Observable<Connection> {
  const { messages = noOwnMessages } = options;
  return opened(stream, options).pipe(map((connection) => knowing(connection, messages)));
}

function opened(stream: ByteStream, options: OpenOptions): Observable<Connection> {
  const limits = completeLimits(options, options.receivesFrom);
  const { handshake, shared, receivesFrom, silenceObserver } = options;
  /** Until the peer has answered. */
  const watchSilence = (encrypted: boolean): Subscription =>
    silenceObserver === undefined
      ? Subscription.EMPTY
      : limits.scheduler.schedule(
          () => silenceObserver.next(silentServer(stream.address, encrypted)),
          silenceTold,
        );
  if (handshake === undefined) {
    return new Observable((subscriber) => {
      const plain = plainChannel(limits.maxPayload);
      const channel = refuseHandshakes(plain, stream.address, receivesFrom, watchSilence(false));
      subscriber.next(
        messageConnection(
          stream,
          channel,
          { address: stream.address, encrypted: false },
          limits,
          undefined,
          shared,
        ),
      );
      subscriber.complete();
    });
  }
  return new Observable((subscriber) => {
    shakeHands(stream, handshake(), limits, options, watchSilence(true), subscriber);
  });
}

function shakeHands(
  stream: ByteStream,
  handshake: Handshake,
  limits: Required<ConnectionLimits>,
  { receivesFrom: sender, inTurn = (work$) => work$, shared }: OpenOptions,
  silence: Subscription,
  subscriber: Subscriber<Connection>,
): void {
  const { address } = stream;
  const { scheduler, handshakeTimeout, nextTurn } = limits;
  const { expected, mayFollow } = handshake;
  let received: Uint8Array | undefined;
  let finishing = false;
  let handedOver = false;

  subscriber.add(() => {
    if (handedOver) return;
    handshake.clear();
    stream.destroy();
  });

  // The time is the peer's own: it ends when its message is here, and what came in time is read before it is judged.
  const expire = () => {
    if (!deadline.closed) subscriber.error(timedOut(stream, handshakeTimeout));
  };
  const deadline = new Subscription();
  deadline.add(scheduler.schedule(() => nextTurn(expire), handshakeTimeout));
  deadline.add(silence);
  subscriber.add(deadline);

  const handOver = (
    { channel, reply, authorityPublicKey }: HandshakeResult,
    early: Uint8Array | undefined,
  ) => {
    reading.unsubscribe();
    try {
      if (reply !== undefined) stream.write(reply);
    } catch (error) {
      channel.clear();
      subscriber.error(error);
      return;
    }
    handedOver = true;
    const peer = {
      address,
      encrypted: true,
      ...(authorityPublicKey === undefined ? {} : { authorityPublicKey }),
    };
    subscriber.next(messageConnection(stream, channel, peer, limits, early, shared));
    subscriber.complete();
  };

  const finish = (message: Uint8Array, early: Uint8Array | undefined) => {
    finishing = true;
    deadline.unsubscribe();
    // a peer that may not follow is watched instead: if it goes, no work is done for it
    if (mayFollow) reading.unsubscribe();
    subscriber.add(
      inTurn(handshake.finish(message, limits.maxPayload)).subscribe({
        next: (result) => handOver(result, early),
        error: (error: unknown) => subscriber.error(error),
      }),
    );
  };

  /** Tells a peer that does not encrypt, in its own terms, and lets it go in good order. */
  const refuse = (mismatch: EncryptionMismatch) => {
    handedOver = true;
    reading.unsubscribe();
    handshake.clear();
    refuseMismatch(stream, mismatch, limits);
    subscriber.error(mismatch);
  };

  const reading = stream.chunk$.subscribe({
    next(chunk) {
      received = received === undefined ? chunk : concatBytes([received, chunk]);
      if (isPlaintextSetup(received, sender)) {
        refuse(plaintextPeer(address, sender));
        return;
      }
      const surplus = received.length - expected;
      if (surplus < 0) return;
      if (finishing || (surplus > 0 && !mayFollow))
        subscriber.error(tooMuch(stream, received.length, expected));
      else finish(received.subarray(0, expected), surplus === 0 ? undefined : received.slice(expected));
    },
    error: (error: unknown) => subscriber.error(error),
    complete: () => subscriber.error(peerClosed(stream, received?.length ?? 0, expected)),
  });
  subscriber.add(reading);
  if (handshake.opening !== undefined) stream.write(handshake.opening);
}

function timedOut({ address }: ByteStream, milliseconds: number): TransportError {
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

function tooMuch({ address }: ByteStream, received: number, expected: number): TransportError {
  return new TransportError(
    'handshake-too-long',
    `${address} sent ${received} bytes where the handshake has ${expected}: it does not speak Stratum V2 with encryption`,
    { address, received, expected },
  );
}
