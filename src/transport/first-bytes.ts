/** Waits for a peer that has to speak first. */
import { concat, Observable } from 'rxjs';
import type { ByteStream } from './byte-stream.js';
import { TransportError } from './errors.js';
import type { ConnectionLimits } from './limits.js';

/**
 * The first bytes that a peer sends: emits them once, and completes. Errors with a TransportError `handshake-timeout` if
 * not enough come within `handshakeTimeout`, `peer-closed-during-handshake`, `connection-reset` …. The stream is destroyed then,
 * and when it is unsubscribed before.
 * @param isEnough whether these are all that is waited for; any are unless given
 */
export function firstBytes(
  stream: ByteStream,
  { handshakeTimeout, scheduler, nextTurn }: Required<ConnectionLimits>,
  isEnough: (received: Uint8Array) => boolean = () => true,
): Observable<Uint8Array> {
  const { address } = stream;
  return new Observable((subscriber) => {
    let received: Uint8Array | undefined;
    let came = false;
    subscriber.add(() => {
      if (!came) stream.destroy();
    });
    // what came in time is read before it is judged
    const expire = () => {
      if (!came && !subscriber.closed) subscriber.error(silent(address, received, handshakeTimeout));
    };
    subscriber.add(scheduler.schedule(() => nextTurn(expire), handshakeTimeout));
    const reading = stream.chunk$.subscribe({
      next(chunk) {
        received = received === undefined ? chunk : joined(received, chunk);
        if (!isEnough(received)) return;
        came = true;
        reading.unsubscribe();
        subscriber.next(received);
        subscriber.complete();
      },
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.error(closed(address)),
    });
    subscriber.add(reading);
  });
}

/**
 * A stream some of whose first bytes were read already, as one of which nothing was.
 * @param nextTurn see `ConnectionLimits`
 */
export function unreadStream(
  stream: ByteStream,
  early: Uint8Array,
  nextTurn: Required<ConnectionLimits>['nextTurn'],
): ByteStream {
  let rest: Uint8Array | undefined = early;
  // not while it is subscribed to
  const early$ = new Observable<Uint8Array>((subscriber) => {
    nextTurn(() => {
      if (subscriber.closed) return;
      const bytes = rest;
      rest = undefined;
      if (bytes !== undefined) subscriber.next(bytes);
      subscriber.complete();
    });
  });
  return {
    address: stream.address,
    get chunk$() {
      return rest === undefined ? stream.chunk$ : concat(early$, stream.chunk$);
    },
    get closed$() {
      return stream.closed$;
    },
    get queuedBytes() {
      return stream.queuedBytes;
    },
    get drained$() {
      return stream.drained$;
    },
    write: (bytes) => stream.write(bytes),
    end: () => stream.end(),
    destroy: () => stream.destroy(),
  };
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

const silent = (address: string, received: Uint8Array | undefined, milliseconds: number): TransportError =>
  new TransportError(
    'handshake-timeout',
    `${address} said ${received === undefined ? 'nothing' : `no more than ${received.length} bytes`} within ${milliseconds} ms`,
    { address, milliseconds },
  );

const closed = (address: string): TransportError =>
  new TransportError('peer-closed-during-handshake', `${address} closed before it said anything`, {
    address,
  });
