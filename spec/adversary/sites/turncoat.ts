/**
 * A pool that behaves until it is told otherwise: it passes on what another pool says, and then does what an attack is named after.
 * Argument: the port of the other pool. Says its own ports to whoever started it.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import {
  BehaviorSubject,
  concatMap,
  defer,
  EMPTY,
  firstValueFrom,
  interval,
  last,
  merge,
  mergeMap,
  startWith,
  Subject,
  switchMap,
  take,
  tap,
  type Observable,
} from 'rxjs';
import { relay, type Message, type RelayOptions } from 'rx-sv2';
import { connect, listen } from 'rx-sv2/node';
import { authority } from '../../bench/keys.js';
import { betrayals, seenOf, type Betrayal } from './betrayals.js';
import type { TurncoatPorts } from './behind-pool.js';

const [poolPort] = process.argv.slice(2).map(Number);
const betrayal$ = new BehaviorSubject<Betrayal>({});

/** So many times a second, caught up with when the process was late. */
const flood = (perSecond: number, make: () => readonly Message[]): Observable<Message> =>
  defer(() => {
    const started = performance.now();
    let sent = 0;
    return interval(5).pipe(
      startWith(0),
      mergeMap(() => {
        const due = 1 + Math.floor(((performance.now() - started) * perSecond) / 1_000);
        const messages: Message[] = [];
        for (; sent < due && messages.length < perSecond; sent += 1) messages.push(...make());
        return messages;
      }),
    );
  });

/** What clients are sent: what the other pool says, or what is done instead of it. */
const turning: NonNullable<RelayOptions['toClient']> = (message$) =>
  defer(() => {
    const seen = seenOf();
    return merge(
      message$.pipe(
        tap((message) => seen.note(message)),
        concatMap((message) => betrayal$.value.instead?.(message, seen, ports) ?? [message]),
      ),
      betrayal$.pipe(
        switchMap(({ perSecond, make }) =>
          perSecond === undefined || make === undefined ? EMPTY : flood(perSecond, () => make(seen, ports)),
        ),
      ),
    );
  });

const bound: number[] = [];
const ports = { bound };
const listening$ = new Subject<void>();
const turncoat = () =>
  relay({
    listen: listen({
      port: 0,
      authority,
      listeningObserver: {
        next: ({ port }) => {
          bound.push(port);
          listening$.next();
        },
      },
    }),
    connect: connect({ host: '127.0.0.1', port: poolPort ?? 0, authorityPublicKey: authority.publicKey }),
    toClient: turning,
  });
const ready = firstValueFrom(listening$.pipe(take(2), last()));
const running = merge(turncoat(), turncoat()).subscribe();
process.on('disconnect', () => {
  running.unsubscribe();
  process.exit();
});
await ready;

const control = createServer((socket) => {
  socket.on('data', (name) => betrayal$.next(betrayals[name.toString()] ?? {}));
  socket.on('error', () => undefined);
  socket.on('close', () => betrayal$.next({}));
}).listen(0, '127.0.0.1');
await once(control, 'listening');
const own: TurncoatPorts = { port: bound[0] as number, control: (control.address() as AddressInfo).port };
process.send?.(own);
