import { EMPTY, Observable, Subscription, type NextObserver, type OperatorFunction } from 'rxjs';
import type { AnyMessageCreator } from '../messages/own-messages.js';
import type { ByteStream } from './byte-stream.js';
import type { Connection } from './connection.js';
import { TransportError } from './errors.js';
import { handshakeQueue } from './handshake-queue.js';
import {
  completeLimits,
  completeListenerLimits,
  type ConnectionLimits,
  type ListenerLimits,
} from './limits.js';
import { declaredMessages } from './knowing.js';
import { hostOf, newcomers, type NewcomerLimits, type Surplus } from './newcomers.js';
import { openConnection } from './open-connection.js';
import { serverHandshakes, type ServerSecurity } from './security.js';
import { sendQueues } from './send-queues.js';
import { createTurns } from './turns.js';

/** A client that was not let in. */
export interface HandshakeFailure {
  /** The client's `host:port`, or name. */
  readonly address: string;
  /** NoiseError, or TransportError `handshake-timeout`, `too-many-connections` …. */
  readonly error: unknown;
}

/** How a listener secures and limits its connections. */
export interface AcceptOptions extends ServerSecurity, ConnectionLimits, ListenerLimits {
  /** Messages that connections know besides those of the specification; to them others of extensions are `Unknown`. */
  readonly messages?: readonly AnyMessageCreator[];
  /** Told about each client that was not let in. */
  readonly handshakeErrorObserver?: NextObserver<HandshakeFailure>;
}

/** A client from its arrival to its end. */
interface Client {
  readonly address: string;
  /** Ends it, whatever it is doing. */
  close(): void;
}

/**
 * Turns the streams of a listener into its clients' connections. A client that fails is reported to the
 * `handshakeErrorObserver` and disturbs nobody else. Unsubscribing closes every handshake under way and every
 * connection.
 * @param shortage$ emits when the system has no place for another client: some of the newcomers that say nothing
 * make place then
 * @throws TransportError `invalid-option`; NoiseError `authority-key`, `certificate-validity`
 */
export function acceptConnections(
  options: AcceptOptions,
  shortage$: Observable<unknown> = EMPTY,
): OperatorFunction<ByteStream, Connection> {
  const listenerLimits = completeListenerLimits(options);
  const limits = completeLimits(options, 'client');
  const now = () => limits.scheduler.now();
  const messages = declaredMessages(options.messages);
  const handshakes = serverHandshakes(options, now);
  const { handshakeErrorObserver } = options;

  return (stream$) =>
    new Observable((subscriber) => {
      const live = new Set<Client>();
      const admission = newcomers<Client>(listenerLimits);
      const keys = handshakes?.();
      const turns = createTurns(now, limits.nextTurn);
      const inTurn = handshakeQueue(turns, keys?.atOnce ?? 1);
      const shared = { turns, sendQueues: sendQueues(listenerLimits.maxQueuedBytesInAll) };
      subscriber.add(() => {
        [...live].forEach(({ close }) => close());
        keys?.clear();
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
        let connection: Connection | undefined;
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
          openConnection(stream, {
            ...limits,
            receivesFrom: 'client',
            messages,
            handshake: keys?.start,
            inTurn: (work$) => {
              admission.spoke(client);
              return inTurn(work$);
            },
            shared,
          }).subscribe({
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
