import { describe, expect, it } from '@jest/globals';
import {
  asyncScheduler,
  concat,
  concatMap,
  filter,
  ignoreElements,
  map,
  merge,
  mergeMap,
  of,
  throwError,
  timer,
} from 'rxjs';
import { CodecError } from '../src/codec/index.js';
import {
  CloseChannel,
  NewTemplate,
  SetTarget,
  SubmitSharesStandard,
  UnknownMessage,
  userIdentityTlv,
  workerHashrateTracking,
} from '../src/messages/index.js';
import {
  createServer,
  disconnect,
  handleEach,
  ofEvent,
  ofMessage,
  send,
  type MiningServerHandler,
} from '../src/service/index.js';
import { like, marbles, setupConnection } from '../src/testing/index.js';
import { TransportError } from '../src/transport/index.js';
import { accepted, acceptShares, clients, close, share, silentHandler, Tick, welcome } from './support.js';

const s = setupConnection();
const template = NewTemplate({
  templateId: 1n,
  futureTemplate: false,
  version: 0,
  coinbaseTxVersion: 2,
  coinbasePrefix: new Uint8Array(),
  coinbaseTxInputSequence: 0,
  coinbaseTxValueRemaining: 0n,
  coinbaseTxOutputsCount: 0,
  coinbaseTxOutputs: new Uint8Array(),
  coinbaseTxLocktime: 0,
  merklePath: [],
});
const unknown = (extensionType: number, channelMessage: boolean, messageType = 3) =>
  UnknownMessage({ extensionType, messageType, channelMessage, payload: new Uint8Array(4) });

describe('a client that is silent', () => {
  it('is disconnected when nothing came from it for inactivityLimit', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('s 29s m', { s, m: share(1) });
      const server = createServer({ listen: clients(client), mining: acceptShares, inactivityLimit: 30_000 });

      expectSent(client).toBe('w 29s a 31874ms |', { w: welcome(), a: accepted(1) });
      expectOutcomes(server.start(), 'disconnected').toBe('60876ms d', {
        d: like({ clientId: 1, protocol: 'mining', reason: { code: 'inactive' } }),
      });
    });
  });

  it('is not kept by what is sent to it', () => {
    marbles(({ connection, expectOutcomes }) => {
      const mining: MiningServerHandler = (event$) =>
        event$.pipe(
          ofEvent('clientAdded'),
          concatMap(({ clientId }) => timer(9_999).pipe(map(() => send(clientId, close(1))))),
        );
      const server = createServer({
        listen: clients(connection('s', { s })),
        mining,
        inactivityLimit: 10_000,
      });
      expectOutcomes(server.start(), 'sent', 'disconnected').toBe('w 9998ms c 625ms d', {
        w: like({ message: welcome() }),
        c: like({ message: close(1) }),
        d: like({ reason: { code: 'inactive' } }),
      });
    });
  });

  it('may be given less time than for its SetupConnection', () => {
    marbles(({ connection, expectOutcomes }) => {
      const server = createServer({
        listen: clients(connection('-s', { s })),
        mining: acceptShares,
        inactivityLimit: 3_000,
      });
      expectOutcomes(server.start(), 'disconnected').toBe('3189ms d', {
        d: like({ reason: { code: 'inactive' } }),
      });
    });
  });

  it('has an hour unless told otherwise', () => {
    marbles(
      ({ connection, expectOutcomes }) => {
        const server = createServer({ listen: clients(connection('s', { s })), mining: acceptShares });
        expectOutcomes(server.start(), 'disconnected').toBe('3825s d', {
          d: like({ reason: { code: 'inactive' } }),
        });
      },
      { until: 7_200_000 },
    );
  });

  it('leaves no timer behind when its connection ends', () => {
    marbles(({ connection, expectObservable, flush }) => {
      const ends = connection('s-|', { s });
      const breaks = connection('s--#', { s }, { error: new TransportError('connection-reset', 'gone') });
      const early = connection('----|');
      const server = createServer({
        listen: clients(ends, breaks, early),
        mining: acceptShares,
        extensions: { supported: [2], required: [2] },
      });
      const reason$ = server.start().pipe(
        filter((outcome) => outcome.type === 'disconnected'),
        map(({ clientId, reason }) => `${clientId} ${reason.code}`),
      );
      expectObservable(reason$).toBe('--abc', {
        a: '1 peer-closed',
        b: '2 connection-reset',
        c: '3 peer-closed',
      });
      flush();
      // virtual time stands still once nothing waits
      expect(asyncScheduler.now()).toBe(4);
    });
  });
});

