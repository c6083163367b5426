/** Listeners that let nobody in any more, and leave those who are in. */
import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:net';
import {
  catchError,
  EMPTY,
  firstValueFrom,
  map,
  mergeMap,
  ReplaySubject,
  Subject,
  tap,
  type NextObserver,
  type Observable,
} from 'rxjs';
import type { Connection } from '../../src/index.js';
import { listen, listenEither, listenSv1, type ListenAddress } from '../../src/node.js';
import { eventually, handles, rawClient } from './support.js';

/** Where it may listen, until when, and who is told. */
interface Place {
  readonly host: string;
  readonly port: number;
  readonly acceptUntil$: Observable<unknown>;
  readonly listeningObserver: NextObserver<ListenAddress>;
}

/** What they let in. */
interface Client {
  readonly message$: Observable<unknown>;
}

const subscribe = '{"id":1,"method":"mining.subscribe","params":[]}\n';
const kinds: readonly [name: string, greeting: string, open: (place: Place) => Observable<Client>][] = [
  ['listen', '\0', (place) => listen(place)], // the first byte of a frame
  [
    'listenEither',
    subscribe,
    (place) => listenEither({ ...place, sv1Operator: map((miner) => miner as unknown as Connection) }),
  ],
  ['listenSv1', subscribe, (place) => listenSv1(place)],
];

describe.each(kinds)('%s with acceptUntil$', (_, greeting, open) => {
  /** Starts one, and clients of it. */
  const start = (host = '127.0.0.1') => {
    const acceptUntil$ = new Subject<void>();
    const address$ = new ReplaySubject<ListenAddress>(1);
    const seen = { clients: 0, isOver: false };
    const running = open({ host, port: 0, acceptUntil$, listeningObserver: address$ })
      .pipe(
        tap(() => (seen.clients += 1)),
        mergeMap(({ message$ }) => message$.pipe(catchError(() => EMPTY))),
      )
      .subscribe({ complete: () => (seen.isOver = true) });
    return { acceptUntil$, address$, seen, running };
  };

  it('lets nobody in once it has emitted, frees the port, leaves who is there, and completes when they have gone', async () => {
    const { acceptUntil$, address$, seen } = start();
    const address = await firstValueFrom(address$);
    const clients = [await rawClient(address), await rawClient(address)];
    let closed = 0;
    for (const client of clients) {
      client.on('close', () => (closed += 1)).resume();
      client.write(greeting);
    }
    await eventually(() => seen.clients === 2);
    acceptUntil$.next();
    acceptUntil$.next();

    await expect(rawClient(address)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const successor = createServer().listen(address.port, address.host);
    await once(successor, 'listening');
    successor.close();
    expect(closed).toBe(0);
    clients[0]?.destroy();
    await eventually(() => closed === 1);
    expect(seen.isOver).toBe(false);

    clients[1]?.destroy();
    await eventually(() => seen.isOver);
    await eventually(() => handles().length === 0);
  });

  it('never listens when it has emitted before the name of its host was found', async () => {
    const { acceptUntil$, seen } = start('localhost');
    acceptUntil$.next();
    await eventually(() => seen.isOver);
    await eventually(() => handles().length === 0);
  });

  it('closes who is there when it is unsubscribed after it has emitted', async () => {
    const { acceptUntil$, address$, seen, running } = start();
    const client = await rawClient(await firstValueFrom(address$));
    client.resume().write(greeting);
    await eventually(() => seen.clients === 1);
    acceptUntil$.next();
    const closed = once(client, 'close');
    running.unsubscribe();
    client.end();
    await closed;
    await eventually(() => handles().length === 0);
  });
});
