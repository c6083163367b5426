/** A TCP port that is listened at. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { NEVER, Observable, take, type Observer } from 'rxjs';
import type { ByteStream } from '../transport/byte-stream.js';
import { acceptError, listenError } from './tcp-errors.js';
import { defaultListenHost, type ListenAddress, type TcpListenerOptions } from './tcp-options.js';
import { formatAddress, keepAliveDelay, tcpStream } from './tcp-stream.js';

/**
 * Clients that the system takes before we do, as far as it allows (Linux: net.core.somaxconn, 4,096). Node's 511 are full when a pool's
 * miners return together; the others notice nothing and try again after 1, 3 and 7 s (RFC 6298).
 */
const backlog = 4_096;

/**
 * Accepts clients while subscribed, or until `acceptUntil$` has emitted; completes then, once the sockets of all have closed.
 * @param options where
 * @param shortage told when the system cannot take another client
 * @param wrap what is put around a client's socket, such as TLS
 */
export function acceptedStreams(
  {
    host = defaultListenHost,
    port,
    acceptUntil$ = NEVER,
    listeningObserver,
    handshakeErrorObserver,
  }: TcpListenerOptions,
  shortage: Pick<Observer<void>, 'next'>,
  wrap: (socket: Socket) => Socket = (socket) => socket,
): Observable<ByteStream> {
  return new Observable((subscriber) => {
    const server = createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveDelay,
    });
    const bound = (): ListenAddress => {
      const { address, port } = server.address() as AddressInfo;
      return { host: address, port };
    };
    server.on('connection', (socket: Socket) => {
      const { remoteAddress, remotePort } = socket;
      if (remoteAddress === undefined || remotePort === undefined) {
        socket.destroy(); // the client is gone already
        return;
      }
      subscriber.next(tcpStream(wrap(socket), formatAddress(remoteAddress, remotePort)));
    });
    server.on('error', (error: NodeJS.ErrnoException) => {
      // one client that cannot be taken is no reason to leave the others
      if (error.syscall === 'accept') {
        const { host, port } = bound();
        const address = formatAddress(host, port);
        handshakeErrorObserver?.next({ address, error: acceptError(error, address) });
        shortage.next();
      } else subscriber.error(listenError(error, formatAddress(host, port)));
    });
    let isOver = false;
    server.on('close', () => {
      if (isOver) subscriber.complete();
    });
    server.listen({ host, port, backlog }, () => {
      if (isOver)
        server.close(); // the name of its host was still being looked up
      else listeningObserver?.next(bound());
    });
    subscriber.add(
      acceptUntil$.pipe(take(1)).subscribe(() => {
        isOver = true;
        server.close();
      }),
    );
    return () => server.close();
  });
}
