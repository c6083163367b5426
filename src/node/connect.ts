import type { AnyMessageCreator } from '../messages/own-messages.js';
import { concatMap, type NextObserver } from 'rxjs';
import { NoiseError } from '../noise/errors.js';
import { parseStratumUrl } from '../noise/url.js';
import type { Connector, Endpoint } from '../transport/connection.js';
import type { SilentServer } from '../transport/encryption-mismatch.js';
import { TransportError } from '../transport/errors.js';
import { completeLimits, positive, type ConnectionLimits } from '../transport/limits.js';
import { declaredMessages } from '../transport/knowing.js';
import { openConnection } from '../transport/open-connection.js';
import { clientHandshake, type ClientSecurity } from '../transport/security.js';
import { nodeCrypto } from './crypto.js';
import { dial } from './dial.js';
import { defaultConnectTimeout } from './tcp-options.js';

import { requirePort } from './port.js';

/** How to secure and limit a connection that is dialled. */
export interface DialOptions extends ClientSecurity, ConnectionLimits {
  /** Milliseconds that finding and reaching the host may take; 10,000 unless given. */
  readonly connectTimeout?: number;
  /** Messages that the connection knows besides those of the specification; others of extensions are `Unknown`. */
  readonly messages?: readonly AnyMessageCreator[];
  /**
   * Told once a connection about a server that takes it and has not answered after 1.5 s: one that expects
   * encryption where this side does not encrypt, or the other way round, may say nothing for ever.
   */
  readonly silenceObserver?: NextObserver<SilentServer>;
}

/** Where to connect to, and how. */
export interface ConnectOptions extends DialOptions {
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

export { defaultConnectTimeout };

/**
 * Connects to a Stratum V2 server over TCP: dials on subscription, does the handshake, emits the connection
 * and completes. Unsubscribing before that gives up; afterwards the connection belongs to whoever received it.
 * Errors with a TransportError (`connection-refused`, `host-not-found`, `connection-timeout`,
 * `handshake-timeout`, `peer-closed-during-handshake` …) or a NoiseError (`certificate-…`,
 * `handshake-authentication-failed`).
 *
 * It knows its endpoint and how to dial another one with the same key and limits (spec §3.6.5).
 * @param target `stratum2+tcp://host:port[/AUTHORITY_KEY]` (spec §4.7), or host and port
 * @param options for a URL; an `authorityPublicKey` among them goes before the URL's
 * @throws NoiseError `url`, `authority-key`; TransportError `invalid-option`
 */
export function connect(url: string, options?: DialOptions): Connector;
/** As above, with host and port instead of a URL. */
export function connect(options: ConnectOptions): Connector;
export function connect(target: string | ConnectOptions, dialOptions: DialOptions = {}): Connector {
  const options = typeof target === 'string' ? { ...fromUrl(target), ...dialOptions } : target;
  const { host, port } = options;
  if (typeof host !== 'string' || host === '') {
    throw new TransportError('invalid-option', 'host must be a name or an address', { option: 'host' });
  }
  requirePort(port, 1);
  const limits = completeLimits({ nextTurn: setImmediate, ...options }, 'server');
  const connectTimeout = positive('connectTimeout', options.connectTimeout ?? defaultConnectTimeout);
  const { scheduler } = limits;
  const { silenceObserver } = options;
  const handshake = clientHandshake({ crypto: nodeCrypto, ...options }, () => scheduler.now());

  const messages = declaredMessages(options.messages);
  const connection$ = dial({ host, port }, connectTimeout, scheduler).pipe(
    concatMap((stream) =>
      openConnection(stream, {
        ...limits,
        receivesFrom: 'server',
        messages,
        handshake,
        ...(silenceObserver === undefined ? {} : { silenceObserver }),
      }),
    ),
  );
  return Object.assign(connection$, {
    endpoint: { host, port },
    redirect: (endpoint: Endpoint) => connect({ ...options, ...endpoint }),
  });
}

function fromUrl(url: string): ConnectOptions {
  const { host, port, authorityPublicKey, user } = parseStratumUrl(url);
  if (user !== undefined) {
    throw new NoiseError(
      'url',
      'the URL is wrong: it names a user before the @, whom a connection does not need: leave USER@ out',
    );
  }
  return { host, port, ...(authorityPublicKey === undefined ? {} : { authorityPublicKey }) };
}
