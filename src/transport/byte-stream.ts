import {
  catchError,
  concat,
  EMPTY,
  ignoreElements,
  finalize,
  timeout,
  type Observable,
  type SchedulerLike,
} from 'rxjs';

/** An ordered stream of bytes in both directions, over whatever carries it: what TCP and memory have in common. */
export interface ByteStream {
  /** The other end: `host:port` with an IPv6 host in brackets, or a name. */
  readonly address: string;
  /**
   * The bytes that arrive, cut anywhere. Subscribing reads, unsubscribing stops reading; nothing is lost in
   * between. One subscriber at a time, which owns the chunks; none arrives while it subscribes. Completes when the peer sends no more and when
   * the stream is destroyed; errors with a TransportError.
   */
  readonly chunk$: Observable<Uint8Array>;
  /** Completes once the stream is closed in both directions and nothing of it is left; at once if it is. */
  readonly closed$: Observable<never>;
  /** Bytes written that the peer has not taken yet. */
  readonly queuedBytes: number;
  /** Completes once the peer has taken all that was written, or the stream is closed. */
  readonly drained$: Observable<never>;
  /** Queues bytes; they must not be changed afterwards. Does nothing once the stream is ended or destroyed. */
  write(bytes: Uint8Array): void;
  /** Sends what is queued, then tells the peer that no more follows. */
  end(): void;
  /** Gives up the stream, and what is queued with it, at once. */
  destroy(): void;
}

/**
 * Closes a stream in good order: what is queued is sent, the peer is told, and what it still sends is read
 * and dropped until it closes too (a socket closed with unread bytes would reset the connection, and the
 * peer could lose what was sent last). A peer that does not follow in time is cut off.
 * @param closeTimeout milliseconds
 */
export function closeStream(stream: ByteStream, closeTimeout: number, scheduler: SchedulerLike): void {
  stream.end();
  concat(stream.chunk$.pipe(ignoreElements()), stream.closed$)
    .pipe(
      timeout({ first: closeTimeout, scheduler, with: () => EMPTY }),
      catchError(() => EMPTY),
      finalize(() => stream.destroy()),
    )
    // eslint-disable-next-line rxjs-x/no-ignored-subscription -- ends with the stream or at the time limit
    .subscribe();
}
