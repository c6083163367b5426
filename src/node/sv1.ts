import { TLSSocket, connect as connectTls, createSecureContext } from 'node:tls';
import { isIP, type Socket } from 'node:net';
import { map, Subject, type Observable } from 'rxjs';
import {
  acceptSv1Connections,
  sv1Connection,
  type Sv1AcceptOptions,
  type Sv1Connection,
  type Sv1ConnectionLimits,
  type Sv1Connector,
} from '../sv1/connection.js';
import type { Endpoint } from '../transport/connection.js';
import { TransportError } from '../transport/errors.js';
import { completeLimits, positive } from '../transport/limits.js';
import { dial } from './dial.js';
import { requirePort } from './port.js';
import { acceptedStreams } from './tcp-listener.js';
import { defaultConnectTimeout, type TcpListenerOptions } from './tcp-options.js';

/** Where to listen for Stratum V1 miners, and how to limit their connections. */
export interface Sv1ListenOptions extends Sv1AcceptOptions, TcpListenerOptions {
  /** Certificate chain and secret key, each in PEM; connections are plain text unless given. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** Where to connect to, and how. */
export interface Sv1ConnectOptions extends Sv1ConnectionLimits, Endpoint {
  /** Milliseconds that finding and reaching the host may take, TLS included; 10,000 unless given. */
  readonly connectTimeout?: number;
  /**
   * TLS, with a certificate that the system's authorities, or the one given in PEM, vouch for; `false`, plain text, unless
   * given.
   */
  readonly tls?: boolean | { readonly authority: string };
}

/**
 * Listens for Stratum V1 miners on TCP: binds on subscription and emits each miner's connection once it has said
 * something. Unsubscribing stops listening and closes every connection. A miner's failure goes to `handshakeErrorObserver`;
 * only the listener's own errors are errors of the stream, as for `listen`.
 * @throws TransportError `invalid-option`
 */
export function listenSv1(options: Sv1ListenOptions): Observable<Sv1Connection> {
  const { port, tls } = options;
  requirePort(port, 0);
  const shortage$ = new Subject<void>();
  const wrap = tls === undefined ? undefined : serverTls(tls);
  return acceptedStreams(options, shortage$, wrap).pipe(
    acceptSv1Connections({ nextTurn: setImmediate, ...options }, tls !== undefined, shortage$),
  );
}

/**
 * Connects to a Stratum V1 server over TCP, or TLS: dials on subscription, emits the connection and completes. Errors
 * with a TransportError `connection-refused`, `host-not-found`, `connection-timeout` ….
 * @throws TransportError `invalid-option`
 */
export function connectSv1(options: Sv1ConnectOptions): Sv1Connector {
  const { host, port, tls = false } = options;
  requirePort(port, 1);
  const connectTimeout = positive('connectTimeout', options.connectTimeout ?? defaultConnectTimeout);
  const limits = { nextTurn: setImmediate, ...options };
  const { scheduler } = completeLimits(limits, 'server');
  const wrap = tls === false ? undefined : clientTls(host, tls === true ? undefined : tls.authority);
  const connection$ = dial({ host, port }, connectTimeout, scheduler, wrap).pipe(
    map((stream) => sv1Connection(stream, { receivesFrom: 'server', encrypted: wrap !== undefined, limits })),
  );
  return Object.assign(connection$, { endpoint: { host, port } });
}

/** @throws TransportError `invalid-option` */
function serverTls({ certificate, key }: { readonly certificate: string; readonly key: string }) {
  try {
    const secureContext = createSecureContext({ cert: certificate, key });
    return (socket: Socket): Socket => new TLSSocket(socket, { isServer: true, secureContext });
  } catch (error) {
    throw new TransportError(
      'invalid-option',
      'tls: the certificate and the key are not a pair in PEM',
      { option: 'tls' },
      error,
    );
  }
}

const clientTls = (host: string, authority: string | undefined) => ({
  socket: (socket: Socket): Socket =>
    connectTls({
      socket,
      ...(isIP(host) === 0 ? { servername: host } : { host }),
      ...(authority === undefined ? {} : { ca: authority }),
    }),
  ready: 'secureConnect',
});
