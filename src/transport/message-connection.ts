import { asapScheduler, defer, EMPTY, Observable, Subscription, type Subscriber } from 'rxjs';
import { Sv2Error } from '../codec/errors.js';
import { decodeMessage, encodeFrames } from '../framing/frame.js';
import type { Frame } from '../framing/frame-assembler.js';
import { FramingError, headerSize, writeHeader, type FrameHeader } from '../framing/header.js';
import { isUnknownExtension } from '../messages/registry.js';
import { NoiseError } from '../noise/errors.js';
import { closeStream, type ByteStream } from './byte-stream.js';
import type { Connection, Peer } from './connection.js';
import { EncryptionMismatch, refuseMismatch } from './encryption-mismatch.js';
import { TransportError } from './errors.js';
import type { FrameChannel } from './frame-channel.js';
import { setupLimit } from './setup-limit.js';
import { framesPerStep, type ConnectionLimits } from './limits.js';
import { sendQueue, type SendQueues } from './send-queues.js';
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
  let receiver: Pick<Subscriber<unknown>, 'error' | 'complete'> | undefined;
  /** Hands a frame to the receiver. */
  let deliver: (header: FrameHeader, payload: Uint8Array) => void = () => undefined;
  let queue: Uint8Array[] = [];
  /** Bytes of these. */
  let queued = 0;
  /** What has been read and waits for its turn. */
  let rest = early;
  let reading = Subscription.EMPTY;
  /** What reading waits for. */
  const pauses = new Set<Subscription>();
  /** Waits for a peer that does not read. */
  let draining = Subscription.EMPTY;
  let turns = shared?.turns;

  /** Lets go of everything but the stream and the receiver. */
  const release = () => {
    open = false;
    queue = [];
    rest = undefined;
    reading.unsubscribe();
    for (const pause of pauses) pause.unsubscribe();
    pauses.clear();
    channel.clear();
    unread.left();
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

  const unread = sendQueue(stream, limits.maxQueuedBytes, shared?.sendQueues, fail);

  const flush = () => {
    if (queue.length === 0) return;
    const frames = queue;
    queue = [];
    queued = 0;
    try {
      stream.write(channel.seal(frames));
    } catch (error) {
      fail(error);
      return;
    }
    if (unread.wrote() && open) waitForReader();
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

  const pause = (until$: Observable<unknown>): Subscription => {
    if (!open) return Subscription.EMPTY;
    reading.unsubscribe();
    const waiting = new Subscription();
    pauses.add(waiting);
    const resume = () => {
      pauses.delete(waiting);
      waiting.unsubscribe();
      goOn();
    };
    waiting.add(until$.subscribe({ error: resume, complete: resume }));
    return waiting;
  };

  const waitForReader = () => {
    if (draining.closed) draining = pause(stream.drained$);
  };

  /** Reads, or asks for a turn for what has been read; neither while it is paused. */
  const goOn = () => {
    if (!open || receiver === undefined || pauses.size > 0) return;
    if (rest === undefined) {
      if (reading.closed) reading = stream.chunk$.subscribe({ next: receive, error: fail, complete: ended });
    } else {
      reading.unsubscribe();
      turns ??= createTurns(() => limits.scheduler.now(), limits.nextTurn);
      turns.connection(handleRest);
    }
  };

  const limitChannel = (bytes: number) =>
    channel.limit(bytes, ({ extensionType }) => isUnknownExtension(extensionType));
  const setup = setupLimit(limitChannel);

  const onFrame = (header: FrameHeader, payload: Uint8Array) => {
    if (receiver === undefined) return;
    if (!setup.settled) setup.frame({ header, payload }, 'received');
    deliver(header, payload);
  };

  /** Handles the first frames of a chunk. */
  const handle = (chunk: Uint8Array) => {
    try {
      const end = channel.open(chunk, onFrame, framesPerStep);
      if (open && end < chunk.length) rest = chunk.subarray(end);
    } catch (error) {
      fail(setup.settled ? error : beforeSetup(error, peer));
    }
  };

  const receive = (chunk: Uint8Array) => {
    handle(chunk);
    if (rest !== undefined) goOn();
  };

  const handleRest = (): boolean => {
    if (rest === undefined || pauses.size > 0) return false;
    const chunk = rest;
    rest = undefined;
    handle(chunk);
    if (rest === undefined) {
      goOn();
      return false;
    }
    // a pause that has ended meanwhile has begun to read
    reading.unsubscribe();
    return pauses.size === 0;
  };

  const ended = () => {
    if (open && channel.incomplete) fail(truncatedStream(stream));
    else close();
  };

  /** What is received, for one subscriber of the connection. */
  function received<T>(project: (header: FrameHeader, payload: Uint8Array) => T): Observable<T> {
    return new Observable((subscriber) => {
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
      deliver = (header, payload) => subscriber.next(project(header, payload));
      subscriber.add(close);
      const first = rest;
      rest = undefined;
      if (first !== undefined) handle(first);
      goOn();
    });
  }

  const enqueue = (bytes: Uint8Array) => {
    queue.push(bytes);
    queued += bytes.length;
    if (queue.length === 1) asapScheduler.schedule(flush);
  };

  return {
    peer,
    message$: received(decodeMessage),
    frame$: received((header, payload) => ({ header, payload })),
    send(...messages) {
      if (!open || messages.length === 0) return;
      const bytes = encodeFrames(messages);
      if (!setup.settled) messages.forEach((message) => setup.message(message, 'sent'));
      enqueue(bytes);
    },
    sendFrames(...frames) {
      if (!open || frames.length === 0) return;
      if (!setup.settled) frames.forEach((frame) => setup.frame(frame, 'sent'));
      frames.forEach((frame) => enqueue(bytesOf(frame)));
    },
    get queuedBytes() {
      return open ? queued + stream.queuedBytes : 0;
    },
    drained$: defer(() => {
      flush();
      return open ? stream.drained$ : EMPTY;
    }),
    pause: (until$) => void pause(until$),
    limitPayload(bytes) {
      setup.settle();
      limitChannel(bytes);
    },
    close,
  };
}

function bytesOf({ header, payload }: Frame): Uint8Array {
  const bytes = new Uint8Array(headerSize + payload.length);
  writeHeader(bytes, 0, header);
  bytes.set(payload, headerSize);
  return bytes;
}

/** The error of a frame that is larger than what may come before the subprotocol is agreed upon. */
function beforeSetup(error: unknown, { address }: Peer): unknown {
  if (!(error instanceof Sv2Error) || error.code !== 'frame-too-large') return error;
  const message = `${address}: ${error.message}, until a SetupConnection.Success has passed or limitPayload is called`;
  return error instanceof NoiseError
    ? new NoiseError('frame-too-large', message, error.detail)
    : new FramingError(error.code, message, error.detail);
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
