/** A cluster's bus over NATS. Its client is loaded when a cluster is asked for, and not before. */
import { concatMap, from, Observable, share } from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import type { Bus } from './bus.js';
import { natsCredentials, type NatsCredentials } from './nats-credentials.js';

/** What becomes of the connection to the broker. */
export interface NatsStatus {
  readonly type: 'NatsLost' | 'NatsBack';
  /** Host and port of the server. */
  readonly server: string;
}

/**
 * A `NatsConnection` of `@nats-io/transport-node`, by what is needed of it here: its own types ask for a newer library of TypeScript than
 * ours do, and would have to be read by all who use `rx-sv2/node`.
 */
export interface NatsClient {
  /** Closes at once, whatever is under way. */
  close(): Promise<void>;
}

/** A connection to a broker. */
export interface NatsBus extends Bus {
  /** Whether anything that is published now goes out. */
  readonly isConnected: boolean;
  /** The client itself, for JetStream. */
  readonly connection: NatsClient;
  /** That the connection is lost, and that it is back. Completes when it is closed. */
  readonly status$: Observable<NatsStatus>;
  /** Sends what is under way, and closes. */
  close(): Promise<void>;
}

/** Milliseconds between pings; a server that leaves two unanswered is gone, so that a line that is cut is seen in 15 s. */
const pingInterval = 5_000;

/** Milliseconds between two attempts to be back at a server. */
const reconnectWait = 500;

/** Who we are to a broker, besides what its URL says. None of it is in any error. */
export interface NatsIdentity {
  /** The text of a credentials file: JWT and seed as `nsc` writes them, or the seed of an NKey user. */
  readonly credentials?: Uint8Array;
  /** In PEM: whom to trust, and our own certificate with its key. Any of them has the connection encrypted. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/**
 * Connects to a NATS server, or to a cluster of them. Once connected it comes back whenever the connection is lost.
 * @param url `nats://HOST:PORT`, `tls://HOST:PORT`, of several the first and `,HOST:PORT` for each other; before the first host
 *   `USER:PASSWORD@`, or `TOKEN@`
 * @throws Sv2Error `invalid-cluster-url`, `invalid-cluster-credentials`, `cluster-unavailable`; none says what is secret
 */
export async function natsBus(url: string, { credentials, ...tls }: NatsIdentity = {}): Promise<NatsBus> {
  const { servers, isEncrypted, ...user } = natsServers(url);
  const own = credentials === undefined ? undefined : natsCredentials(credentials);
  const { connect, jwtAuthenticator, nkeyAuthenticator } = await import('@nats-io/transport-node');
  const authenticatorOf = ({ jwt, seed }: NatsCredentials) =>
    jwt === undefined ? nkeyAuthenticator(seed) : jwtAuthenticator(jwt, seed);
  const connection = await connect({
    servers: [...servers],
    ...user,
    ...(own === undefined ? {} : { authenticator: authenticatorOf(own) }),
    ...(isEncrypted || Object.keys(tls).length > 0 ? { tls } : {}),
    name: 'rx-sv2',
    maxReconnectAttempts: -1,
    reconnectTimeWait: reconnectWait,
    pingInterval,
    maxPingOut: 2,
  }).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new Sv2Error(
      'cluster-unavailable',
      `cannot connect to NATS at ${servers.join(', ')}: ${why}`,
      { servers },
      error,
    );
  });
  let isConnected = true;
  const status$ = from(connection.status()).pipe(
    concatMap((status): NatsStatus[] => {
      if (status.type === 'disconnect' && isConnected) {
        isConnected = false;
        return [{ type: 'NatsLost', server: status.server }];
      }
      if (status.type !== 'reconnect') return [];
      isConnected = true;
      return [{ type: 'NatsBack', server: status.server }];
    }),
    share(),
  );
  const watching = status$.subscribe(); // so that it is known whether anything can be published
  return {
    connection,
    maxBytes: connection.info?.max_payload ?? 1024 * 1024,
    status$,
    get isConnected() {
      return isConnected && !connection.isClosed();
    },
    publish(subject, payload) {
      // what the client would keep until it is back has no limit, and would come too late
      if (isConnected && !connection.isClosed()) connection.publish(subject, payload);
    },
    message$: (subject) =>
      new Observable((subscriber) => {
        const subscription = connection.subscribe(subject, {
          callback: (error, message) => {
            if (error === null) subscriber.next(message.data);
            else subscriber.error(error);
          },
        });
        return () => subscription.unsubscribe();
      }),
    async close() {
      if (!isConnected) await connection.close();
      else if (!connection.isClosed()) await connection.drain();
      watching.unsubscribe();
    },
  };
}

/** Where servers are, and who we are to them. */
export interface NatsServers {
  /** Of each `HOST:PORT`. */
  readonly servers: readonly [string, ...string[]];
  readonly isEncrypted: boolean;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
}

/** Where a NATS server is unless a port is given. */
const defaultPort = 4222;

/**
 * Reads the URL of a cluster's broker.
 * @throws Sv2Error `invalid-cluster-url`, without what may be a secret
 */
export function natsServers(url: string): NatsServers {
  const invalid = (expected: string): Sv2Error =>
    new Sv2Error(
      'invalid-cluster-url',
      `expected ${expected}, as in nats://user:password@host:4222,other:4222`,
    );
  const scheme = /^(nats|tls):\/\//.exec(url);
  if (scheme === null) throw invalid('nats:// or tls://');
  const parts = url.slice(scheme[0].length).split(',');
  const parsed = parts.map((part, index) => {
    let place: URL;
    try {
      place = new URL(`http://${part}`);
    } catch {
      throw invalid(`a host and a port as number ${index + 1}`);
    }
    if (
      place.hostname === '' ||
      !['', '/'].includes(place.pathname) ||
      place.search !== '' ||
      place.hash !== ''
    )
      throw invalid(`only a host and a port as number ${index + 1}`);
    if (index > 0 && (place.username !== '' || place.password !== ''))
      throw invalid('user and password before the first host alone');
    // port 80 is what http has unless given, and is left out when it is
    const port = place.port !== '' ? place.port : /:80\/?$/.test(part) ? '80' : String(defaultPort);
    return { server: `${place.hostname}:${port}`, user: place.username, pass: place.password };
  });
  const [first, ...others] = parsed.map(({ server }) => server) as [string, ...string[]];
  const [{ user, pass }] = parsed as [(typeof parsed)[number]];
  return {
    servers: [first, ...others],
    isEncrypted: scheme[1] === 'tls',
    ...(user === '' ? {} : pass === '' ? { token: decodeURIComponent(user) } : {}),
    ...(user === '' || pass === '' ? {} : { user: decodeURIComponent(user), pass: decodeURIComponent(pass) }),
  };
}
