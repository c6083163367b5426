/** A connection that carries Stratum V1 messages. */
import { concatMap, defer, Observable, type NextObserver, type OperatorFunction } from 'rxjs';
import { acceptStreams, type HandshakeFailure } from '../transport/accept-streams.js';
import type { ByteStream } from '../transport/byte-stream.js';
import type { Connection, Endpoint, Peer } from '../transport/connection.js';
import { TransportError } from '../transport/errors.js';
import { concatBytes } from '../transport/frame-channel.js';
import { firstBytes } from '../transport/first-bytes.js';
import { handshakeQueue, type InTurn } from '../transport/handshake-queue.js';
import {
  completeLimits,
  completeListenerLimits,
  framesPerStep,
  positive,
  type ConnectionLimits,
  type ListenerLimits,
} from '../transport/limits.js';
import { StreamConnection, type SharedLimits } from '../transport/stream-connection.js';
import { lineAssembler, maxLineFromClient, maxLineFromServer } from './lines.js';
import { decodeSv1, encodeSv1, type Sv1Message, type Sv1Received } from './messages.js';

/** A connection: subscribe to receive, `send` to send. */
export interface Sv1Connection extends Pick<Connection, 'queuedBytes' | 'drained$' | 'pause' | 'close'> {
  /** Who is at the other end; `encrypted` by TLS. */
  readonly peer: Peer;
  /**
   * What lines turned out to be, in order, for one subscriber; empty lines are left out. Completes when the peer closes
   * or after `close()`. Errors with Sv1Error `line-too-long` or `not-text`, or a TransportError; the connection is
   * closed by then. Unsubscribing closes it too.
   */
  readonly message$: Observable<Sv1Received>;
  /**
   * Queues messages to be sent in order. Everything sent in one turn leaves as one write. Does nothing once the
   * connection is closed.
   * @throws Sv1Error `value-out-of-range` if a message cannot be written; then nothing of this call is sent
   */
  send(...messages: readonly Sv1Message[]): void;
}

/** Dials on subscription: emits one connection and completes. */
export interface Sv1Connector extends Observable<Sv1Connection> {
  /** Where it dials, if it knows. */
  readonly endpoint?: Endpoint;
}

/** What a connection may take up; `maxPayload` is of Stratum V2 and has no meaning here. */
export interface Sv1ConnectionLimits extends Omit<ConnectionLimits, 'maxPayload'> {
  /** Bytes of the longest line accepted; 4,096 from miners and 524,288 from servers unless given. */
  readonly maxLine?: number;
}

/** How a listener limits its connections. */
export interface Sv1AcceptOptions extends Sv1ConnectionLimits, ListenerLimits {
  /** Told about each client that was not let in. */
  readonly handshakeErrorObserver?: NextObserver<HandshakeFailure>;
}

/** What is particular to one connection. */
interface Sv1StreamOptions {
  /** Who sends what is received here. */
  readonly receivesFrom: 'client' | 'server';
  /** Whether the stream is inside of TLS. */
  readonly encrypted: boolean;
  readonly limits: Sv1ConnectionLimits;
  /** Bytes that arrived already. */
  readonly early?: Uint8Array;
  /** What it shares with the other connections of its listener. */
  readonly shared?: SharedLimits;
}

/**
 * Makes a connection of a byte stream.
 * @throws TransportError `invalid-option`
 */
export function sv1Connection(stream: ByteStream, options: Sv1StreamOptions): Sv1Connection {
  const { receivesFrom, encrypted, limits, early, shared } = options;
  const { address } = stream;
  const complete = completeLimits(limits, receivesFrom);
  const assembler = lineAssembler(
    positive(
      'maxLine',
      limits.maxLine ?? (receivesFrom === 'client' ? maxLineFromClient : maxLineFromServer),
    ),
  );
  let deliver: (message: Sv1Received) => void = () => undefined;
  const handle = (line: string) => {
    if (line.trim() !== '') deliver(decodeSv1(line));
  };

  const connection: StreamConnection = new StreamConnection(
    stream,
    {
      take(chunk) {
        let at = 0;
        for (let lines = 0; lines < framesPerStep && at < chunk.length && connection.open; lines++) {
          const { line, end } = assembler.take(chunk, at);
          at = end;
          if (line !== undefined && connection.isReceiving) handle(line);
        }
        return at;
      },
      ended: () => handle(assembler.rest()),
      seal: (parts) => (parts.length === 1 ? (parts[0] as Uint8Array) : concatBytes(parts)),
      clear: () => void assembler.rest(),
    },
    complete,
    early,
    shared,
  );
  const encoder = new TextEncoder();
  return {
    peer: { address, encrypted },
    message$: connection.received<Sv1Received>((subscriber) => {
      deliver = (message) => subscriber.next(message);
    }),
    send(...messages) {
      if (!connection.open || messages.length === 0) return;
      connection.enqueue(encoder.encode(messages.map(encodeSv1).join('')));
    },
    get queuedBytes() {
      return connection.queuedBytes;
    },
    drained$: connection.drained$,
    pause: (until$) => connection.pause(until$),
    close: () => connection.close(),
  };
}

/**
 * Turns the streams of a listener into miners' connections, which are there with their first bytes: a miner speaks first.
 * One that does not in time, or not in text, is reported to the `handshakeErrorObserver`.
 * @param encrypted whether the streams are inside of TLS
 * @param shortage$ as for `acceptConnections`
 * @throws TransportError `invalid-option`
 */
export function acceptSv1Connections(
  options: Sv1AcceptOptions,
  encrypted: boolean,
  shortage$?: Observable<unknown>,
): OperatorFunction<ByteStream, Sv1Connection> {
  const limits = completeLimits(options, 'client');
  return acceptStreams<Sv1Connection>(
    {
      limits,
      listenerLimits: completeListenerLimits(options),
      handshakeErrorObserver: options.handshakeErrorObserver,
      begin(shared) {
        const inTurn = handshakeQueue(shared.turns, 1);
        return {
          connect: (stream, spoke) =>
            firstBytes(stream, limits).pipe(
              concatMap((early) => {
                spoke();
                return openSv1(stream, { encrypted, limits: options, early, shared }, inTurn);
              }),
            ),
          end: () => undefined,
        };
      },
    },
    shortage$,
  );
}

const tlsHandshake = 0x16;

/**
 * Makes a connection of a miner's stream when its turn has come, as a newcomer's: there is no handshake that would take time, but
 * whoever is subscribed costs a channel, and a farm comes back all at once.
 *
 * @returns emits the connection, or errors with what its first byte shows; unsubscribing before that destroys the stream
 */
export function openSv1(
  stream: ByteStream,
  options: Omit<Sv1StreamOptions, 'receivesFrom'>,
  inTurn: InTurn,
): Observable<Sv1Connection> {
  return new Observable((subscriber) => {
    let isHandedOver = false;
    subscriber.add(() => {
      if (!isHandedOver) stream.destroy();
    });
    const open$ = defer(() => {
      if (!options.encrypted && options.early?.[0] === tlsHandshake) throw speaksTls(stream);
      isHandedOver = true;
      return [sv1Connection(stream, { ...options, receivesFrom: 'client' })];
    });
    subscriber.add(inTurn(open$).subscribe(subscriber));
  });
}

const speaksTls = ({ address }: ByteStream): TransportError =>
  new TransportError(
    'encryption-mismatch',
    `${address} speaks TLS, connections here are plain text: set it up without TLS, or with the port for that`,
    { address },
  );