describe('one client', () => {
  it('that does not read is disconnected, and others are served', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const error = new TransportError('slow-consumer', 'it does not read');
      const slow = connection('s--#', { s }, { error });
      const other = connection('s----m', { s, m: share(1) });
      const server = createServer({ listen: clients(slow, other), mining: acceptShares });

      expectSent(slow).toBe('w--|', { w: welcome() });
      expectSent(other).toBe('w----a', { w: welcome(), a: accepted(1) });
      expectOutcomes(server.start(), 'disconnected').toBe('---d', {
        d: like({ clientId: 1, reason: { code: 'slow-consumer', error } }),
      });
    });
  });

  it('that sends a malformed message is disconnected, and others are served', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const error = new CodecError('truncated', 'too short');
      const bad = connection('s--#', { s }, { error });
      const other = connection('s----m', { s, m: share(1) });
      const server = createServer({ listen: clients(bad, other), mining: acceptShares });

      expectSent(other).toBe('w----a', { w: welcome(), a: accepted(1) });
      expectOutcomes(server.start(), 'disconnected', 'handlerError').toBe('---d', {
        d: like({ clientId: 1, reason: { code: 'truncated', error } }),
      });
    });
  });

  it('that makes a handler throw stays, and others are served', () => {
    const mining: MiningServerHandler = (event$) =>
      event$.pipe(
        ofMessage(SubmitSharesStandard),
        map(({ clientId, message }) => {
          if (message.sequenceNumber === 13) throw new RangeError('unlucky');
          return send(clientId, accepted(message.sequenceNumber));
        }),
      );
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const bad = connection('s--mn', { s, m: share(13), n: share(14) });
      const other = connection('s--m', { s, m: share(1) });
      const server = createServer({ listen: clients(bad, other), mining });

      expectSent(bad).toBe('w---a', { w: welcome(), a: accepted(14) });
      expectSent(other).toBe('w--a', { w: welcome(), a: accepted(1) });
      expectOutcomes(server.start(), 'handlerError', 'disconnected').toBe('---e', {
        e: {
          type: 'handlerError',
          handler: 'mining',
          error: new RangeError('unlucky'),
          event: { type: 'message', clientId: 1, protocol: 'mining', message: share(13) },
        },
      });
    });
  });

  it('whose message makes a stream of handleEach fail later disturbs no other stream of it', () => {
    const mining: MiningServerHandler = (event$) =>
      event$.pipe(
        ofMessage(SubmitSharesStandard),
        handleEach('mining', ({ clientId, message: { sequenceNumber } }) =>
          timer(10).pipe(
            mergeMap(() =>
              sequenceNumber === 13
                ? throwError(() => new RangeError('unlucky'))
                : of(send(clientId, accepted(sequenceNumber))),
            ),
          ),
        ),
      );
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('sabc', { s, a: share(12), b: share(13), c: share(14) });
      const server = createServer({ listen: clients(client), mining });

      expectSent(client).toBe('w 10ms a-b', { w: welcome(), a: accepted(12), b: accepted(14) });
      expectOutcomes(server.start(), 'handlerError').toBe('12ms e', {
        e: like({ error: new RangeError('unlucky'), event: { message: share(13) } }),
      });
    });
  });

  it('to whom something is sent that cannot be encoded stays, and others are served', () => {
    const mining: MiningServerHandler = (event$) =>
      event$.pipe(
        ofMessage(SubmitSharesStandard),
        map(({ clientId, message }) =>
          message.sequenceNumber === 13
            ? send(clientId, accepted(1), accepted(-1))
            : send(clientId, accepted(message.sequenceNumber)),
        ),
      );
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const bad = connection('s--mn', { s, m: share(13), n: share(14) });
      const other = connection('s--m', { s, m: share(1) });
      const server = createServer({ listen: clients(bad, other), mining });

      expectSent(bad).toBe('w---a', { w: welcome(), a: accepted(14) });
      expectSent(other).toBe('w--a', { w: welcome(), a: accepted(1) });
      expectOutcomes(server.start(), 'handlerError', 'disconnected').toBe('---e', {
        e: like({ handler: 'mining', error: { code: 'value-out-of-range' }, event: { clientId: 1 } }),
      });
    });
  });
});

