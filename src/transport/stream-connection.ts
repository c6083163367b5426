/** A connection over a stream of bytes, whatever they are cut into: its order, its turns, its limits and its end. */
import { asapScheduler, defer, EMPTY, Observable, Subscription, type Subscriber } from 'rxjs';
import { closeStream, type ByteStream } from './byte-stream.js';
import { EncryptionMismatch, refuseMismatch } from './encryption-mismatch.js';
import { TransportError } from './errors.js';
import type { ConnectionLimits } from './limits.js';
import { ConnectionQueue, type SendQueues } from './send-queues.js';
import { createTurns, type Step, type Turns } from './turns.js';

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

/** What is called with what is received. */
type Receiver = Pick<Subscriber<unknown>, 'error' | 'complete'>;

/** Connections with bytes that have yet to leave in this turn; one action for all of them. */
let unflushed: StreamConnection[] = [];

const flushAll = (): void => {
  const connections = unflushed;
  unflushed = [];
  for (const connection of connections) connection.flush();
};

/**
 * A connection over a stream whose handshake is done.
 *
 * It handles what one step may have of a chunk, and the rest when its turn comes, or all if others have just taken long; until then, and
 * while a client has not read what waits for it, nothing more is read from the stream. What is sent while a chunk is handled leaves as one
 * write: with what the other connections of its listener are sent in this turn, or if it has none when the chunk has been handled. What is
 * sent at other times leaves when the code that runs has ended.
 */
// A class, as every connection has one: closures and their context took 2 KiB of each, and an action and a promise for each answer 3 µs.
export class StreamConnection {
  readonly #stream: ByteStream;
  readonly #cutting: Cutting;
  readonly #limits: Required<ConnectionLimits>;
  readonly #unread: ConnectionQueue;
  #open = true;
  #failure: unknown;
  #subscribed = false;
  #receiver: Receiver | undefined;
  /**
   * What is to be written. None while there is nothing: an array that outlives its turn is moved to where old objects are, and
   * keeps what was put into it from being collected young, which was 370 of the 620 bytes that each share left there.
   */
  #queue: Uint8Array[] | undefined;
  /** Bytes of these. */
  #queued = 0;
  /** Whether a chunk is being handled, or flushing is scheduled: somebody will flush. */
  #willFlush = false;
  /** What has been read and waits for its turn. */
  #rest: Uint8Array | undefined;
  #reading = Subscription.EMPTY;
  /** What reading waits for. */
  #pauses: Set<Subscription> | undefined;
  /** Waits for a peer that does not read. */
  #draining = Subscription.EMPTY;
  #turns: Turns | undefined;
  #handleRest: Step | undefined;

