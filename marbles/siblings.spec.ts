import { describe, it } from '@jest/globals';
import { filter, map, merge, mergeMap, timer, type Observable } from 'rxjs';
import { NewMiningJob, SubmitSharesStandard, type Message } from '../src/messages/index.js';
import {
  createClient,
  createServer,
  defineTrigger,
  ofEvent,
  ofMessage,
  ofTrigger,
  send,
  sendToServer,
  siblings,
  toSibling,
  type ApplicationOutcome,
  type MiningClientHandler,
  type MiningServerHandler,
} from '../src/service/index.js';
import { like, marbles, setupConnection, testConnector } from '../src/testing/index.js';
import { clients, share, silentHandler, Tick, welcome } from './support.js';

const Job = defineTrigger('Job', (message: Message) => ({ message }));
const Share = defineTrigger('Share', (clientId: number, message: SubmitSharesStandard) => ({
  clientId,
  message,
}));

const s = setupConnection();
const w = welcome();
const job = (jobId: number) =>
  NewMiningJob({ channelId: 1, jobId, minNtime: null, version: 0, merkleRoot: new Uint8Array(32) });

/** A proxy of one downstream: jobs go down, shares go up. */
const downstream: MiningServerHandler = (event$) =>
  merge(
    event$.pipe(
      ofTrigger(Job),
      map(({ message }) => send(1, message)),
    ),
    event$.pipe(
      ofMessage(SubmitSharesStandard),
      map(({ clientId, message }) => toSibling(Share(clientId, message))),
    ),
  );
const upstream: MiningClientHandler = (event$) =>
  merge(
    event$.pipe(
      ofMessage(NewMiningJob),
      map(({ message }) => toSibling(Job(message))),
    ),
    event$.pipe(
      ofTrigger(Share),
      map(({ message }) => sendToServer(message)),
    ),
  );

const saw = (what: number): ApplicationOutcome => ({ type: `saw ${what}` });

function types(outcome$: Observable<{ readonly type: string }>): Observable<string> {
  return outcome$.pipe(
    map(({ type }) => type),
    filter((type) => type.startsWith('saw')),
  );
}

describe('siblings', () => {
  it('hand triggers to each other, both ways', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const miner = connection('s----m', { s, m: share(1) });
      const pool = connection('w-(jk)', { w, j: job(1), k: job(2) });
      const [serverSide, clientSide] = siblings();
      const server = createServer({ listen: clients(miner), mining: downstream, sibling: serverSide });
      const client = createClient({
        mining: { connect: testConnector([pool]), handler: upstream },
        sibling: clientSide,
      });

      expectSent(miner).toBe('w-(jk)', { w, j: job(1), k: job(2) });
      expectSent(pool).toBe('s----m', { s: like({ type: 'SetupConnection' }), m: share(1) });
      expectOutcomes(merge(server.start(), client.start()), 'handlerError', 'undeliverable').toBe('');
    });
  });

  it('get what was sent before they were started, after `started`, in order', () => {
    const [serverSide, clientSide] = siblings();
    const early = createClient({
      mining: {
        connect: testConnector([]),
        handler: (event$) => merge([toSibling(Tick(1), Tick(2))], silentHandler(event$)),
      },
      sibling: clientSide,
      reconnect: {},
    });
    const server = createServer({
      listen: clients(),
      mining: (event$) =>
        merge(
          event$.pipe(
            ofEvent('started'),
            map(() => saw(0)),
          ),
          event$.pipe(
            ofTrigger(Tick),
            map(({ number }) => saw(number)),
          ),
        ),
      sibling: serverSide,
    });
    marbles(({ expectObservable }) => {
      expectObservable(types(early.start()), '-!').toBe('');
      expectObservable(types(server.start()), '-----^--!').toBe('-----(abc)', {
        a: 'saw 0',
        b: 'saw 1',
        c: 'saw 2',
      });
      // delivered is delivered
      expectObservable(types(server.start()), '----------^--!').toBe('----------a', { a: 'saw 0' });
    });
  });

  it('get early triggers before those that handling them leads to', () => {
    marbles(({ expectObservable, connection }) => {
      const [serverSide, clientSide] = siblings();
      // every tick below 20 comes back tenfold
      const client = createClient({
        mining: {
          connect: testConnector([connection('w', { w })]),
          handler: (event$) =>
            merge(
              [toSibling(Tick(1), Tick(2))],
              event$.pipe(
                ofTrigger(Tick),
                map(({ number }) => toSibling(Tick(number * 10))),
              ),
            ),
        },
        sibling: clientSide,
      });
      const server = createServer({
        listen: clients(),
        mining: (event$) =>
          event$.pipe(
            ofTrigger(Tick),
            mergeMap(({ number }) => [saw(number), ...(number < 10 ? [toSibling(Tick(number))] : [])]),
          ),
        sibling: serverSide,
      });
      expectObservable(types(client.start()), '100ms !').toBe('');
      expectObservable(types(server.start()), '--^ 50ms !').toBe('--(abcd)', {
        a: 'saw 1',
        b: 'saw 2',
        c: 'saw 10',
        d: 'saw 20',
      });
    });
  });

  it('that are not started do not make the other grow without bound', () => {
    marbles(({ expectOutcomes }) => {
      const [serverSide] = siblings();
      const server = createServer({
        listen: clients(),
        mining: (event$) =>
          event$.pipe(
            ofEvent('started'),
            mergeMap(() => Array.from({ length: 4097 }, (_, n) => toSibling(Tick(n)))),
          ),
        sibling: serverSide,
      });
      expectOutcomes(server.start()).toBe('e', {
        e: like({ type: 'handlerError', error: { code: 'sibling-not-started' } }),
      });
    });
  });

  it('must be configured', () => {
    marbles(({ expectOutcomes }) => {
      const server = createServer({
        listen: clients(),
        mining: () => timer(3).pipe(map(() => toSibling(Tick(1)))),
      });
      expectOutcomes(server.start()).toBe('---e', {
        e: like({ type: 'handlerError', error: { code: 'invalid-configuration' } }),
      });
    });
  });
});
