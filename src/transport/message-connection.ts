import { asapScheduler, Observable, type Subscriber } from 'rxjs';
import { decodeMessage, encodeFrames } from '../framing/frame.js';
import type { FrameHeader } from '../framing/header.js';
import { isUnknownExtension, type Message } from '../messages/registry.js';
import { closeStream, type ByteStream } from './byte-stream.js';
import type { Connection, Peer } from './connection.js';
import { EncryptionMismatch, refuseMismatch } from './encryption-mismatch.js';
import { TransportError } from './errors.js';
import type { FrameChannel } from './frame-channel.js';
import type { ConnectionLimits } from './limits.js';

/**
 * A connection over a stream whose handshake is done.
 * @param early bytes that arrived behind the handshake
 */
export function messageConnection(
  stream: ByteStream,
  channel: FrameChannel,
  peer: Peer,
  limits: Required<ConnectionLimits>,
  early: Uint8Array | undefined,
): Connection {
  let open = true;
  let failure: unknown;
  let subscribed = false;
  let receiver: Subscriber<Message> | undefined;
  let queue: Uint8Array[] = [];

  const fail = (error: unknown) => {
    if (!open) return;
    open = false;
    failure = error;
    queue = [];
    channel.clear();
    if (error instanceof EncryptionMismatch) refuseMismatch(stream, error, limits);
    else stream.destroy();
    receiver?.error(error);
    receiver = undefined;
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
    if (stream.queuedBytes > limits.maxQueuedBytes) fail(slowConsumer(stream, limits.maxQueuedBytes));
  };

  const close = () => {
    if (!open) return;
    flush();
    if (!open) return;
    open = false;
    channel.clear();
    const completing = receiver;
    receiver = undefined;
    completing?.complete();
    closeStream(stream, limits.closeTimeout, limits.scheduler);
  };

  const deliver = (header: FrameHeader, payload: Uint8Array) => {
    receiver?.next(decodeMessage(header, payload));
  };

  const receive = (chunk: Uint8Array) => {
    try {
      channel.open(chunk, deliver);
    } catch (error) {
      fail(error);
    }
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
      const first = early;
      early = undefined;
      if (first !== undefined) receive(first);
      if (open) subscriber.add(stream.chunk$.subscribe({ next: receive, error: fail, complete: ended }));
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