describe('messages', () => {
  it('of the wrong direction, of another subprotocol or unknown are rejected, and the client stays', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const target = SetTarget({ channelId: 1, maximumTarget: new Uint8Array(32) });
      const client = connection('sabcdem', {
        s,
        a: target,
        b: welcome(),
        c: template,
        d: unknown(0, false, 0xff),
        e: unknown(1, false),
        m: share(1),
      });
      const server = createServer({ listen: clients(client), mining: acceptShares });
      const rejected = (code: string, message: object) => ({ type: 'rejected', clientId: 1, code, message });

      expectSent(client).toBe('w-----m', { w: welcome(), m: accepted(1) });
      expectOutcomes(server.start(), 'rejected', 'disconnected').toBe('-abcde', {
        a: rejected('unsupported-message', target),
        b: rejected('unsupported-message', welcome()),
        c: rejected('unsupported-protocol', template),
        d: rejected('unsupported-message', unknown(0, false, 0xff)),
        e: rejected('unsupported-message', unknown(1, false)),
      });
    });
  });

  it('that both sides may send are handed over', () => {
    marbles(({ connection, expectOutcomes }) => {
      const server = createServer({
        listen: clients(connection('sm', { s, m: close(7) })),
        mining: (event$) =>
          event$.pipe(
            ofMessage(CloseChannel),
            map(({ message }) => ({ type: 'seen', message })),
          ),
      });
      expectOutcomes(server.start(), 'seen', 'rejected').toBe('-m', {
        m: { type: 'seen', message: close(7) },
      });
    });
  });

  it('of unknown extensions are handed over if they are for a channel, and ignored otherwise', () => {
    marbles(({ connection, expectObservable }) => {
      const client = connection('sab', { s, a: unknown(0x4000, false), b: unknown(0x4000, true) });
      const server = createServer({
        listen: clients(client),
        mining: (event$) =>
          event$.pipe(
            ofMessage(UnknownMessage),
            map(({ message }) => ({
              type: `handed over ${message.extensionType} ${message.channelMessage}`,
            })),
          ),
      });
      expectObservable(
        server.start().pipe(
          map(({ type }) => type),
          filter((type) => type.startsWith('handed') || type === 'rejected'),
        ),
        '100ms !',
      ).toBe('--b', { b: 'handed over 16384 true' });
    });
  });

  it('lose TLVs of extensions that were not negotiated', () => {
    marbles(({ connection, expectObservable }) => {
      const named = { ...share(1), tlvs: [userIdentityTlv('worker')] };
      const server = createServer({
        listen: clients(connection('sm', { s, m: named })),
        extensions: { supported: [workerHashrateTracking] },
        mining: (event$) =>
          event$.pipe(
            ofMessage(SubmitSharesStandard),
            map(({ message }) => ({ type: 'seen' as const, message })),
          ),
      });
      expectObservable(server.start().pipe(filter((outcome) => outcome.type === 'seen')), '100ms !').toBe(
        '-m',
        { m: { type: 'seen', message: share(1) } },
      );
    });
  });
});

describe('effects', () => {
  it('disconnect: what was sent leaves first, and nothing afterwards', () => {
    const mining: MiningServerHandler = (event$) =>
      event$.pipe(
        ofMessage(SubmitSharesStandard),
        mergeMap(({ clientId }) => [
          send(clientId, accepted(1), accepted(2)),
          disconnect(clientId, 'enough'),
          send(clientId, accepted(3)),
          disconnect(clientId, 'again'),
        ]),
      );
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('s--mmm', { s, m: share(1) });
      const server = createServer({ listen: clients(client), mining });

      expectSent(client).toBe('w--(ab|)', { w: welcome(), a: accepted(1), b: accepted(2) });
      expectOutcomes(server.start(), 'disconnected', 'undeliverable').toBe('---(du)', {
        d: {
          type: 'disconnected',
          clientId: 1,
          peer: client.peer,
          protocol: 'mining',
          reason: { code: 'closed-by-handler', message: 'enough' },
        },
        u: { type: 'undeliverable', clientId: 1, messages: [accepted(3)] },
      });
    });
  });

  it('send: to nobody is undeliverable', () => {
    const mining: MiningServerHandler = (event$) =>
      event$.pipe(
        ofEvent('clientAdded', 'clientRemoved', 'started'),
        map((event) => send(event.type === 'started' ? 99 : event.clientId, close(1))),
      );
    marbles(({ connection, expectOutcomes }) => {
      const server = createServer({ listen: clients(connection('-s-|', { s })), mining });
      expectOutcomes(server.start(), 'undeliverable').toBe('u--v', {
        u: { type: 'undeliverable', clientId: 99, messages: [close(1)] },
        v: { type: 'undeliverable', clientId: 1, messages: [close(1)] },
      });
    });
  });

  it('that a server has not are errors of the handler', () => {
    marbles(({ expectOutcomes }) => {
      const server = createServer({
        listen: clients(),
        mining: (event$) =>
          event$.pipe(
            ofEvent('started'),
            mergeMap(() => [{ type: 'sendToServer', messages: [] }, undefined as never]),
          ),
      });
      expectOutcomes(server.start()).toBe('(ee)', {
        e: like({ type: 'handlerError', error: { code: 'invalid-effect' }, event: { type: 'started' } }),
      });
    });
  });
});

