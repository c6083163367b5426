import { describe, expect, it } from '@jest/globals';
import { filter, takeUntil, timer } from 'rxjs';
import { Reconnect, SetupConnectionError } from '../src/messages/index.js';
import { createClient, type ClientOptions } from '../src/service/index.js';
import { like, marbles, testConnector, type TestConnectorOptions } from '../src/testing/index.js';
import { TransportError, type Connection, type Endpoint, type Peer } from '../src/transport/index.js';
import { silentHandler, welcome } from './support.js';

const w = welcome();
const gone = new TransportError('connection-reset', 'gone');
const refused = new TransportError('connection-refused', 'nobody there');
const here = { host: 'here', port: 1 };
const there = { host: 'there', port: 2 };
const authenticated: Partial<Peer> = { encrypted: true, authorityPublicKey: new Uint8Array(32).fill(7) };
const moved = ({ host, port }: Endpoint) => Reconnect({ newHost: host, newPort: port });

/** A mining client of these connections that takes no chances: half of the wait is never random. */
function clientOf(
  attempts: readonly (Connection | Error)[],
  options: Partial<ClientOptions> = {},
  connectorOptions: TestConnectorOptions = {},
) {
  const connector = testConnector(attempts, connectorOptions);
  const client = createClient({
    mining: { connect: connector, handler: silentHandler },
    random: () => 0,
    ...options,
  });
  return { client, connector };
}

describe('reconnecting', () => {
  it('waits twice as long after each failure, up to the cap', () => {
    marbles(({ expectObservable, expectOutcomes }) => {
      const { client, connector } = clientOf([], { reconnect: { initialDelay: 1_000, maxDelay: 5_000 } });
      expectObservable(connector.dial$, '18s !').toBe('a 999ms b 1999ms c 3999ms d 4999ms e 4999ms f', {
        ...{ a: 1, b: 2, c: 3 },
        ...{ d: 4, e: 5, f: 6 },
      });
      const waits = (attempt: number, delay: number) => ({
        type: 'reconnecting',
        protocol: 'mining',
        attempt,
        delay,
        endpoint: undefined,
      });
      expectOutcomes(client.start().pipe(takeUntil(timer(18_000))), 'reconnecting').toBe(
        'a 999ms b 1999ms c 3999ms d 4999ms e 4999ms f 999ms |',
        {
          ...{ a: waits(1, 1_000), b: waits(2, 2_000), c: waits(3, 4_000) },
          ...{ d: waits(4, 5_000), e: waits(5, 5_000), f: waits(6, 5_000) },
        },
      );
    });
  });

  it('takes away up to half of the wait at random', () => {
    marbles(({ expectObservable, expectOutcomes }) => {
      const numbers = [0.5, 0.999, 0];
      const { client, connector } = clientOf([], {
        reconnect: { initialDelay: 1_000, maxAttempts: 3 },
        random: () => numbers.shift() ?? 0,
      });
      expectObservable(connector.dial$).toBe('a 749ms b 1000ms c 3999ms d', { a: 1, b: 2, c: 3, d: 4 });
      expectOutcomes(client.start(), 'connected').toBe('5751ms #', {}, like({ code: 'connection-refused' }));
    });
  });

  it('gives up after maxAttempts failures in a row, with the last error', () => {
    marbles(({ connection, expectObservable, expectOutcomes }) => {
      const broken = connection('w#', { w }, { error: gone });
      const { client, connector } = clientOf([refused, broken, refused, refused], {
        reconnect: { initialDelay: 1_000, maxAttempts: 2 },
      });
      expectObservable(connector.dial$).toBe('a 999ms b 2000ms c', { a: 1, b: 2, c: 3 });
      expectOutcomes(client.start(), 'connected').toBe(
        '1s c 2000ms #',
        { c: like({ protocol: 'mining' }) },
        refused,
      );
    });
  });

  it('ends without an error if the last connection was closed by the server', () => {
    marbles(({ connection, expectOutcomes }) => {
      const { client } = clientOf([connection('-|')], { reconnect: { maxAttempts: 0 } });
      expectOutcomes(client.start()).toBe('s(d|)', {
        s: like({ type: 'sent' }),
        d: like({ type: 'disconnected', reason: { code: 'peer-closed' } }),
      });
    });
  });

  it('starts from the beginning after a connection that lasted', () => {
    marbles(({ connection, expectObservable, expectOutcomes }) => {
      const lasted = connection('w 4999ms |', { w });
      const short = connection('w 4998ms |', { w });
      const { client, connector } = clientOf([refused, refused, lasted, refused, refused, short, refused], {
        reconnect: { initialDelay: 1_000, maxDelay: 5_000 },
      });
      // 1 s, 2 s, lasted 5 s, 1 s, 2 s, 4 s; too short to count: 5 s
      expectObservable(connector.dial$, '25s !').toBe(
        'a 999ms b 1999ms c 5999ms d 1999ms e 3999ms f 9998ms g',
        {
          ...{ a: 1, b: 2, c: 3, d: 4 },
          ...{ e: 5, f: 6, g: 7 },
        },
      );
      expectOutcomes(client.start(), 'handlerError').toBe('');
    });
  });

  it('is tried after a refused SetupConnection too', () => {
    marbles(({ connection, expectOutcomes }) => {
      const no = connection('e', { e: SetupConnectionError({ errorCode: 'busy', flags: 0 }) });
      const { client } = clientOf([no, connection('w', { w })], { reconnect: {} });
      expectOutcomes(client.start(), 'disconnected', 'connected').toBe('d 999ms c', {
        d: like({ reason: { code: 'setup-connection-error', error: { errorCode: 'busy' } } }),
        c: like({ protocol: 'mining' }),
      });
    });
  });

  it('stops when the client is unsubscribed from', () => {
    marbles(({ expectObservable }) => {
      const { client, connector } = clientOf([], { reconnect: {} });
      expectObservable(client.start().pipe(filter(() => false)), '500ms !').toBe('');
      expectObservable(connector.dial$).toBe('a', { a: 1 });
    });
  });

  it('does not happen unless asked for', () => {
    marbles(({ connection, expectObservable, expectOutcomes }) => {
      const { client, connector } = clientOf([connection('w-#', { w }, { error: gone }), refused]);
      expectObservable(connector.dial$).toBe('a', { a: 1 });
      expectOutcomes(client.start(), 'reconnecting').toBe('--#', {}, gone);
    });
  });
});

