import { asapScheduler, Observable, Subscription, type Subscriber } from 'rxjs';
import { decodeMessage, encodeFrames } from '../framing/frame.js';
import type { FrameHeader } from '../framing/header.js';
import { isUnknownExtension, type Message } from '../messages/registry.js';
import { closeStream, type ByteStream } from './byte-stream.js';
import type { Connection, Peer } from './connection.js';
import { EncryptionMismatch, refuseMismatch } from './encryption-mismatch.js';
import { TransportError } from './errors.js';
import type { FrameChannel } from './frame-channel.js';
import { framesPerStep, unreadBytes, type ConnectionLimits } from './limits.js';
import type { SendQueue, SendQueues } from './send-queues.js';
import { createTurns, type Turns } from './turns.js';

/** What the connections of a listener share. */
export interface SharedLimits {
  readonly turns: Turns;
  readonly sendQueues: SendQueues;
}

/**
 * A connection over a stream whose handshake is done.
 *
 * It handles `framesPerStep` frames of a chunk, and the others when its turn comes; until then, and while a
 * client has not read what waits for it, nothing more is read from the stream.
 * @param early bytes that arrived behind the handshake
 * @param shared what it shares with the other connections of its listener. One that was dialled has none, and
 * reads even if its peer does not: if both ends waited for each other, they would wait for ever
 */
export function messageConnection(
  stream: ByteStream,
  channel: FrameChannel,
  peer: Peer,
  limits: Required<ConnectionLimits>,
  early: Uint8Array | undefined,
  shared: SharedLimits | undefined,
): Connection {
  let open = true;
  let failure: unknown;
  let subscribed = false;
  let receiver: Subscriber<Message> | undefined;
  let queue: Uint8Array[] = [];
  /** What has been read and waits for its turn. */
  let rest = early;
  let reading = Subscription.EMPTY;
  /** Waits for a peer that does not read. */
  let draining: Subscription | undefined;
  /** Whether anything was left in the send queue the last time. */
  let behind = false;
  let turns = shared?.turns;

  const sendQueue: SendQueue = {
    address: stream.address,
    get queuedBytes() {
      return stream.queuedBytes;
    },
    drop: (error) => fail(error),
  };

  /** Lets go of everything but the stream and the receiver. */
  const release = () => {
    open = false;
    queue = [];
    rest = undefined;
    reading.unsubscribe();
    draining?.unsubscribe();
    channel.clear();
    if (behind) shared?.sendQueues.left(sendQueue);
  };

  const fail = (error: unknown) => {
    if (!open) return;
    failure = error;
    release();
    if (error instanceof EncryptionMismatch) refuseMismatch(stream, error, limits);
    else stream.destroy();
    const failing = receiver;
    receiver = undefined;
    failing?.error(error);
  };

  const flush = () => {
    if (queue.length === 0) return;
    const frames = queue;
    queue = [];
    try {
      stream.write(channel.seal(frames));
    } catch (error) {
      fail(error);
      return;
    }
    const { queuedBytes } = stream;
    if (queuedBytes === 0 && !behind) return;
    if (queuedBytes > limits.maxQueuedBytes) {
      fail(slowConsumer(stream, limits.maxQueuedBytes));
    } else if (shared !== undefined) {
      behind = queuedBytes > 0;
      shared.sendQueues.wrote(sendQueue);
      if (open && queuedBytes > unreadBytes) waitForReader();
    }
  };

  const close = () => {
    if (!open) return;
    flush();
    if (!open) return;
    release();
    const completing = receiver;
    receiver = undefined;
    completing?.complete();
    closeStream(stream, limits.closeTimeout, limits.scheduler);
  };

  const waitForReader = () => {
    if (draining !== undefined) return;
    reading.unsubscribe();
    draining = stream.drained$.subscribe({
      complete() {
        draining = undefined;
        goOn();
      },
    });
  };

  /** Reads, or asks for a turn for what has been read; neither while the peer does not read. */
  const goOn = () => {
    if (!open || receiver === undefined || draining !== undefined) return;
    if (rest === undefined) {
      if (reading.closed) reading = stream.chunk$.subscribe({ next: receive, error: fail, complete: ended });
    } else {
      reading.unsubscribe();
      turns ??= createTurns(() => limits.scheduler.now(), limits.nextTurn);
      turns.connection(handleRest);
    }
  };

  const deliver = (header: FrameHeader, payload: Uint8Array) => {
    receiver?.next(decodeMessage(header, payload));
  };

  /** Handles the first frames of a chunk. */
  const handle = (chunk: Uint8Array) => {
    try {
      const end = channel.open(chunk, deliver, framesPerStep);
      if (open && end < chunk.length) rest = chunk.subarray(end);
    } catch (error) {
      fail(error);
    }
  };

  const receive = (chunk: Uint8Array) => {
    handle(chunk);
    if (rest !== undefined) goOn();
  };

  const handleRest = (): boolean => {
    if (rest === undefined || draining !== undefined) return false;
    const chunk = rest;
    rest = undefined;
    handle(chunk);
    if (rest !== undefined) return draining === undefined;
    goOn();
    return false;
  };

  const ended = () => {
    if (open && channel.incomplete) fail(truncatedStream(stream));
    else close();
  };

  return {
    peer,
    message$: new Observable((subscriber) => {
      if (subscribed) {
        subscriber.error(alreadySubscribed(stream));
        return;
      }
      subscribed = true;
      if (!open) {
        if (failure === undefined) subscriber.complete();
        else subscriber.error(failure);
        return;
      }
      receiver = subscriber;
      subscriber.add(close);
      const first = rest;
      rest = undefined;
      if (first !== undefined) handle(first);
      goOn();
    }),
    send(...messages) {
      if (!open || messages.length === 0) return;
      queue.push(encodeFrames(messages));
      if (queue.length === 1) asapScheduler.schedule(flush);
    },
    limitPayload: (bytes) => channel.limit(bytes, ({ extensionType }) => isUnknownExtension(extensionType)),
    close,
  };
}

function slowConsumer({ address, queuedBytes }: ByteStream, maxQueuedBytes: number): TransportError {
  return new TransportError(
    'slow-consumer',
    `${address} does not read: ${queuedBytes} bytes wait for it, at most ${maxQueuedBytes} may; disconnected`,
    { address, queuedBytes, maxQueuedBytes },
  );
}

function truncatedStream({ address }: ByteStream): TransportError {
  return new TransportError('truncated-stream', `${address} closed in the middle of a frame`, { address });
}

function alreadySubscribed({ address }: ByteStream): TransportError {
  return new TransportError(
    'already-subscribed',
    `message$ of the connection with ${address} has a subscriber already: share() it to have more`,
    { address },
  );
}
