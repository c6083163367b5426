/** Reaches a server over TCP. */
import { createConnection, type Socket } from 'node:net';
import { Observable, throwError, timeout, type SchedulerLike } from 'rxjs';
import type { ByteStream } from '../transport/byte-stream.js';
import type { Endpoint } from '../transport/connection.js';
import { TransportError } from '../transport/errors.js';
import { connectionError } from './tcp-errors.js';
import { formatAddress, keepAliveDelay, tcpStream } from './tcp-stream.js';

/**
 * Dials on subscription: emits the stream once the server is reached, and completes. Errors with a TransportError
 * `connection-refused`, `host-not-found`, `connection-timeout` ….
 * @param connectTimeout milliseconds
 * @param wrap what is put around the socket, such as TLS, and which of its events says that it is there
 */
export function dial(
  { host, port }: Endpoint,
  connectTimeout: number,
  scheduler: SchedulerLike,
  wrap: { readonly socket: (socket: Socket) => Socket; readonly ready: string } = {
    socket: (socket) => socket,
    ready: 'connect',
  },
): Observable<ByteStream> {
  const address = formatAddress(host, port);
  return new Observable<ByteStream>((subscriber) => {
    const socket = wrap.socket(
      createConnection({
        host,
        port,
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: keepAliveDelay,
      }),
    );
    let handedOver = false;
    const onError = (error: Error) => subscriber.error(connectionError(error, address));
    socket.pause();
    socket.once('error', onError);
    socket.once(wrap.ready, () => {
      socket.off('error', onError);
      handedOver = true;
      subscriber.next(tcpStream(socket, address));
      subscriber.complete();
    });
    return () => {
      if (!handedOver) socket.destroy();
    };
  }).pipe(
    timeout({
      first: connectTimeout,
      scheduler,
      with: () => throwError(() => connectTimedOut(address, connectTimeout)),
    }),
  );
}

function connectTimedOut(address: string, milliseconds: number): TransportError {
  return new TransportError(
    'connection-timeout',
    `${address} was not reached within ${milliseconds} ms: check the address and firewalls on the way`,
    { address, milliseconds },
  );
}