describe('Reconnect', () => {
  it('is followed at once with the authority key verified, and SetupConnection names the new endpoint', () => {
    marbles(({ connection, expectObservable, expectOutcomes, expectSent }) => {
      const old = connection('w-r', { w, r: moved(there) }, { peer: authenticated });
      const next = connection('w', { w });
      const elsewhere = testConnector([next], { endpoint: there });
      const { client } = clientOf([old], {}, { endpoint: here, redirect: () => elsewhere });

      expectSent(old).toBe('s-|', { s: like({ endpointHost: 'here', endpointPort: 1 }) });
      expectSent(next).toBe('--s', { s: like({ endpointHost: 'there', endpointPort: 2 }) });
      expectObservable(elsewhere.dial$).toBe('--a', { a: 1 });
      expectOutcomes(client.start(), 'connected', 'disconnected', 'redirectRefused').toBe('c-(dn)', {
        c: like({ server: { endpoint: here } }),
        d: like({ reason: { code: 'redirected' } }),
        n: like({ server: { endpoint: there } }),
      });
    });
  });

  it('in plaintext is followed to another port of the same host, however that is spelt', () => {
    marbles(({ connection, expectOutcomes }) => {
      const old = connection(
        'w-r',
        { w, r: moved({ host: 'HERE', port: 2 }) },
        { peer: { encrypted: false } },
      );
      const redirect = (endpoint: Endpoint) => testConnector([connection('w', { w })], { endpoint });
      const { client } = clientOf([old], {}, { endpoint: here, redirect });
      expectOutcomes(client.start(), 'connected', 'redirectRefused').toBe('c-n', {
        c: like({ server: { endpoint: here } }),
        n: like({ server: { endpoint: { host: 'HERE', port: 2 } } }),
      });
    });
  });

  it('keeps host or port that it does not name', () => {
    marbles(({ connection, expectOutcomes }) => {
      const asked: Endpoint[] = [];
      const redirect = (endpoint: Endpoint) => {
        asked.push(endpoint);
        return testConnector([connection('w', { w })], { endpoint });
      };
      const host = clientOf(
        [connection('wr', { w, r: moved({ host: '', port: 9 }) })],
        {},
        { endpoint: here, redirect },
      );
      const port = clientOf(
        [connection('wr', { w, r: moved({ host: 'x', port: 0 }) }, { peer: authenticated })],
        {},
        { endpoint: here, redirect },
      );
      expectOutcomes(host.client.start(), 'connected').toBe('ab', {
        a: like({ server: { endpoint: here } }),
        b: like({ server: { endpoint: { host: 'here', port: 9 } } }),
      });
      expectOutcomes(port.client.start(), 'connected').toBe('ab', {
        a: like({ server: { endpoint: here } }),
        b: like({ server: { endpoint: { host: 'x', port: 1 } } }),
      });
    });
  });

  it('to where it is connected needs no proof', () => {
    marbles(({ connection, expectObservable, expectOutcomes }) => {
      const same = connection('wr', { w, r: moved({ host: '', port: 0 }) }, { peer: { encrypted: true } });
      const { client, connector } = clientOf([same, connection('w', { w })]);
      expectObservable(connector.dial$).toBe('ab', { a: 1, b: 2 });
      expectOutcomes(client.start(), 'connected').toBe('cc', { c: like({ protocol: 'mining' }) });
    });
  });

  const refusals: readonly (readonly [string, Partial<Peer>, TestConnectorOptions, RegExp])[] = [
    [
      'any authority is accepted',
      { encrypted: true },
      { endpoint: here, redirect: () => testConnector([]) },
      /no authority key/,
    ],
    [
      'the connection is not encrypted',
      { encrypted: false },
      { endpoint: here, redirect: () => testConnector([]) },
      /^the connection is not encrypted/,
    ],
    ['the connector cannot be redirected', { encrypted: false }, { endpoint: here }, /cannot be redirected/],
    [
      'the present endpoint is not known',
      { encrypted: false },
      { redirect: () => testConnector([]) },
      /not known here/,
    ],
    [
      'the connector does not want to',
      authenticated,
      {
        endpoint: here,
        redirect: () => {
          throw new TransportError('invalid-option', 'no such host');
        },
      },
      /^no such host$/,
    ],
  ];

  it.each(refusals)('elsewhere is refused if %s, and the connection stays', (_, peer, options, reason) => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('w-r', { w, r: Reconnect({ newHost: 'there', newPort: 0 }) }, { peer });
      const { client } = clientOf([server], {}, options);
      expectSent(server).toBe('s', { s: like({ type: 'SetupConnection' }) });
      expectOutcomes(client.start(), 'redirectRefused', 'disconnected').toBe('--r', {
        r: like({ protocol: 'mining', endpoint: { host: 'there' }, reason: expect.stringMatching(reason) }),
      });
    });
  });

  it('again and again is backed off from, and given up', () => {
    marbles(({ connection, expectOutcomes }) => {
      const again = () => connection('wr', { w, r: moved(there) }, { peer: authenticated });
      const redirect = () => testConnector([again(), again(), again()], { endpoint: there });
      const { client } = clientOf(
        [again()],
        { reconnect: { initialDelay: 1_000, maxAttempts: 3 } },
        { endpoint: here, redirect },
      );
      expectOutcomes(client.start(), 'reconnecting').toBe(
        '-ab 2000ms c 4000ms #',
        {
          a: like({ attempt: 1, delay: 0, endpoint: there }),
          b: like({ attempt: 2, delay: 2_000 }),
          c: like({ attempt: 3, delay: 4_000 }),
        },
        like({ code: 'redirect-loop' }),
      );
    });
  });

  it('to a server that does not work leads back to the configured one', () => {
    marbles(({ connection, expectObservable, expectOutcomes }) => {
      const old = connection('wr', { w, r: moved(there) }, { peer: authenticated });
      const { client, connector } = clientOf(
        [old, connection('w', { w })],
        { reconnect: { initialDelay: 1_000 } },
        { endpoint: here, redirect: (endpoint) => testConnector([refused], { endpoint }) },
      );
      expectObservable(connector.dial$).toBe('a 2000ms b', { a: 1, b: 2 });
      expectOutcomes(client.start(), 'reconnecting').toBe('-(rs)', {
        r: like({ attempt: 1, delay: 0, endpoint: there }),
        s: like({ attempt: 2, delay: 2_000, endpoint: here }),
      });
    });
  });
});
