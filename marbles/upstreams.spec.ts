import { describe, expect, it } from '@jest/globals';
import { concatMap, EMPTY, map, of, timer } from 'rxjs';
import { Reconnect } from '../src/messages/index.js';
import {
  createClient,
  handleEach,
  leaveServer,
  ofEvent,
  type ClientOptions,
  type MiningClientHandler,
  type ReconnectPolicy,
} from '../src/service/index.js';
import { like, marbles, testConnector, type TestConnector } from '../src/testing/index.js';
import { TransportError, type Connection } from '../src/transport/index.js';
import { silentHandler, welcome } from './support.js';

const w = welcome();
const refused = new TransportError('connection-refused', 'nobody there');
const gone = new TransportError('connection-reset', 'gone');
const named = (host: string, ...attempts: readonly (Connection | Error)[]): TestConnector =>
  testConnector(attempts, { endpoint: { host, port: 1 } });

const policy: ReconnectPolicy = { initialDelay: 1_000, maxDelay: 8_000, returnAfter: 10_000 };

/** A mining client of these servers, without jitter. */
const clientOf = (
  connect: readonly [TestConnector, ...TestConnector[]],
  options: Partial<ClientOptions> = {},
  handler: MiningClientHandler = silentHandler,
) => createClient({ mining: { connect, handler }, random: () => 0, reconnect: policy, ...options });

const connected = (upstream: number) => like({ type: 'connected', server: { upstream } });
const outcomes = {
  ...{ '0': connected(0), '1': connected(1), '2': connected(2) },
  ...{ a: like({ type: 'switched', upstream: 0 }), b: like({ type: 'switched', upstream: 1 }) },
};

