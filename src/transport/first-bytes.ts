/** Waits for a peer that has to speak first. */
import { Observable } from 'rxjs';
import type { ByteStream } from './byte-stream.js';
import { TransportError } from './errors.js';
import type { ConnectionLimits } from './limits.js';

/**
 * The first bytes that a peer sends: emits them once, and completes. Errors with a TransportError `handshake-timeout` if
 * none come within `handshakeTimeout`, `peer-closed-during-handshake`, `connection-reset` …. The stream is destroyed then,
 * and when it is unsubscribed before.
 */
export function firstBytes(
  stream: ByteStream,
  { handshakeTimeout, scheduler, nextTurn }: Required<ConnectionLimits>,
): Observable<Uint8Array> {
  const { address } = stream;
  return new Observable((subscriber) => {
    let came = false;
    subscriber.add(() => {
      if (!came) stream.destroy();
    });
    // what came in time is read before it is judged
    const expire = () => {
      if (!came && !subscriber.closed) subscriber.error(silent(address, handshakeTimeout));
    };
    subscriber.add(scheduler.schedule(() => nextTurn(expire), handshakeTimeout));
    const reading = stream.chunk$.subscribe({
      next(chunk) {
        came = true;
        reading.unsubscribe();
        subscriber.next(chunk);
        subscriber.complete();
      },
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.error(closed(address)),
    });
    subscriber.add(reading);
  });
}

const silent = (address: string, milliseconds: number): TransportError =>
  new TransportError('handshake-timeout', `${address} said nothing within ${milliseconds} ms`, {
    address,
    milliseconds,
  });

const closed = (address: string): TransportError =>
  new TransportError('peer-closed-during-handshake', `${address} closed before it said anything`, {
    address,
  });
