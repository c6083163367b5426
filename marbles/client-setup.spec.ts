import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { filter, map, merge, mergeMap, timer } from 'rxjs';
import {
  CoinbaseOutputConstraints,
  NewMiningJob,
  RequestTransactionData,
  SetupConnection,
  SetupConnectionError,
  SetupConnectionSuccess,
  SetTarget,
} from '../src/messages/index.js';
import {
  createClient,
  ofEvent,
  ofMessage,
  sendToServer,
  SetupRefusedError,
  type ClientEffect,
  type MiningClientHandler,
  type TemplateDistributionClientHandler,
} from '../src/service/index.js';
import { like, marbles, testConnector } from '../src/testing/index.js';
import { TransportError } from '../src/transport/index.js';
import { close, share, silentHandler, welcome } from './support.js';

const w = welcome(0b10);
const job = NewMiningJob({
  channelId: 1,
  jobId: 1,
  minNtime: null,
  version: 0,
  merkleRoot: new Uint8Array(32),
});

/** Sends a share when connected, and one for every job. */
const miner: MiningClientHandler = (event$) =>
  merge(
    event$.pipe(
      ofEvent('connected'),
      map(() => sendToServer(share(1))),
    ),
    event$.pipe(
      ofMessage(NewMiningJob),
      map(() => sendToServer(share(2))),
    ),
  );

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

describe('SetupConnection, as a client makes it', () => {
  it('says all there is to say, and then the handler may send', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('--w-------j', { w, j: job });
      const client = createClient({
        mining: {
          connect: testConnector([server], { endpoint: { host: 'pool.example', port: 34254 } }),
          handler: miner,
          flags: 0b101,
        },
        device: { vendor: 'Acme', hardwareVersion: 'M1', firmware: 'f2', deviceId: 'd3' },
      });

      expectSent(server).toBe('s-a-------b', {
        s: SetupConnection({
          protocol: 0,
          minVersion: 2,
          maxVersion: 2,
          flags: 0b101,
          endpointHost: 'pool.example',
          endpointPort: 34254,
          vendor: 'Acme',
          hardwareVersion: 'M1',
          firmware: 'f2',
          deviceId: 'd3',
        }),
        a: share(1),
        b: share(2),
      });
      expectOutcomes(client.start()).toBe('s-(rca)---(jb)', {
        s: like({ type: 'sent', protocol: 'mining', message: { type: 'SetupConnection' } }),
        r: { type: 'received', protocol: 'mining', message: w },
        c: {
          type: 'connected',
          protocol: 'mining',
          server: {
            peer: server.peer,
            endpoint: { host: 'pool.example', port: 34254 },
            upstream: 0,
            protocol: 'mining',
            version: 2,
            flags: 0b10,
            extensions: [],
          },
        },
        a: { type: 'sent', protocol: 'mining', message: share(1) },
        j: { type: 'received', protocol: 'mining', message: job },
        b: { type: 'sent', protocol: 'mining', message: share(2) },
      });
    });
  });

  it('says what it is unless told otherwise, but not which device', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('-w', { w });
      const client = createClient({ mining: { connect: testConnector([server]), handler: silentHandler } });
      expectSent(server).toBe('s', {
        s: like({
          vendor: 'rx-sv2',
          hardwareVersion: 'JavaScript',
          firmware: `rx-sv2 ${version}`,
          ...{ deviceId: '', endpointHost: '', endpointPort: 0, flags: 0 },
        }),
      });
      expectOutcomes(client.start(), 'disconnected').toBe('');
    });
  });

  it('raises the payload limit to that of the subprotocol', () => {
    const limit = marbles(({ connection, expectOutcomes, flush }) => {
      const server = connection('-w', { w });
      const client = createClient({ mining: { connect: testConnector([server]), handler: silentHandler } });
      expectOutcomes(client.start(), 'disconnected').toBe('');
      flush();
      return server.payloadLimit;
    });
    expect(limit).toBeGreaterThan(100_000);
  });

  it('surfaces as an error with code and flags when it is refused', () => {
    marbles(({ connection, expectObservable, expectSent }) => {
      const server = connection('--e', {
        e: SetupConnectionError({ errorCode: 'unsupported-feature-flags', flags: 0b100 }),
      });
      const client = createClient({
        mining: { connect: testConnector([server]), handler: miner, flags: 0b101 },
      });
      const outcome$ = client.start().pipe(filter(({ type }) => type === 'disconnected'));
      expectSent(server).toBe('s-|', { s: like({ type: 'SetupConnection' }) });
      const error = new SetupRefusedError('unsupported-feature-flags', 0b100);
      expectObservable(outcome$).toBe(
        '--(d#)',
        {
          d: {
            type: 'disconnected',
            protocol: 'mining',
            reason: { code: 'setup-connection-error', message: error.message, error },
          },
        },
        like({ code: 'setup-connection-error', errorCode: 'unsupported-feature-flags', flags: 0b100 }),
      );
    });
  });

  it.each([
    ['another message', share(1), 'setup-connection-required'],
    [
      'a version that was not offered',
      SetupConnectionSuccess({ usedVersion: 3, flags: 0 }),
      'setup-connection-error',
    ],
  ])('fails when it is answered with %s', (_, message, code) => {
    marbles(({ connection, expectObservable, expectSent }) => {
      const server = connection('--m', { m: message });
      const client = createClient({ mining: { connect: testConnector([server]), handler: miner } });
      expectSent(server).toBe('s-|', { s: like({ type: 'SetupConnection' }) });
      expectObservable(client.start().pipe(filter(({ type }) => type === 'connected'))).toBe(
        '--#',
        {},
        like({ code }),
      );
    });
  });

  it('fails when it is not answered in time', () => {
    marbles(({ connection, expectObservable, expectSent }) => {
      const server = connection('6s w', { w });
      const client = createClient({
        mining: { connect: testConnector([server]), handler: miner },
        setupTimeout: 5_000,
      });
      expectSent(server).toBe('s 4999ms |', { s: like({ type: 'SetupConnection' }) });
      expectObservable(client.start().pipe(filter(({ type }) => type === 'connected'))).toBe(
        '5s #',
        {},
        like({ code: 'setup-timeout' }),
      );
    });
  });

  it('may be answered only once', () => {
    marbles(({ connection, expectObservable }) => {
      const server = connection('-w-w', { w });
      const client = createClient({ mining: { connect: testConnector([server]), handler: miner } });
      expectObservable(client.start().pipe(filter(({ type }) => type === 'disconnected'))).toBe(
        '---(d#)',
        { d: like({ reason: { code: 'setup-connection-repeated' } }) },
        like({ code: 'setup-connection-repeated' }),
      );
    });
  });
});

