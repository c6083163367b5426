import { Observable, type NextObserver, type OperatorFunction, type Subscription } from 'rxjs';
import type { ByteStream } from './byte-stream.js';
import type { Connection } from './connection.js';
import { TransportError } from './errors.js';
import { completeLimits, positive, type ConnectionLimits } from './limits.js';
import { openConnection } from './open-connection.js';
import { serverHandshakes, type ServerSecurity } from './security.js';

/** A client that was not let in. */
export interface HandshakeFailure {
  /** The client's `host:port`, or name. */
  readonly address: string;
  /** NoiseError, or TransportError `handshake-timeout`, `too-many-connections` …. */
  readonly error: unknown;
}

/** How a listener secures and limits its connections. */
export interface AcceptOptions extends ServerSecurity, ConnectionLimits {
  /** Connections at one time, handshakes under way included; 16,384 unless given. Those beyond are closed at once. */
  readonly maxConnections?: number;
  /** Told about each client that was not let in. */
  readonly handshakeErrorObserver?: NextObserver<HandshakeFailure>;
}

/** The default of `maxConnections`. */
export const defaultMaxConnections = 16_384;

/**
 * Turns the streams of a listener into its clients' connections. A client that fails is reported to the
 * `handshakeErrorObserver` and disturbs nobody else. Unsubscribing closes every handshake under way and every
 * connection.
 * @throws TransportError `invalid-option`; NoiseError `authority-key`, `certificate-validity`
 */
export function acceptConnections(options: AcceptOptions): OperatorFunction<ByteStream, Connection> {
  const maxConnections = positive('maxConnections', options.maxConnections ?? defaultMaxConnections);
  const limits = completeLimits(options, 'client');
  const handshakes = serverHandshakes(options, () => limits.scheduler.now());
  const { handshakeErrorObserver } = options;

  return (stream$) =>
    new Observable((subscriber) => {
      const live = new Set<() => void>();
      const shared = handshakes?.();
      const openOptions = { ...limits, receivesFrom: 'client', handshake: shared?.start } as const;
      subscriber.add(() => {
        [...live].forEach((close) => close());
        shared?.clear();
      });

      const accept = (stream: ByteStream) => {
        const { address } = stream;
        if (live.size >= maxConnections) {
          stream.destroy();
          handshakeErrorObserver?.next({ address, error: tooMany(address, maxConnections) });
          return;
        }
        let opening: Subscription | undefined;
        let connection: Connection | undefined;
        const close = () => {
          watching.unsubscribe();
          opening?.unsubscribe();
          connection?.close();
        };
        const watching = stream.closed$.subscribe({ complete: () => live.delete(close) });
        live.add(close);
        opening = openConnection(stream, openOptions).subscribe({
          next(opened) {
            connection = opened;
            subscriber.next(opened);
          },
          error: (error: unknown) => handshakeErrorObserver?.next({ address, error }),
          complete() {
            opening = undefined;
          },
        });
      };

      subscriber.add(
        stream$.subscribe({
          next: accept,
          error: (error: unknown) => subscriber.error(error),
          complete: () => subscriber.complete(),
        }),
      );
    });
}

function tooMany(address: string, maxConnections: number): TransportError {
  return new TransportError(
    'too-many-connections',
    `${address} was turned away: ${maxConnections} connections are open, as many as maxConnections allows`,
    { address, maxConnections },
  );
}
