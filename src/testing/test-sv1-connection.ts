import { EMPTY, map, Observable, ReplaySubject } from 'rxjs';
import type { Sv1Connection } from '../sv1/connection.js';
import { decodeSv1, encodeSv1, type Sv1Message, type Sv1Received } from '../sv1/messages.js';
import type { Peer } from '../transport/connection.js';
import { TransportError } from '../transport/errors.js';

/** A connection of Stratum V1 whose peer follows a script. */
export interface TestSv1Connection extends Sv1Connection {
  /** What was sent, as its peer reads it, replayed; completes when the connection has ended, whoever ended it. */
  readonly sent$: Observable<Sv1Received>;
}

/** What a scripted peer says: a message, or a line as firmware writes it, without its end. */
export type Sv1Line = Sv1Message | string;

/**
 * A connection of Stratum V1 whose peer follows a script. What either side says must be possible to encode, as on a
 * real connection. The peer reads at once, and its script goes on whatever `pause` says.
 * @param line$ what the peer says, from the subscription to `message$` on: usually `cold('a-b', …)`. It completes when
 * the peer closes; an error is a broken connection
 * @param peer who it is; plain text, `test:1` unless given
 * @example testSv1Connection(of('{"id": 1, "method": "mining.subscribe", "params": ["cgminer/4.12"]}'))
 */
export function testSv1Connection(line$: Observable<Sv1Line>, peer: Partial<Peer> = {}): TestSv1Connection {
  const sent$ = new ReplaySubject<Sv1Received>(Infinity);
  let isOpen = true;
  let isReceived = false;
  let complete: () => void = () => undefined;

  const close = (): void => {
    isOpen = false;
    sent$.complete();
    complete();
  };

  return {
    peer: { address: 'test:1', encrypted: false, ...peer },
    message$: new Observable((subscriber) => {
      if (isReceived) {
        subscriber.error(new TransportError('already-subscribed', 'message$ has a subscriber already'));
        return;
      }
      isReceived = true;
      complete = () => subscriber.complete();
      subscriber.add(close);
      if (isOpen) subscriber.add(line$.pipe(map(read)).subscribe(subscriber));
      else subscriber.complete();
    }),
    send(...messages) {
      const lines = messages.map(encodeSv1);
      if (isOpen) for (const line of lines) sent$.next(decodeSv1(line.trimEnd()));
    },
    queuedBytes: 0,
    drained$: EMPTY,
    pause: () => undefined,
    close,
    sent$: sent$.asObservable(),
  };
}

const read = (line: Sv1Line): Sv1Received =>
  decodeSv1(typeof line === 'string' ? line : encodeSv1(line).trimEnd());
