/** How much may wait for peers that do not read what they are sent: for one of them, and for all of a listener's. */
import type { ByteStream } from './byte-stream.js';
import { TransportError } from './errors.js';
import { unreadBytes } from './limits.js';

/** What waits to be sent on one connection. */
export interface SendQueue {
  readonly address: string;
  /** Bytes written that the peer has not taken yet. */
  readonly queuedBytes: number;
  /** Gives the connection up. */
  drop(error: TransportError): void;
}

/** The send queues of a listener's connections, limited together. */
export interface SendQueues {
  /** To be called whenever something has been queued, or was in the queue the last time. */
  wrote(queue: SendQueue): void;
  /** To be called when a connection has ended. */
  left(queue: SendQueue): void;
}

/**
 * Limits what waits for all clients together: above that the clients with the longest queues go, until three
 * quarters are left.
 * @param maxBytes in all
 */
export function sendQueues(maxBytes: number): SendQueues {
  /** Who was behind when it was last asked, and by how many bytes. */
  const behind = new Map<SendQueue, number>();
  /** The sum of these; queues have become shorter since, unless they wrote. */
  let total = 0;

  const set = (queue: SendQueue, bytes: number) => {
    total += bytes - (behind.get(queue) ?? 0);
    if (bytes > 0) behind.set(queue, bytes);
    else behind.delete(queue);
  };

  const shorten = () => {
    for (const queue of [...behind.keys()]) set(queue, queue.queuedBytes);
    if (total <= maxBytes) return;
    const longestFirst = [...behind].sort(([, a], [, b]) => b - a);
    for (const [queue, bytes] of longestFirst) {
      if (total <= maxBytes * 0.75) return;
      const inAll = total;
      set(queue, 0);
      queue.drop(
        new TransportError(
          'slow-consumer',
          `${queue.address} does not read: ${bytes} bytes wait for it, more than for any other client, and ` +
            `${inAll} for all of them, where at most ${maxBytes} may; disconnected`,
          {
            address: queue.address,
            queuedBytes: bytes,
            queuedBytesInAll: inAll,
            maxQueuedBytesInAll: maxBytes,
          },
        ),
      );
    }
  };

  return {
    wrote(queue) {
      set(queue, queue.queuedBytes);
      if (total > maxBytes) shorten();
    },
    left: (queue) => set(queue, 0),
  };
}

/** The send queue of a connection. */
// A class: V8 makes a dictionary of an object that is written down with a getter, for every connection one.
export class ConnectionQueue implements SendQueue {
  readonly #stream: ByteStream;
  readonly #maxBytes: number;
  readonly #all: SendQueues | undefined;
  readonly #drop: (error: TransportError) => void;
  /** Whether anything was left in the queue the last time. */
  #behind = false;

  /**
   * @param stream what it writes to
   * @param maxBytes that may wait for the peer
   * @param all the queues of its listener's connections; none for one that was dialled
   * @param drop gives the connection up
   */
  constructor(
    stream: ByteStream,
    maxBytes: number,
    all: SendQueues | undefined,
    drop: (error: TransportError) => void,
  ) {
    this.#stream = stream;
    this.#maxBytes = maxBytes;
    this.#all = all;
    this.#drop = drop;
  }

  get address(): string {
    return this.#stream.address;
  }

  get queuedBytes(): number {
    return this.#stream.queuedBytes;
  }

  drop(error: TransportError): void {
    this.#drop(error);
  }

  /**
   * To be called after each write; drops the connection if too much waits.
   * @returns whether nothing more should be read from the peer until it has read what waits for it
   */
  wrote(): boolean {
    const { queuedBytes } = this.#stream;
    if (queuedBytes === 0 && !this.#behind) return false;
    if (queuedBytes > this.#maxBytes) {
      const { address } = this;
      const maxQueuedBytes = this.#maxBytes;
      const problem = `${address} does not read: ${queuedBytes} bytes wait for it, at most ${maxQueuedBytes} may; disconnected`;
      this.drop(new TransportError('slow-consumer', problem, { address, queuedBytes, maxQueuedBytes }));
      return false;
    }
    if (this.#all === undefined) return false;
    this.#behind = queuedBytes > 0;
    this.#all.wrote(this);
    return queuedBytes > unreadBytes;
  }

  /** To be called when the connection has ended. */
  left(): void {
    if (this.#behind) this.#all?.left(this);
  }
}
