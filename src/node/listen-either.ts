/** A TCP port for miners of Stratum V1 and clients of Stratum V2. */
import { connect, filter, map, merge, Subject, type Observable, type OperatorFunction } from 'rxjs';
import { acceptEither, type EitherAcceptOptions } from '../sv1/accept-either.js';
import type { Sv1Connection } from '../sv1/connection.js';
import type { Connection } from '../transport/connection.js';
import { nodeCrypto } from './crypto.js';
import { requirePort } from './port.js';
import { acceptedStreams } from './tcp-listener.js';
import type { TcpListenerOptions } from './tcp-options.js';

/** Where to listen, how to secure and limit the connections, and what becomes of those of Stratum V1. */
export interface EitherListenOptions extends EitherAcceptOptions, TcpListenerOptions {
  /** Makes clients of Stratum V2 of miners of Stratum V1: `sv1Miners()`. */
  readonly sv1Operator: OperatorFunction<Sv1Connection, Connection>;
}

/**
 * Listens on TCP for clients of both protocols on one port: what they say first tells which they speak. Otherwise as `listen`; keys are
 * for those of Stratum V2 alone, as Stratum V1 knows no encryption.
 * @throws TransportError `invalid-option`; NoiseError `authority-key`, `certificate-validity`
 * @example pool({ listen: listenEither({ port: 3333, authority, sv1Operator: sv1Miners() }), … })
 */
export function listenEither({ sv1Operator, ...options }: EitherListenOptions): Observable<Connection> {
  const { port } = options;
  requirePort(port, 0);
  const shortage$ = new Subject<void>();
  return acceptedStreams(options, shortage$).pipe(
    acceptEither({ crypto: nodeCrypto, nextTurn: setImmediate, ...options }, shortage$),
    connect((either$) =>
      merge(
        either$.pipe(
          filter((either) => either.protocol === 'sv2'),
          map(({ connection }) => connection),
        ),
        either$.pipe(
          filter((either) => either.protocol === 'sv1'),
          map(({ connection }) => connection),
          sv1Operator,
        ),
      ),
    ),
  );
}
