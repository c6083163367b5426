/** A TCP port that is listened at. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Observable, type NextObserver, type Observer } from 'rxjs';
import type { HandshakeFailure } from '../transport/accept-streams.js';
import type { ByteStream } from '../transport/byte-stream.js';
import { acceptError, listenError } from './tcp-errors.js';
import { formatAddress, keepAliveDelay, tcpStream } from './tcp-stream.js';

/** Where a listener listens. */
export interface ListenAddress {
  /** An address of this machine; an IPv6 address is without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** Where to listen. */
export interface TcpListenerOptions {
  /**
   * A name or address of this machine; `127.0.0.1` unless given, which only this machine can reach.
   * `0.0.0.0` stands for all IPv4 interfaces, `::` for all interfaces.
   */
  readonly host?: string;
  /** 1 to 65535, or 0 for any that is free. */
  readonly port: number;
  /** Told where it listens, once it does. */
  readonly listeningObserver?: NextObserver<ListenAddress>;
  /** Told about each client that was not let in. */
  readonly handshakeErrorObserver?: NextObserver<HandshakeFailure>;
}

/** The default of `host`. */
export const defaultListenHost = '127.0.0.1';

/**
 * Clients that the system takes before we do, as far as it allows (Linux: net.core.somaxconn, 4,096). Node's 511 are full when a pool's
 * miners return together; the others notice nothing and try again after 1, 3 and 7 s (RFC 6298).
 */
const backlog = 4_096;

/**
 * Accepts clients while subscribed.
 * @param options where
 * @param shortage told when the system cannot take another client
 * @param wrap what is put around a client's socket, such as TLS
 */
export function acceptedStreams(
  { host = defaultListenHost, port, listeningObserver, handshakeErrorObserver }: TcpListenerOptions,
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
    server.listen({ host, port, backlog }, () => listeningObserver?.next(bound()));
    return () => server.close();
  });
}