  /**
   * @param early bytes that arrived behind the handshake
   * @param shared what it shares with the other connections of its listener. One that was dialled has none, and
   * reads even if its peer does not: if both ends waited for each other, they would wait for ever
   */
  constructor(
    stream: ByteStream,
    cutting: Cutting,
    limits: Required<ConnectionLimits>,
    early: Uint8Array | undefined,
    shared: SharedLimits | undefined,
  ) {
    this.#stream = stream;
    this.#cutting = cutting;
    this.#limits = limits;
    this.#rest = early;
    this.#turns = shared?.turns;
    this.#unread = new ConnectionQueue(stream, limits.maxQueuedBytes, shared?.sendQueues, (error) =>
      this.fail(error),
    );
  }

  get open(): boolean {
    return this.#open;
  }

  /** Whether somebody receives. */
  get isReceiving(): boolean {
    return this.#receiver !== undefined;
  }

  /**
   * What is received, for one subscriber of the connection.
   * @param begin told who that is, before anything is taken
   */
  received<T>(begin: (subscriber: Subscriber<T>) => void): Observable<T> {
    return new Observable<T>((subscriber) => {
      if (this.#subscribed) {
        subscriber.error(alreadySubscribed(this.#stream));
        return;
      }
      this.#subscribed = true;
      if (!this.#open) {
        if (this.#failure === undefined) subscriber.complete();
        else subscriber.error(this.#failure);
        return;
      }
      this.#receiver = subscriber;
      begin(subscriber);
      subscriber.add(() => this.close());
      const first = this.#rest;
      this.#rest = undefined;
      if (first !== undefined) this.#handle(first);
      this.#goOn();
    });
  }

  /** Queues bytes; those of one turn leave as one write. */
  enqueue(bytes: Uint8Array): void {
    if (this.#queue === undefined) this.#queue = [bytes];
    else this.#queue.push(bytes);
    this.#queued += bytes.length;
    if (this.#willFlush) return;
    this.#willFlush = true;
    if (unflushed.length === 0) asapScheduler.schedule(flushAll);
    unflushed.push(this);
  }

  get queuedBytes(): number {
    return this.#open ? this.#queued + this.#stream.queuedBytes : 0;
  }

  get drained$(): Observable<never> {
    return defer(() => {
      this.flush();
      return this.#open ? this.#stream.drained$ : EMPTY;
    });
  }

  pause(until$: Observable<unknown>): void {
    this.#pause(until$);
  }

  /** Writes what is queued. */
  flush(): void {
    this.#willFlush = false;
    const parts = this.#queue;
    if (parts === undefined) return;
    this.#queue = undefined;
    this.#queued = 0;
    try {
      this.#stream.write(this.#cutting.seal(parts));
    } catch (error) {
      this.fail(error);
      return;
    }
    if (this.#unread.wrote() && this.#open) this.#waitForReader();
  }

  close(): void {
    if (!this.#open) return;
    this.flush();
    if (!this.#open) return;
    this.#release();
    const completing = this.#receiver;
    this.#receiver = undefined;
    completing?.complete();
    closeStream(this.#stream, this.#limits.closeTimeout, this.#limits.scheduler);
  }

  /** Ends it with an error. */
  fail(error: unknown): void {
    if (!this.#open) return;
    this.#failure = error;
    this.#release();
    if (error instanceof EncryptionMismatch) refuseMismatch(this.#stream, error, this.#limits);
    else this.#stream.destroy();
    const failing = this.#receiver;
    this.#receiver = undefined;
    failing?.error(error);
  }

  /** Lets go of everything but the stream and the receiver. */
  #release(): void {
    this.#open = false;
    this.#queue = undefined;
    this.#rest = undefined;
    this.#reading.unsubscribe();
    for (const pause of this.#pauses ?? []) pause.unsubscribe();
    this.#pauses = undefined;
    this.#cutting.clear();
    this.#unread.left();
  }

  get #isPaused(): boolean {
    return this.#pauses !== undefined && this.#pauses.size > 0;
  }

  #pause(until$: Observable<unknown>): Subscription {
    if (!this.#open) return Subscription.EMPTY;
    this.#reading.unsubscribe();
    const waiting = new Subscription();
    const pauses = (this.#pauses ??= new Set());
    pauses.add(waiting);
    const resume = (): void => {
      pauses.delete(waiting);
      waiting.unsubscribe();
      this.#goOn();
    };
    waiting.add(until$.subscribe({ error: resume, complete: resume }));
    return waiting;
  }

  #waitForReader(): void {
    if (this.#draining.closed) this.#draining = this.#pause(this.#stream.drained$);
  }

  /** Reads, or asks for a turn for what has been read; neither while it is paused. */
  #goOn(): void {
    if (!this.#open || this.#receiver === undefined || this.#isPaused) return;
    if (this.#rest === undefined) {
      if (this.#reading.closed) this.#read();
    } else {
      this.#reading.unsubscribe();
      this.#turns ??= createTurns(() => this.#limits.scheduler.now(), this.#limits.nextTurn);
      this.#turns.connection((this.#handleRest ??= () => this.#takeTurn()));
    }
  }

  #read(): void {
    this.#reading = this.#stream.chunk$.subscribe({
      next: (chunk) => {
        if (this.#turns?.mayRead() === false) this.#rest = chunk;
        else if (!this.#handle(chunk)) return;
        this.#goOn();
      },
      error: (error: unknown) => this.fail(error),
      complete: () => this.#ended(),
    });
  }

  /** Handles the first part of a chunk, and writes what is sent meanwhile. Returns whether there is a rest. */
  #handle(chunk: Uint8Array): boolean {
    const isScheduled = this.#willFlush;
    this.#willFlush = true;
    try {
      const end = this.#cutting.take(chunk);
      if (this.#open && end < chunk.length) this.#rest = chunk.subarray(end);
    } catch (error) {
      this.fail(error);
    }
    if (!isScheduled) this.#leave();
    return this.#rest !== undefined;
  }

  /** What was sent while a chunk was handled leaves with what others are sent in this turn. */
  #leave(): void {
    if (this.#open && this.#queue !== undefined && this.#turns !== undefined) this.#turns.leaving(this);
    else this.flush();
  }

  /** Handles more of what has been read. Returns whether there is more still. */
  #takeTurn(): boolean {
    if (this.#rest === undefined || this.#isPaused) return false;
    const chunk = this.#rest;
    this.#rest = undefined;
    if (!this.#handle(chunk)) {
      this.#goOn();
      return false;
    }
    // a pause that has ended meanwhile has begun to read
    this.#reading.unsubscribe();
    return !this.#isPaused;
  }

  #ended(): void {
    try {
      if (this.#open) this.#cutting.ended();
      this.close();
    } catch (error) {
      this.fail(error);
    }
  }
}

function alreadySubscribed({ address }: ByteStream): TransportError {
  return new TransportError(
    'already-subscribed',
    `message$ of the connection with ${address} has a subscriber already: share() it to have more`,
    { address },
  );
}
