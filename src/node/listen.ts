import { Subject, type Observable } from 'rxjs';
import { acceptConnections, type AcceptOptions } from '../transport/accept-connections.js';
import type { Connection } from '../transport/connection.js';
import { nodeCrypto } from './crypto.js';
import { requirePort } from './port.js';
import { acceptedStreams } from './tcp-listener.js';
import type { TcpListenerOptions } from './tcp-options.js';

export { defaultListenHost, type ListenAddress } from './tcp-options.js';

/** Where to listen, and how to secure and limit the connections. */
export interface ListenOptions extends AcceptOptions, TcpListenerOptions {}

/**
 * Listens for Stratum V2 clients on TCP: binds on subscription and emits each client's connection after its
 * handshake. Unsubscribing stops listening and closes every handshake under way and every connection it
 * emitted. A client's failure goes to `handshakeErrorObserver`; only the listener's own errors
 * (TransportError `address-in-use`, `address-not-available`, `permission-denied`, `host-not-found`,
 * `listen-failed`) are errors of the stream.
 * @throws TransportError `invalid-option`; NoiseError `authority-key`, `certificate-validity`
 */
export function listen(options: ListenOptions): Observable<Connection> {
  const { port } = options;
  requirePort(port, 0);
  const shortage$ = new Subject<void>();
  return acceptedStreams(options, shortage$).pipe(
    acceptConnections({ crypto: nodeCrypto, nextTurn: setImmediate, ...options }, shortage$),
  );
}