describe('a client of several servers', () => {
  it('tries them in their order, at once, and then each with a backoff of its own', () => {
    marbles(
      ({ expectObservable, expectOutcomes }) => {
        const [first, second] = [named('first'), named('second')];
        expectObservable(first.dial$).toBe('a 999ms b 1999ms c', { a: 1, b: 2, c: 3 });
        expectObservable(second.dial$).toBe('a 999ms b 1999ms c', { a: 1, b: 2, c: 3 });
        expectOutcomes(clientOf([first, second]).start(), 'connected').toBe('');
      },
      { until: 6_000 },
    );
  });

  it('says which it uses, since when, and why it left the last', () => {
    marbles(
      ({ connection, expectOutcomes }) => {
        const first = named('first', connection('w 99ms #', { w }, { error: gone }));
        const client = clientOf([first, named('second', connection('5ms w', { w }))]);
        expectOutcomes(client.start(), 'connected', 'switched').toBe('0 99ms b 4ms 1', {
          ...outcomes,
          b: {
            ...{ type: 'switched', protocol: 'mining', upstream: 1, endpoint: { host: 'second', port: 1 } },
            left: {
              upstream: 0,
              endpoint: { host: 'first', port: 1 },
              since: 0,
              reason: like({ code: 'connection-reset' }) as never,
            },
          },
        });
      },
      { until: 900 },
    );
  });

  it('tries the first again in the background, and goes back to it once it has been good for long enough', () => {
    marbles(
      ({ connection, expectObservable, expectOutcomes, expectSent }) => {
        const short = connection('w 4s |', { w });
        const good = connection('w', { w });
        const back = connection('w', { w });
        const second = connection('w', { w });
        const first = named('first', refused, short, good, back);
        // 1 s after the first failure, 2 s after the second, which was 4 s later
        expectObservable(first.dial$).toBe('a 999ms b 6000ms c 9999ms d', { a: 1, b: 2, c: 3, d: 4 });
        expectSent(second).toBe('s 17000ms |', { s: like({ type: 'SetupConnection' }) });
        expectOutcomes(clientOf([first, named('second', second)]).start(), 'connected', 'switched').toBe(
          '(b1) 16997ms (a0)',
          outcomes,
        );
      },
      { until: 60_000 },
    );
  });

  it('stays with the first while that works, whatever the others do', () => {
    marbles(
      ({ connection, expectObservable, expectOutcomes }) => {
        const second = named('second', connection('w', { w }));
        expectObservable(second.dial$).toBe('');
        const client = clientOf([named('first', connection('w', { w })), second]);
        expectOutcomes(client.start(), 'connected', 'switched').toBe('0', outcomes);
      },
      { until: 60_000 },
    );
  });

  it('leaves one that is silent', () => {
    marbles(
      ({ connection, expectOutcomes }) => {
        const first = named('first', connection('w', { w }), connection(''));
        const client = clientOf([first, named('second', connection('w 4s w', { w }))], {
          inactivityLimit: 3_000,
          setupTimeout: 1_000,
        });
        expectOutcomes(client.start(), 'connected', 'switched').toBe('0 3187ms (b1)', outcomes);
      },
      { until: 5_000 },
    );
  });

  it('leaves one at the demand of its handler, without waiting for it to read, and bans it for a while', () => {
    const leaving: MiningClientHandler = (event$) =>
      event$.pipe(
        ofEvent('connected'),
        concatMap(({ server }) =>
          server.upstream === 0
            ? timer(100).pipe(map(() => leaveServer({ code: 'bad-server', message: 'it lies' }, 30_000)))
            : EMPTY,
        ),
      );
    marbles(
      ({ connection, expectObservable, expectOutcomes }) => {
        const first = named('first', connection('w', { w }), connection('w', { w }), connection('w', { w }));
        expectObservable(first.dial$).toBe('a 30099ms b 9999ms c', { a: 1, b: 2, c: 3 });
        const client = clientOf([first, named('second', connection('w', { w }))], {}, leaving);
        expectOutcomes(client.start(), 'switched').toBe('100ms b 39999ms a 99ms b', {
          ...outcomes,
          b: like({ left: { upstream: 0, reason: { code: 'bad-server', message: 'it lies' } } }),
        });
      },
      { until: 41_000 },
    );
  });

  it('follows a Reconnect of any of them, and goes back to the configured one when that leads nowhere', () => {
    marbles(
      ({ connection, expectOutcomes }) => {
        const moved = connection(
          'wr',
          { w, r: Reconnect({ newHost: '', newPort: 9 }) },
          { peer: { encrypted: true, authorityPublicKey: new Uint8Array(32) } },
        );
        const second = testConnector([moved, connection('w', { w })], {
          endpoint: { host: 'second', port: 1 },
          redirect: (endpoint) => testConnector([refused], { endpoint }),
        });
        expectOutcomes(clientOf([named('first'), second]).start(), 'reconnecting').toBe('a(bc) 995ms d', {
          a: like({ endpoint: { host: 'second', port: 1 }, delay: 0 }),
          b: like({ endpoint: { host: 'second', port: 9 }, delay: 0 }),
          c: like({ endpoint: { host: 'first' } }),
          d: like({ endpoint: { host: 'second', port: 1 } }),
        });
      },
      { until: 2_000 },
    );
  });

  it('goes on with the next when the first sends it on again and again, and follows as far as is usual', () => {
    marbles(
      ({ connection, expectOutcomes }) => {
        const peer = { encrypted: true, authorityPublicKey: new Uint8Array(32) };
        const moving = () => connection('wr', { w, r: Reconnect({ newHost: '', newPort: 9 }) }, { peer });
        const there = testConnector([moving(), moving(), moving(), moving()], {
          endpoint: { host: 'first', port: 9 },
        });
        const first = testConnector([moving()], {
          endpoint: { host: 'first', port: 1 },
          redirect: () => there,
        });
        const second = named('second', connection('w', { w }));
        // 2, 4 and 8 s before it follows a second, third and fourth time
        expectOutcomes(clientOf([first, second]).start(), 'reconnecting', 'switched').toBe(
          '-ab 2000ms c 4000ms d 8000ms (sn)',
          {
            a: like({ attempt: 1, delay: 0, endpoint: { host: 'first', port: 9 } }),
            b: like({ attempt: 2, delay: 2_000 }),
            c: like({ attempt: 3, delay: 4_000 }),
            d: like({ attempt: 4, delay: 8_000 }),
            s: like({ type: 'switched', upstream: 1, left: { reason: { code: 'redirected' } } }),
            n: like({ attempt: 1, delay: 0, endpoint: { host: 'second', port: 1 } }),
          },
        );
      },
      { until: 15_000 },
    );
  });

  it('gives up when all have failed too often', () => {
    marbles(({ expectOutcomes }) => {
      const client = clientOf([named('first'), named('second')], {
        reconnect: { ...policy, maxAttempts: 1 },
      });
      expectOutcomes(client.start(), 'switched').toBe(
        '(ba) 996ms (b#)',
        outcomes,
        like({ code: 'connection-refused' }),
      );
    });
  });

  it('tries each once unless it is told to come back', () => {
    marbles(({ expectObservable, expectOutcomes }) => {
      const [first, second] = [named('first'), named('second')];
      const client = createClient({ mining: { connect: [first, second], handler: silentHandler } });
      expectObservable(second.dial$).toBe('a', { a: 1 });
      expectOutcomes(client.start(), 'connected').toBe('#', {}, like({ code: 'connection-refused' }));
    });
  });

  it('has one server at least', () => {
    expect(() => createClient({ mining: { connect: [] as never, handler: silentHandler } })).toThrow(
      expect.objectContaining({ code: 'invalid-configuration' }),
    );
  });

  it('ends all of its connections, those in the background too', () => {
    marbles(
      ({ connection, expectSent, expectObservable }) => {
        const proving = connection('w', { w });
        const client = clientOf([named('first', refused, proving), named('second', connection('w', { w }))]);
        expectObservable(client.start().pipe(handleEach('mining', () => of<never>())), '5s !').toBe('');
        expectSent(proving).toBe('1s s 3999ms |', { s: like({ type: 'SetupConnection' }) });
      },
      { until: 60_000 },
    );
  });
});
