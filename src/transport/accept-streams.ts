/** Turns the streams of a listener into its clients' connections, within the limits that they have together. */
import { EMPTY, Observable, Subscription, type NextObserver, type OperatorFunction } from 'rxjs';
import type { ByteStream } from './byte-stream.js';
import { TransportError } from './errors.js';
import type { ConnectionLimits, ListenerLimits } from './limits.js';
import { hostOf, newcomers, type NewcomerLimits, type Surplus } from './newcomers.js';
import { sendQueues } from './send-queues.js';
import type { SharedLimits } from './stream-connection.js';
import { createTurns } from './turns.js';

/** A client that was not let in. */
export interface HandshakeFailure {
  /** The client's `host:port`, or name. */
  readonly address: string;
  /** NoiseError, or TransportError `handshake-timeout`, `too-many-connections` …. */
  readonly error: unknown;
}

/** How the streams of a listener become connections. */
export interface Accepting<C> {
  readonly limits: Required<ConnectionLimits>;
  readonly listenerLimits: Required<ListenerLimits>;
  /** Told about each client that was not let in. */
  readonly handshakeErrorObserver: NextObserver<HandshakeFailure> | undefined;
  /** Called once a listener listens. */
  begin(shared: SharedLimits): Opening<C>;
}

/** How one listener opens connections. */
export interface Opening<C> {
  /**
   * Opens the connection of a client: emits it and completes. From then on it belongs to whoever received it; until
   * then unsubscribing destroys the stream.
   * @param spoke to be called when the client has said its part of a handshake
   */
  connect(stream: ByteStream, spoke: () => void): Observable<C>;
  /** The listener is no more. */
  end(): void;
}

/** A client from its arrival to its end. */
interface Client {
  readonly address: string;
  /** Ends it, whatever it is doing. */
  close(): void;
}

/**
 * A client that fails is reported to the `handshakeErrorObserver` and disturbs nobody else. Unsubscribing closes every
 * handshake under way and every connection.
 * @param shortage$ emits when the system has no place for another client: some of the newcomers that say nothing
 * make place then
 */
export function acceptStreams<C extends { close(): void }>(
  { limits, listenerLimits, handshakeErrorObserver, begin }: Accepting<C>,
  shortage$: Observable<unknown> = EMPTY,
): OperatorFunction<ByteStream, C> {
  const now = () => limits.scheduler.now();

  return (stream$) =>
    new Observable((subscriber) => {
      const live = new Set<Client>();
      const admission = newcomers<Client>(listenerLimits);
      const { connect, end } = begin({
        turns: createTurns(now, limits.nextTurn),
        sendQueues: sendQueues(listenerLimits.maxQueuedBytesInAll),
      });
      subscriber.add(() => {
        [...live].forEach(({ close }) => close());
        end();
      });

      const turnAway = ({ address, close }: Client, error: TransportError) => {
        close();
        handshakeErrorObserver?.next({ address, error });
      };
      const makeRoom = ({ client, limit }: Surplus<Client>) =>
        turnAway(client, tooMany(client.address, limit, listenerLimits[limit]));

      const accept = (stream: ByteStream) => {
        const { address } = stream;
        const opening = new Subscription();
        let connection: C | undefined;
        const client: Client = {
          address,
          close() {
            if (connection !== undefined) connection.close();
            else if (live.has(client)) opening.unsubscribe();
            else stream.destroy();
          },
        };
        const surplus = admission.arrived(client, hostOf(address));
        if (surplus !== undefined) makeRoom(surplus);
        if (surplus?.client === client) return;

        live.add(client);
        const watching = stream.closed$.subscribe({
          complete() {
            live.delete(client);
            admission.gone(client);
          },
        });
        subscriber.add(watching);
        opening.add(
          connect(stream, () => admission.spoke(client)).subscribe({
            next(opened) {
              connection = opened;
              const beyond = admission.connected(client);
              if (beyond === undefined) subscriber.next(opened);
              else makeRoom(beyond);
            },
            error: (error: unknown) => handshakeErrorObserver?.next({ address, error }),
          }),
        );
      };

      subscriber.add(
        shortage$.subscribe(() => {
          // a few at a time, as nobody knows how many more places are needed
          for (const client of [...admission.idle].slice(0, Math.ceil(admission.idle.size / 8))) {
            admission.gone(client);
            turnAway(client, noRoom(client.address));
          }
        }),
      );
      subscriber.add(
        stream$.subscribe({
          next: accept,
          error: (error: unknown) => subscriber.error(error),
          complete: () => subscriber.complete(),
        }),
      );
    });
}

const counted: Readonly<Record<keyof NewcomerLimits, string>> = {
  maxConnections: 'connections are open',
  maxHandshakes: 'clients have not finished their handshake',
  maxConnectionsPerAddress: 'clients of its address are here',
};

function tooMany(address: string, limit: keyof NewcomerLimits, value: number): TransportError {
  return new TransportError(
    'too-many-connections',
    `${address} was turned away: ${value} ${counted[limit]}, as many as ${limit} allows`,
    { address, [limit]: value },
  );
}

function noRoom(address: string): TransportError {
  return new TransportError(
    'too-many-connections',
    `${address} was turned away: it said nothing, and the system has no place for another client`,
    { address },
  );
}