describe('a server', () => {
  it('tells who is connected and what they negotiated', () => {
    marbles(({ connection, expectObservable, expectOutcomes, cold }) => {
      const server = createServer({
        listen: clients(
          connection('-s', { s }),
          connection('---s-|', { s: setupConnection('templateDistribution') }),
        ),
        mining: acceptShares,
        templateDistribution: silentHandler,
      });
      const who = () =>
        [...server.clients().values()].map(({ clientId, protocol }) => `${clientId} ${protocol}`);
      expectOutcomes(server.start(), 'connected').toBe('-a-b', {
        a: like({ clientId: 1 }),
        b: like({ clientId: 2 }),
      });
      expectObservable(cold('a-b-c-d').pipe(map(who))).toBe('a-b-c-d', {
        a: [],
        b: ['1 mining'],
        c: ['1 mining', '2 templateDistribution'],
        d: ['1 mining'],
      });
    });
  });

  it('hands the events of a client to the handler of its subprotocol only, started and triggers to all', () => {
    const saw = (name: string) => (event: { type: string }) => ({ type: `${name} ${event.type}` });
    marbles(({ connection, expectObservable }) => {
      const server = createServer({
        listen: clients(connection('10ms s 9ms m 9ms |', { s, m: share(1) })),
        mining: (event$) => event$.pipe(map(saw('mining'))),
        jobDeclaration: (event$) => event$.pipe(map(saw('job'))),
      });
      const start$ = server.start().pipe(
        map(({ type }) => type),
        filter((type) => type.includes(' ')),
      );
      const triggered$ = timer(40).pipe(
        mergeMap(() => server.dispatch(Tick(1))),
        ignoreElements(),
      );
      expectObservable(merge(start$, triggered$), '50ms !').toBe('(ab) 6ms c 9ms d 9ms e 9ms (fg)', {
        a: 'mining started',
        b: 'job started',
        c: 'mining clientAdded',
        d: 'mining message',
        e: 'mining clientRemoved',
        f: 'mining trigger',
        g: 'job trigger',
      });
    });
  });

  it('closes every connection when it is unsubscribed from', () => {
    marbles(({ connection, expectObservable, expectSent }) => {
      const ready = connection('-s', { s });
      const fresh = connection('');
      const server = createServer({ listen: clients(ready, fresh), mining: acceptShares });
      expectSent(ready).toBe('-w---|', { w: welcome() });
      expectSent(fresh).toBe('-----|');
      expectObservable(server.start(), '-----!');
      expectObservable(timer(6).pipe(map(() => server.clients().size))).toBe('------(a|)', { a: 0 });
    });
  });

  it('can be started again, and never gives a client id twice', () => {
    marbles(({ connection, expectObservable }) => {
      const connections = [connection('s', { s }), connection('s', { s })];
      const server = createServer({
        listen: concat(timer(0).pipe(map(() => connections.shift() ?? connection('')))),
        mining: silentHandler,
      });
      const ids$ = server.start().pipe(
        filter((outcome) => outcome.type === 'connected'),
        map(({ clientId }) => clientId),
      );
      expectObservable(ids$, '^--!').toBe('a', { a: 1 });
      expectObservable(ids$, '-----^--!').toBe('-----a', { a: 2 });
    });
  });

  it('runs once at a time', () => {
    marbles(({ expectObservable }) => {
      const server = createServer({ listen: clients(), mining: silentHandler });
      expectObservable(server.start(), '^--!').toBe('');
      expectObservable(server.start(), '-^').toBe('-#', {}, like({ code: 'already-started' }));
      expectObservable(server.start(), '---^-!').toBe('');
    });
  });

  it('may be started again by whoever sees it complete or fail', () => {
    marbles(({ cold, connection, expectObservable }) => {
      const once = createServer({
        listen: cold('a|', { a: connection('s|', { s }) }),
        mining: silentHandler,
      });
      expectObservable(concat(once.start(), once.start()).pipe(ignoreElements())).toBe('--|');

      const error = new TransportError('address-in-use', 'taken');
      const fails = createServer({ listen: cold<never>('--#', {}, error), mining: silentHandler });
      expectObservable(fails.start()).toBe('--#', {}, error);
    });
  });

  it('fails when a handler fails on being started', () => {
    marbles(({ expectObservable }) => {
      const server = createServer({
        listen: clients(),
        mining: () => {
          throw new RangeError('not today');
        },
      });
      expectObservable(server.start()).toBe(
        '#',
        {},
        like({ code: 'handler-failed', cause: new RangeError('not today') }),
      );
    });
  });
});
