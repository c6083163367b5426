import { concatMap, defer, map, Observable, of, Subject, throwError, type NextObserver } from 'rxjs';
import type { AnyMessageCreator } from '../messages/own-messages.js';
import {
  acceptSv1Connections,
  sv1Connection,
  type Sv1AcceptOptions,
  type Sv1Connection,
  type Sv1ConnectionLimits,
  type Sv1Connector,
} from '../sv1/connection.js';
import { acceptConnections, type AcceptOptions } from '../transport/accept-connections.js';
import type { ByteStream } from '../transport/byte-stream.js';
import type { Connection, Connector, Endpoint } from '../transport/connection.js';
import { TransportError } from '../transport/errors.js';
import { completeLimits, type ConnectionLimits } from '../transport/limits.js';
import { declaredMessages } from '../transport/knowing.js';
import { openConnection } from '../transport/open-connection.js';
import { clientHandshake, type ClientSecurity } from '../transport/security.js';
import { memoryStreams } from './memory-streams.js';

/** Where a listener in memory is found, and how its connections are secured and limited. */
export interface MemoryListenOptions extends AcceptOptions, MemoryAddress {}

/** Where a listener in memory is found. */
export interface MemoryAddress {
  /** Any name; `memory` unless given. */
  readonly address?: string;
  /** Told once it listens. */
  readonly listeningObserver?: NextObserver<{ readonly address: string }>;
}

/** Which listener in memory to connect to, and how. Encrypted unless `encrypted` is `false`. */
export interface MemoryConnectOptions extends ClientSecurity, ConnectionLimits {
  /** The listener's name; `memory` unless given. */
  readonly address?: string;
  /** Messages that the connection knows besides those of the specification; others of extensions are `Unknown`. */
  readonly messages?: readonly AnyMessageCreator[];
}

/** A network of its own, in memory: `listen` and `connect` as in `rx-sv2/node`, without sockets. */
export interface MemoryNetwork {
  /** As `listen` of `rx-sv2/node`; clients are named `client 1`, `client 2` …. Errors with `address-in-use`. */
  listen(options?: MemoryListenOptions): Observable<Connection>;
  /**
   * As `connect` of `rx-sv2/node`. Errors with `connection-refused` if nobody listens. Knows its endpoint if the
   * address has the form `host:port`, and redirects to such an address.
   */
  connect(options?: MemoryConnectOptions): Connector;
  /** As `listenSv1` of `rx-sv2/node`. */
  listenSv1(options?: Sv1AcceptOptions & MemoryAddress): Observable<Sv1Connection>;
  /** As `connectSv1` of `rx-sv2/node`. */
  connectSv1(options?: Sv1ConnectionLimits & Pick<MemoryAddress, 'address'>): Sv1Connector;
  /** A client's bytes, whatever they are. */
  dial(address?: string): Observable<ByteStream>;
}

const defaultAddress = 'memory';

/**
 * Makes a network in memory. Bytes travel through `asapScheduler`, and all other time is the `scheduler` of
 * the options, so that everything happens in virtual time inside `TestScheduler.run`.
 */
export function memoryNetwork(): MemoryNetwork {
  const listeners = new Map<string, Subject<ByteStream>>();
  let clients = 0;

  /** The streams of those who connect to an address. */
  function arrivals({ address = defaultAddress, listeningObserver }: MemoryAddress): Observable<ByteStream> {
    return new Observable((subscriber) => {
      if (listeners.has(address)) {
        subscriber.error(
          new TransportError('address-in-use', `${address} is in use: choose another name`, { address }),
        );
        return;
      }
      const client$ = new Subject<ByteStream>();
      listeners.set(address, client$);
      subscriber.add(() => listeners.delete(address));
      subscriber.add(client$.subscribe(subscriber));
      listeningObserver?.next({ address });
    });
  }

  /** The stream to whoever listens at an address. */
  function dial(address: string): Observable<ByteStream> {
    return defer(() => {
      const listener = listeners.get(address);
      if (listener === undefined) return throwError(() => refused(address));
      clients += 1;
      const [near, far] = memoryStreams(address, `client ${clients}`);
      listener.next(far);
      return of(near);
    });
  }

  return {
    listen(options: MemoryListenOptions = {}) {
      return arrivals(options).pipe(acceptConnections(options));
    },
    listenSv1(options: Sv1AcceptOptions & MemoryAddress = {}) {
      return arrivals(options).pipe(acceptSv1Connections(options, false));
    },
    connectSv1({
      address = defaultAddress,
      ...limits
    }: Sv1ConnectionLimits & Pick<MemoryAddress, 'address'> = {}) {
      const connection$ = dial(address).pipe(
        map((stream) => sv1Connection(stream, { receivesFrom: 'server', encrypted: false, limits })),
      );
      return Object.assign(connection$, endpointOf(address));
    },
    dial(address = defaultAddress) {
      return dial(address);
    },
    connect,
  } satisfies MemoryNetwork;

  function connect(options: MemoryConnectOptions = {}): Connector {
    const { address = defaultAddress } = options;
    const limits = completeLimits(options, 'server');
    const messages = declaredMessages(options.messages);
    const handshake = clientHandshake(options, () => limits.scheduler.now());
    const connection$ = dial(address).pipe(
      concatMap((stream) =>
        openConnection(stream, { ...limits, receivesFrom: 'server', messages, handshake }),
      ),
    );
    return Object.assign(connection$, {
      ...endpointOf(address),
      redirect: (endpoint: Endpoint) => connect({ ...options, address: `${endpoint.host}:${endpoint.port}` }),
    });
  }
}

/** What an address of the form `host:port` says. */
function endpointOf(address: string): { readonly endpoint?: Endpoint } {
  const [, host, port] = /^(.+):(\d+)$/.exec(address) ?? [];
  return host === undefined ? {} : { endpoint: { host, port: Number(port) } };
}

const refused = (address: string): TransportError =>
  new TransportError('connection-refused', `${address} refused the connection: nobody listens there`, {
    address,
  });

/**
 * Makes two plaintext connections that are each other's peer, `client` and `server`.
 * @param limits of both
 */
export function memoryPair(limits: ConnectionLimits = {}): readonly [client: Connection, server: Connection] {
  const [near, far] = memoryStreams('server', 'client');
  return [connectionOver(near, 'server', limits), connectionOver(far, 'client', limits)];
}

function connectionOver(
  stream: ByteStream,
  receivesFrom: 'client' | 'server',
  limits: ConnectionLimits,
): Connection {
  let connection: Connection | undefined;
  // Without a handshake the connection is there at once, so that nothing is left to wait for.
  openConnection(stream, { ...limits, receivesFrom })
    .subscribe((opened) => (connection = opened))
    .unsubscribe();
  return connection as Connection;
}
