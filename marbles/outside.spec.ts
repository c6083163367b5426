/** What reaches a service from outside, and what can be asked of it from there. */
import { describe, it } from '@jest/globals';
import { ignoreElements, map, merge, NEVER, of, tap, type Observable } from 'rxjs';
import {
  createClient,
  createServer,
  ofTrigger,
  siblings,
  toSibling,
  type Sibling,
} from '../src/service/index.js';
import { fromClient, like, marbles, setupConnection, testConnector } from '../src/testing/index.js';
import { acceptShares, clients, share, silentHandler, Tick, welcome } from './support.js';

const s = setupConnection();
const w = welcome();

describe('a service with several siblings', () => {
  it('hands to each what is for it, and hears all of them', () => {
    marbles(({ expectOutcomes, cold }) => {
      const [poolOfJd, jdSide] = siblings();
      const [poolOfTemplates, templatesSide] = siblings();
      const heard = (name: string, { trigger$ }: Sibling): Observable<{ type: string }> =>
        trigger$.pipe(
          map((event) => ({ type: `${name} ${(event as unknown as { number: number }).number}` })),
        );
      const server = createServer({
        listen: clients(),
        mining: (event$) =>
          event$.pipe(
            ofTrigger(Tick),
            map(({ number }) => toSibling(number % 2 === 0 ? 'jd' : 'templates', Tick(number * 10))),
          ),
        siblings: { jd: poolOfJd, templates: poolOfTemplates },
      });
      const told$ = cold('-abc').pipe(
        tap((letter) => (letter === 'b' ? templatesSide : jdSide).next(Tick(letter.charCodeAt(0) - 96))),
        map(() => ({ type: 'told' })),
      );
      expectOutcomes(
        merge(heard('jd', jdSide), heard('templates', templatesSide), server.start(), told$),
        'jd 20',
        'templates 10',
        'templates 30',
        'handlerError',
      ).toBe('-xyz', { x: { type: 'templates 10' }, y: { type: 'jd 20' }, z: { type: 'templates 30' } });
    });
  });

  it('says which it has when another is meant', () => {
    marbles(({ expectOutcomes }) => {
      const [side] = siblings();
      const server = createServer({
        listen: clients(),
        mining: () => of(toSibling('jdc', Tick(1)), toSibling(Tick(2))),
        siblings: { jd: side },
      });
      const error = (message: string) => like({ type: 'handlerError', error: like({ message }) });
      expectOutcomes(server.start()).toBe('(ab)', {
        a: error("server: toSibling needs a sibling named 'jdc' in the option `siblings`; it has 'jd'"),
        b: error("server: toSibling needs the option `sibling`; it has 'jd'"),
      });
    });
  });

  it('takes from them whatever it could be dispatched', () => {
    marbles(({ connection, expectOutcomes, expectSent, cold }) => {
      const [side, other] = siblings();
      const client = connection('s', { s });
      const server = createServer({ listen: clients(client), mining: acceptShares, sibling: side });
      const told$ = cold('-a').pipe(
        tap(() => other.next(fromClient(1, share(5)))),
        map(() => ({ type: 'told' })),
      );
      expectOutcomes(merge(server.start(), told$), 'handlerError', 'undeliverable').toBe('');
      expectSent(client).toBe('wa', { w, a: like({ type: 'SubmitShares.Success', lastSequenceNumber: 5 }) });
    });
  });
});

describe('a stream of events from outside', () => {
  it('is handled like what is dispatched, and may end', () => {
    marbles(({ hot, expectOutcomes }) => {
      const event$ = hot('-a-b|', { a: Tick(1), b: Tick(2) });
      const server = createServer({
        listen: clients(),
        mining: (events$) =>
          events$.pipe(
            ofTrigger(Tick),
            map(({ number }) => ({ type: `saw ${number}` })),
          ),
        event$,
      });
      expectOutcomes(server.start()).toBe('-a-b', { a: { type: 'saw 1' }, b: { type: 'saw 2' } });
      const client = createClient({
        mining: {
          connect: testConnector([]),
          handler: (events$) =>
            events$.pipe(
              ofTrigger(Tick),
              map(({ number }) => ({ type: `saw ${number}` })),
            ),
        },
        reconnect: {},
        event$,
      });
      expectOutcomes(client.start(), 'saw 1', 'saw 2').toBe('-a-b', {
        a: { type: 'saw 1' },
        b: { type: 'saw 2' },
      });
    });
  });

  it('that fails ends the service with its error', () => {
    marbles(({ cold, expectObservable }) => {
      const server = createServer({ listen: NEVER, mining: silentHandler, event$: cold('-#', {}, 'lost') });
      expectObservable(server.start()).toBe('-#', {}, 'lost');
    });
  });
});

describe('who is there', () => {
  it('is told by a client, by subprotocol, and is nobody once it is stopped', () => {
    marbles(({ connection, cold, expectObservable }) => {
      const client = createClient({
        mining: {
          connect: testConnector([connection('--w-|', { w }), connection('w', { w })]),
          handler: silentHandler,
        },
        reconnect: { initialDelay: 4 },
        random: () => 0,
      });
      const there = () =>
        [...client.servers()].map(([protocol, { version }]) => `${protocol} ${version}`).join();
      expectObservable(client.start().pipe(ignoreElements()), '14ms !').toBe('');
      expectObservable(cold('-a-b-c----d---- 5ms e').pipe(map(there))).toBe('-a-b-c----d---- 5ms e', {
        a: '',
        b: 'mining 2',
        c: '',
        d: 'mining 2',
        e: '',
      });
    });
  });

  it('is told by a server, and when each was last heard', () => {
    marbles(({ connection, cold, expectObservable }) => {
      const server = createServer({
        listen: clients(connection('s-a-|', { s, a: share(1) })),
        mining: acceptShares,
      });
      const heard = () => [server.clients().size, server.lastMessageAt(1)].join();
      expectObservable(server.start().pipe(ignoreElements()), '14ms !').toBe('');
      expectObservable(cold('-a-b-c').pipe(map(heard))).toBe('-a-b-c', { a: '1,0', b: '1,2', c: '0,' });
    });
  });
});
