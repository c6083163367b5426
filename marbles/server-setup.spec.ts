import { describe, expect, it } from '@jest/globals';
import { miningSetupFlags, miningSuccessFlags, SetupConnectionError } from '../src/messages/index.js';
import { createServer, nullMiningServerHandler } from '../src/service/index.js';
import { like, marbles, setupConnection } from '../src/testing/index.js';
import { accepted, acceptShares, clients, share, silentHandler, welcome } from './support.js';

const refusal = (errorCode: string, flags = 0) => SetupConnectionError({ errorCode, flags });

describe('SetupConnection, as a server answers it', () => {
  it('is accepted, and then the client is served', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('--s-----m', { s: setupConnection('mining', { flags: 0b1 }), m: share(7) });
      const server = createServer({
        listen: clients(client),
        mining: { handler: acceptShares, successFlags: ({ flags }) => flags << 1 },
      });

      expectSent(client).toBe('--s-----a', { s: welcome(0b10), a: accepted(7) });
      expectOutcomes(server.start()).toBe('--(rsc)-(rs)', {
        r: like({ type: 'received', clientId: 1 }),
        s: like({ type: 'sent', clientId: 1 }),
        c: {
          type: 'connected',
          clientId: 1,
          client: {
            clientId: 1,
            peer: client.peer,
            protocol: 'mining',
            version: 2,
            flags: 0b1,
            successFlags: 0b10,
            setupConnection: setupConnection('mining', { flags: 0b1 }),
            extensions: [],
            connectedAt: 2,
          },
        },
      });
    });
  });

  it.each([
    ['unsupported-protocol', setupConnection('jobDeclaration'), refusal('unsupported-protocol')],
    ['unsupported-protocol', { ...setupConnection(), protocol: 99 }, refusal('unsupported-protocol')],
    [
      'protocol-version-mismatch',
      setupConnection('mining', { minVersion: 3, maxVersion: 9 }),
      refusal('protocol-version-mismatch'),
    ],
    [
      'protocol-version-mismatch',
      setupConnection('mining', { minVersion: 0, maxVersion: 1 }),
      refusal('protocol-version-mismatch'),
    ],
    [
      'unsupported-feature-flags',
      setupConnection('mining', { flags: 0x8000_0005 }),
      refusal('unsupported-feature-flags', 0x8000_0004),
    ],
    // each error says which flags are not supported (spec §3.6.3)
    [
      'protocol-version-mismatch',
      setupConnection('mining', { minVersion: 3, maxVersion: 9, flags: 0b101 }),
      refusal('protocol-version-mismatch', 0b100),
    ],
    [
      'unsupported-protocol',
      setupConnection('jobDeclaration', { flags: 0b1 }),
      refusal('unsupported-protocol', 0b1),
    ],
  ])('is refused with %s, and the connection closed', (errorCode, setup, answer) => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('--s--m', { s: setup, m: share(7) });
      const server = createServer({
        listen: clients(client),
        mining: { handler: acceptShares, supportedFlags: 0b11 },
        templateDistribution: (event$) => silentHandler(event$ as never) as never,
      });

      expectSent(client).toBe('--(s|)', { s: answer });
      expectOutcomes(server.start(), 'setupRefused', 'disconnected', 'connected').toBe('--(rd)', {
        r: { type: 'setupRefused', clientId: 1, peer: client.peer, errorCode, flags: answer.flags },
        d: like({ type: 'disconnected', reason: { code: 'setup-refused' } }),
      });
    });
  });

  it('is refused if the server accepts no other version and the client requires version rolling', () => {
    const { requiresVersionRolling, requiresStandardJobs } = miningSetupFlags;
    const flags = requiresVersionRolling | requiresStandardJobs;
    const { requiresFixedVersion } = miningSuccessFlags;
    for (const successFlags of [requiresFixedVersion, () => requiresFixedVersion]) {
      marbles(({ connection, expectOutcomes, expectSent }) => {
        const rolling = connection('s', { s: setupConnection('mining', { flags }) });
        const fixed = connection('s', { s: setupConnection('mining', { flags: requiresStandardJobs }) });
        const mining = { handler: acceptShares, successFlags };
        expectSent(rolling).toBe('(s|)', { s: refusal('unsupported-feature-flags', requiresVersionRolling) });
        expectSent(fixed).toBe('s', { s: welcome(requiresFixedVersion) });
        expectOutcomes(
          createServer({ listen: clients(rolling, fixed), mining }).start(),
          'handlerError',
        ).toBe('');
      });
    }
  });

  it('is refused for a subprotocol with a null handler', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('s', { s: setupConnection() });
      const server = createServer({
        listen: clients(client),
        mining: nullMiningServerHandler,
        jobDeclaration: (event$) => silentHandler(event$ as never) as never,
      });

      expectSent(client).toBe('(s|)', { s: refusal('unsupported-protocol') });
      expectOutcomes(server.start(), 'connected').toBe('');
    });
  });

  it.each([
    ['a message of the subprotocol', share(1)],
    ['a message of the server', welcome()],
    [
      'an unknown message',
      {
        type: 'Unknown',
        extensionType: 7,
        messageType: 1,
        channelMessage: true,
        payload: new Uint8Array(4),
      } as const,
    ],
  ])('must come before %s', (_, message) => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('--ms', { m: message, s: setupConnection() });
      const server = createServer({ listen: clients(client), mining: acceptShares });

      expectSent(client).toBe('--|');
      expectOutcomes(server.start()).toBe('--(rd)', {
        r: { type: 'received', clientId: 1, message },
        d: like({
          type: 'disconnected',
          clientId: 1,
          protocol: undefined,
          reason: { code: 'setup-connection-required', error: { name: 'ServiceError' } },
        }),
      });
    });
  });

  it('may come only once', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('--s--s-m', { s: setupConnection(), m: share(1) });
      const server = createServer({ listen: clients(client), mining: acceptShares });

      expectSent(client).toBe('--a--|', { a: welcome() });
      expectOutcomes(server.start(), 'disconnected').toBe('-----d', {
        d: like({ clientId: 1, protocol: 'mining', reason: { code: 'setup-connection-repeated' } }),
      });
    });
  });

  it('must come in time', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('10s s', { s: setupConnection() });
      const server = createServer({ listen: clients(client), mining: acceptShares });

      expectSent(client).toBe('10s |');
      expectOutcomes(server.start()).toBe('10s d', {
        d: like({ type: 'disconnected', reason: { code: 'setup-timeout' } }),
      });
    });
  });

  it('may take as long as setupTimeout says', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const inTime = connection('59s s', { s: setupConnection() });
      const tooLate = connection('61s s', { s: setupConnection() });
      const server = createServer({
        listen: clients(inTime, tooLate),
        mining: acceptShares,
        setupTimeout: 60_000,
      });

      expectSent(inTime).toBe('59s a', { a: welcome() });
      expectSent(tooLate).toBe('60s |');
      expectOutcomes(server.start(), 'connected').toBe('59s c', { c: like({ clientId: 1 }) });
    });
  });

  it('raises the payload limit to that of the subprotocol, but not before', () => {
    const limitAt = (stop: string) =>
      marbles((helpers) => {
        const client = helpers.connection('--s', { s: setupConnection() });
        const server = createServer({ listen: clients(client), mining: acceptShares });
        helpers.expectObservable(server.start(), stop);
        helpers.flush();
        return client.payloadLimit;
      });

    expect(limitAt('-!')).toBeUndefined();
    expect(limitAt('---!')).toBeGreaterThan(60_000);
  });

  it('that the application refuses is told its error code, and others are not asked twice', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const asked: string[] = [];
      const hello = (vendor: string, flags = 0) => setupConnection('mining', { vendor, flags });
      const old = connection('-s', { s: hello('old') });
      const wrong = connection('--s', { s: hello('wrong', 0b1000_0000) });
      const good = connection('---s', { s: hello('good') });
      const server = createServer({
        listen: clients(old, wrong, good),
        mining: {
          handler: acceptShares,
          refuses({ vendor }) {
            asked.push(vendor);
            return vendor === 'old' ? 'firmware-too-old' : undefined;
          },
        },
      });

      expectSent(old).toBe('-(e|)', {
        e: like({ type: 'SetupConnection.Error', errorCode: 'firmware-too-old', flags: 0 }),
      });
      expectSent(wrong).toBe('--(e|)', {
        e: like({ type: 'SetupConnection.Error', errorCode: 'unsupported-feature-flags' }),
      });
      expectSent(good).toBe('---a', { a: welcome() });
      expectOutcomes(server.start(), 'connected').toBe('---c', { c: like({ clientId: 3 }) });
      return () => expect(asked).toEqual(['old', 'good']);
    });
  });

  it('that makes the handler’s successFlags throw costs only that client its connection', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const bad = connection('-s', { s: setupConnection('mining', { vendor: 'bad' }) });
      const good = connection('--s', { s: setupConnection() });
      const server = createServer({
        listen: clients(bad, good),
        mining: {
          handler: acceptShares,
          successFlags: ({ vendor }) => {
            if (vendor === 'bad') throw new RangeError('no flags for you');
            return 0;
          },
        },
      });

      expectSent(bad).toBe('-|');
      expectSent(good).toBe('--a', { a: welcome() });
      expectOutcomes(server.start(), 'disconnected').toBe('-d', {
        d: like({ clientId: 1, reason: { code: 'unexpected-error', message: 'no flags for you' } }),
      });
    });
  });
});