describe('a client', () => {
  const tp: TemplateDistributionClientHandler = (event$) =>
    event$.pipe(
      ofEvent('connected'),
      map(() =>
        sendToServer(
          CoinbaseOutputConstraints({
            coinbaseOutputMaxAdditionalSize: 1,
            coinbaseOutputMaxAdditionalSigops: 2,
          }),
        ),
      ),
    );

  it('has a connection a subprotocol, and messages find theirs', () => {
    const mining: MiningClientHandler = (event$) =>
      event$.pipe(
        ofEvent('connected'),
        mergeMap(() => timer(5)),
        map(() => sendToServer(share(1), RequestTransactionData({ templateId: 1n }), share(2))),
      );
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const pool = connection('-w', { w });
      const node = connection('--w', { w });
      const client = createClient({
        mining: { connect: testConnector([pool]), handler: mining },
        templateDistribution: { connect: testConnector([node]), handler: tp },
      });
      expectSent(pool).toBe('s-----(ab)', {
        s: like({ protocol: 0 }),
        a: share(1),
        b: share(2),
      });
      expectSent(node).toBe('s-c---r', {
        s: like({ protocol: 2 }),
        c: like({ type: 'CoinbaseOutputConstraints' }),
        r: RequestTransactionData({ templateId: 1n }),
      });
      expectOutcomes(client.start(), 'connected', 'handlerError').toBe('-ab', {
        a: like({ protocol: 'mining' }),
        b: like({ protocol: 'templateDistribution' }),
      });
    });
  });

  it('cannot send before it is connected, nor afterwards', () => {
    const mining: MiningClientHandler = (event$) =>
      merge(
        [sendToServer(share(1))],
        event$.pipe(
          ofEvent('disconnected'),
          map(() => sendToServer(share(2))),
        ),
      );
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('-w-|', { w });
      const client = createClient({ mining: { connect: testConnector([server]), handler: mining } });
      expectSent(server).toBe('s--|', { s: like({ protocol: 0 }) });
      expectOutcomes(client.start(), 'undeliverable').toBe('a--(b|)', {
        a: { type: 'undeliverable', protocol: 'mining', messages: [share(1)] },
        b: { type: 'undeliverable', protocol: 'mining', messages: [share(2)] },
      });
    });
  });

  it('rejects what a server may not send, and stays', () => {
    marbles(({ connection, expectOutcomes }) => {
      const server = connection('-wabj', {
        w,
        a: share(1),
        b: { ...w, type: 'NewTemplate' } as never,
        j: job,
      });
      const client = createClient({ mining: { connect: testConnector([server]), handler: miner } });
      expectOutcomes(client.start(), 'rejected', 'disconnected', 'sent').toBe('s1abc', {
        s: like({ message: { type: 'SetupConnection' } }),
        1: like({ message: share(1) }),
        a: { type: 'rejected', protocol: 'mining', code: 'unsupported-message', message: share(1) },
        b: like({ type: 'rejected', code: 'unsupported-protocol' }),
        c: like({ message: share(2) }),
      });
    });
  });

  it('gives up a server that is silent, if told to', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('-w 8s j', {
        w,
        j: SetTarget({ channelId: 1, maximumTarget: new Uint8Array(32) }),
      });
      const client = createClient({
        mining: { connect: testConnector([server]), handler: silentHandler },
        inactivityLimit: 10_000,
      });
      expectSent(server).toBe('s 18626ms |', { s: like({ protocol: 0 }) });
      expectOutcomes(client.start(), 'disconnected').toBe(
        '18627ms (d#)',
        { d: like({ reason: { code: 'inactive' } }) },
        like({ code: 'inactive' }),
      );
    });
  });

  it('ends when all its connections have ended, and fails when one cannot be made', () => {
    marbles(({ connection, expectOutcomes }) => {
      const client = createClient({
        mining: { connect: testConnector([connection('w--|', { w })]), handler: silentHandler },
        templateDistribution: { connect: testConnector([connection('w-|', { w })]), handler: tp },
      });
      expectOutcomes(client.start(), 'disconnected').toBe('--a(b|)', {
        a: like({ protocol: 'templateDistribution', reason: { code: 'peer-closed' } }),
        b: like({ protocol: 'mining', reason: { code: 'peer-closed' } }),
      });
      const error = new TransportError('connection-refused', 'nobody there');
      const fails = createClient({
        mining: { connect: testConnector([error]), handler: silentHandler },
        templateDistribution: { connect: testConnector([connection('w-|', { w })]), handler: tp },
      });
      expectOutcomes(fails.start()).toBe('(d#)', { d: like({ reason: { error } }) }, error);
    });
  });

  it('closes its connections when it is unsubscribed from, and can be started again', () => {
    marbles(({ connection, expectObservable, expectSent }) => {
      const [first, second] = [connection('-w', { w }), connection('-w', { w })];
      const client = createClient({ mining: { connect: testConnector([first, second]), handler: miner } });
      const connected$ = client.start().pipe(filter(({ type }) => type === 'connected'));
      expectObservable(connected$, '^----!').toBe('-c', { c: like({ protocol: 'mining' }) });
      expectObservable(connected$, '--^').toBe('--#', {}, like({ code: 'already-started' }));
      expectObservable(connected$, '-------^--!').toBe('--------c', { c: like({ protocol: 'mining' }) });
      expectSent(first).toBe('sa---|', { s: like({ protocol: 0 }), a: share(1) });
      expectSent(second).toBe('-------sa-|', { s: like({ protocol: 0 }), a: share(1) });
    });
  });

  it('that a handler makes fail on one message goes on', () => {
    const mining: MiningClientHandler = (event$) =>
      event$.pipe(
        ofMessage(NewMiningJob),
        map(({ message }): ClientEffect => {
          if (message.jobId === 13) throw new RangeError('unlucky');
          return sendToServer(message.jobId === 14 ? share(-1) : share(message.jobId));
        }),
      );
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('-wabcd', {
        w,
        a: job,
        b: { ...job, jobId: 13 },
        c: { ...job, jobId: 14 },
        d: { ...job, jobId: 2 },
      });
      const client = createClient({ mining: { connect: testConnector([server]), handler: mining } });
      expectSent(server).toBe('s-a--d', { s: like({ protocol: 0 }), a: share(1), d: share(2) });
      expectOutcomes(client.start(), 'handlerError', 'disconnected').toBe('---bc', {
        b: like({ handler: 'mining', error: new RangeError('unlucky'), event: { message: { jobId: 13 } } }),
        c: like({ error: { code: 'value-out-of-range' }, event: { message: { jobId: 14 } } }),
      });
    });
  });

  it('cannot carry out what only a server can', () => {
    const type: string = 'send'; // the compiler is not to see the mistake
    marbles(({ connection, expectOutcomes }) => {
      const client = createClient({
        mining: {
          connect: testConnector([connection('w', { w })]),
          handler: (event$) =>
            event$.pipe(
              ofEvent('connected'),
              map(() => ({ type, clientId: 1, messages: [close(1)] })),
            ),
        },
      });
      expectOutcomes(client.start(), 'handlerError', 'send').toBe('e', {
        e: like({ error: { code: 'invalid-effect' } }),
      });
    });
  });
});
