/** A connection over a stream of bytes, whatever they are cut into: its order, its turns, its limits and its end. */
import { asapScheduler, defer, EMPTY, Observable, Subscription, type Subscriber } from 'rxjs';
import { closeStream, type ByteStream } from './byte-stream.js';
import { EncryptionMismatch, refuseMismatch } from './encryption-mismatch.js';
import { TransportError } from './errors.js';
import type { ConnectionLimits } from './limits.js';
import { sendQueue, type SendQueues } from './send-queues.js';
import { createTurns, type Turns } from './turns.js';

/** What the connections of a listener share. */
export interface SharedLimits {
  readonly turns: Turns;
  readonly sendQueues: SendQueues;
}

/** What the bytes of a connection are cut into. */
export interface Cutting {
  /**
   * Takes bytes that arrived, delivers what they complete, and returns how many it took: not all if there is more than
   * one step may have.
   * @throws whatever ends the connection
   */
  take(chunk: Uint8Array): number;
  /** The peer sends no more. @throws whatever the connection ends with, if that is too early */
  ended(): void;
  /** What is written to the stream for bytes that were sent. */
  seal(parts: readonly Uint8Array[]): Uint8Array;
  /** Forgets what it holds; nothing is called afterwards. */
  clear(): void;
}

/** What connections are made of. See {@link streamConnection}. */
export interface StreamConnection {
  readonly open: boolean;
  /** Whether somebody receives. */
  readonly isReceiving: boolean;
  /**
   * What is received, for one subscriber of the connection.
   * @param begin told who that is, before anything is taken
   */
  received<T>(begin: (subscriber: Subscriber<T>) => void): Observable<T>;
  /** Queues bytes; those of one turn leave as one write. */
  enqueue(bytes: Uint8Array): void;
  readonly queuedBytes: number;
  readonly drained$: Observable<never>;
  pause(until$: Observable<unknown>): void;
  close(): void;
}

/**
 * A connection over a stream whose handshake is done.
 *
 * It handles what one step may have of a chunk, and the rest when its turn comes; until then, and while a client has
 * not read what waits for it, nothing more is read from the stream.
 * @param early bytes that arrived behind the handshake
 * @param shared what it shares with the other connections of its listener. One that was dialled has none, and
 * reads even if its peer does not: if both ends waited for each other, they would wait for ever
 */
export function streamConnection(
  stream: ByteStream,
  cutting: Cutting,
  limits: Required<ConnectionLimits>,
  early: Uint8Array | undefined,
  shared: SharedLimits | undefined,
): StreamConnection {
  let open = true;
  let failure: unknown;
  let subscribed = false;
  let receiver: Pick<Subscriber<unknown>, 'error' | 'complete'> | undefined;
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
    cutting.clear();
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
    const parts = queue;
    queue = [];
    queued = 0;
    try {
      stream.write(cutting.seal(parts));
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

  /** Handles the first part of a chunk. */
  const handle = (chunk: Uint8Array) => {
    try {
      const end = cutting.take(chunk);
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
    try {
      if (open) cutting.ended();
      close();
    } catch (error) {
      fail(error);
    }
  };

  return {
    get open() {
      return open;
    },
    get isReceiving() {
      return receiver !== undefined;
    },
    received<T>(begin: (subscriber: Subscriber<T>) => void): Observable<T> {
      return new Observable<T>((subscriber) => {
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
        begin(subscriber);
        subscriber.add(close);
        const first = rest;
        rest = undefined;
        if (first !== undefined) handle(first);
        goOn();
      });
    },
    enqueue(bytes) {
      queue.push(bytes);
      queued += bytes.length;
      if (queue.length === 1) asapScheduler.schedule(flush);
    },
    get queuedBytes() {
      return open ? queued + stream.queuedBytes : 0;
    },
    drained$: defer(() => {
      flush();
      return open ? stream.drained$ : EMPTY;
    }),
    pause: (until$) => void pause(until$),
    close,
  } satisfies StreamConnection;
}

function alreadySubscribed({ address }: ByteStream): TransportError {
  return new TransportError(
    'already-subscribed',
    `message$ of the connection with ${address} has a subscriber already: share() it to have more`,
    { address },
  );
}
