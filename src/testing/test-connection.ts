import { EMPTY, map, Observable, ReplaySubject, tap, type Subscriber } from 'rxjs';
import { decodeMessage, encodeFrame, encodeFrames } from '../framing/frame.js';
import { headerSize, readHeader } from '../framing/header.js';
import { ownMessages, type AnyMessageCreator } from '../messages/own-messages.js';
import type { Message } from '../messages/registry.js';
import type { Connection, Connector, Endpoint, Peer } from '../transport/connection.js';
import { TransportError } from '../transport/errors.js';
import { setupLimit } from '../transport/setup-limit.js';

/** A connection whose peer follows a script. */
export interface TestConnection extends Connection {
  /** What was sent, replayed; completes when the connection has ended, whoever ended it. */
  readonly sent$: Observable<Message>;
  /** The limit of payloads that `limitPayload` or the setup has set, in bytes. */
  readonly payloadLimit: number | undefined;
}

/**
 * A connection whose peer follows a script, for services under test. What is sent must be possible to encode,
 * as on a real connection. The peer reads at once, and its script goes on whatever `pause` says.
 * @param message$ what the peer sends, from the subscription to `message$` on: usually `cold('a-b', …)`. It
 * completes when the peer closes; an error is a broken connection
 * @param peer who it is; plaintext, `test:1` unless given
 * @param messages messages besides those of the specification that the peer knows
 */
export function testConnection(
  message$: Observable<Message>,
  peer: Partial<Peer> = {},
  messages: readonly AnyMessageCreator[] = [],
): TestConnection {
  const own = ownMessages(messages);
  const sent$ = new ReplaySubject<Message>(Infinity);
  let open = true;
  let receiver: Pick<Subscriber<unknown>, 'complete'> | undefined;
  let payloadLimit: number | undefined;
  const setup = setupLimit((bytes) => (payloadLimit = bytes));

  const close = (): void => {
    open = false;
    sent$.complete();
    receiver?.complete();
  };

  function received<T>(project: (message: Message) => T): Observable<T> {
    return new Observable((subscriber) => {
      if (receiver !== undefined) {
        subscriber.error(new TransportError('already-subscribed', 'message$ has a subscriber already'));
        return;
      }
      receiver = subscriber;
      subscriber.add(close);
      const script$ = message$.pipe(
        tap((message) => setup.message(message, 'received')),
        map(project),
      );
      if (open) subscriber.add(script$.subscribe(subscriber));
      else subscriber.complete();
    });
  }

  const send = (...sent: readonly Message[]): void => {
    encodeFrames(sent.map((message) => own.write(message)));
    if (!open) return;
    for (const message of sent) {
      setup.message(message, 'sent');
      sent$.next(own.read(message));
    }
  };

  return {
    peer: { address: 'test:1', encrypted: false, ...peer },
    message$: received((message) => message),
    frame$: received((message) => {
      const bytes = encodeFrame(own.write(message));
      return { header: readHeader(bytes, 0), payload: bytes.subarray(headerSize) };
    }),
    send,
    sendFrames: (...frames) => send(...frames.map(({ header, payload }) => decodeMessage(header, payload))),
    queuedBytes: 0,
    drained$: EMPTY,
    pause: () => undefined,
    limitPayload(bytes) {
      setup.settle();
      payloadLimit = bytes;
    },
    close,
    sent$: sent$.asObservable(),
    get payloadLimit() {
      return payloadLimit;
    },
  };
}

/** A connector that follows a script. */
export interface TestConnector extends Connector {
  /** Emits 1 for the first dial, 2 for the second and so on, replayed. */
  readonly dial$: Observable<number>;
}

/** What a test connector knows of the world. */
export interface TestConnectorOptions {
  /** Where it claims to dial. */
  readonly endpoint?: Endpoint;
  /** What a Reconnect leads to; it cannot be redirected unless given. */
  redirect?(endpoint: Endpoint): Connector;
}

/**
 * A connector that follows a script, for clients under test.
 * @param attempts what each dial leads to: a connection, or the error it fails with. Dials beyond them fail with
 * TransportError `connection-refused`
 * @param options where it claims to dial, and what a Reconnect leads to
 */
export function testConnector(
  attempts: readonly (Connection | Error)[],
  options: TestConnectorOptions = {},
): TestConnector {
  const dial$ = new ReplaySubject<number>(Infinity);
  let dials = 0;
  const connection$ = new Observable<Connection>((subscriber) => {
    const attempt = attempts[dials] ?? refused();
    dials += 1;
    dial$.next(dials);
    if (attempt instanceof Error) {
      subscriber.error(attempt);
      return;
    }
    subscriber.next(attempt);
    subscriber.complete();
  });
  return Object.assign(connection$, { dial$: dial$.asObservable() }, options);
}

const refused = () => new TransportError('connection-refused', 'the script of this connector has ended');
