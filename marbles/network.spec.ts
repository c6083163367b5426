import { describe, it } from '@jest/globals';
import { interval, map, merge, mergeMap, NEVER } from 'rxjs';
import { defaultCrypto } from '../src/crypto/index.js';
import { NewExtendedMiningJob, Reconnect, SubmitSharesSuccess } from '../src/messages/index.js';
import { generateAuthorityKeyPair } from '../src/noise/index.js';
import {
  createClient,
  createServer,
  ofEvent,
  ofMessage,
  send,
  sendToServer,
  type ClientEffect,
  type MiningClientHandler,
  type MiningServerHandler,
} from '../src/service/index.js';
import { like, marbles, memoryNetwork, setupConnection } from '../src/testing/index.js';
import { acceptShares, share, silentHandler } from './support.js';

const authority = generateAuthorityKeyPair(defaultCrypto);
const stranger = generateAuthorityKeyPair(defaultCrypto);
const { publicKey: authorityPublicKey } = authority;

/** Submits a share as soon as it may, and tells of its acceptance. */
const submitOne: MiningClientHandler<{ readonly type: 'accepted' }> = (event$) =>
  merge(
    event$.pipe(
      ofEvent('connected'),
      map((): ClientEffect => sendToServer(share(1))),
    ),
    event$.pipe(
      ofMessage(SubmitSharesSuccess),
      map(() => ({ type: 'accepted' as const })),
    ),
  );

/** Sends everyone elsewhere. */
const moveTo =
  (newHost: string, newPort: number): MiningServerHandler =>
  (event$) =>
    event$.pipe(
      ofEvent('clientAdded'),
      map(({ clientId }) => send(clientId, Reconnect({ newHost, newPort }))),
    );

describe('a client and a server over an encrypted network in memory', () => {
  it('understand each other', () => {
    marbles(({ expectOutcomes }) => {
      const network = memoryNetwork();
      const server = createServer({ listen: network.listen({ authority }), mining: acceptShares });
      const client = createClient({
        mining: { connect: network.connect({ authorityPublicKey }), handler: submitOne },
      });
      expectOutcomes(merge(server.start(), client.start()), 'connected', 'disconnected', 'accepted').toBe(
        '(scr)',
        {
          s: like({ clientId: 1, client: { peer: { encrypted: true } } }),
          c: like({ protocol: 'mining', server: { peer: { authorityPublicKey } } }),
          r: { type: 'accepted' },
        },
      );
    });
  });

  it('part when either stops', () => {
    marbles(({ expectObservable, expectOutcomes }) => {
      const network = memoryNetwork();
      const server = createServer({ listen: network.listen({ authority }), mining: acceptShares });
      const client = createClient({ mining: { connect: network.connect(), handler: silentHandler } });
      expectOutcomes(server.start(), 'disconnected').toBe('----d', {
        d: like({ clientId: 1, reason: { code: 'peer-closed' } }),
      });
      expectObservable(client.start().pipe(map(({ type }) => type)), '----!').toBe('(src)', {
        ...{ s: 'sent', r: 'received', c: 'connected' },
      });
    });
  });

  it('lose each other when the client does not read', () => {
    const job = NewExtendedMiningJob({
      channelId: 1,
      jobId: 1,
      minNtime: null,
      version: 0,
      versionRollingAllowed: true,
      merklePath: [],
      coinbaseTxPrefix: new Uint8Array(20_000),
      coinbaseTxSuffix: new Uint8Array(20_000),
    });
    const flood: MiningServerHandler = (event$) =>
      event$.pipe(
        ofEvent('clientAdded'),
        mergeMap(({ clientId }) => interval(1_000).pipe(map(() => send(clientId, job)))),
      );
    marbles(({ expectObservable, expectOutcomes }) => {
      const network = memoryNetwork();
      const server = createServer({
        listen: network.listen({ authority, maxQueuedBytes: 100_000 }),
        mining: flood,
      });
      const deaf$ = network.connect().pipe(
        mergeMap((connection) => {
          connection.send(setupConnection());
          return NEVER;
        }),
      );
      // SetupConnection.Success and two jobs fit
      expectOutcomes(server.start(), 'disconnected').toBe('3s d', {
        d: like({ clientId: 1, reason: { code: 'slow-consumer' } }),
      });
      expectObservable(deaf$, '1m !').toBe('');
    });
  });

  it('meet again elsewhere after a Reconnect, if the authority is the same', () => {
    marbles(({ expectOutcomes }) => {
      const network = memoryNetwork();
      const [one, two] = [
        createServer({ listen: network.listen({ address: 'one:1', authority }), mining: moveTo('two', 2) }),
        createServer({ listen: network.listen({ address: 'two:2', authority }), mining: acceptShares }),
      ];
      const client = createClient({
        mining: { connect: network.connect({ address: 'one:1', authorityPublicKey }), handler: submitOne },
      });
      expectOutcomes(one.start(), 'disconnected').toBe('d', { d: like({ reason: { code: 'peer-closed' } }) });
      expectOutcomes(two.start(), 'disconnected').toBe('');
      expectOutcomes(client.start(), 'connected', 'disconnected', 'accepted').toBe('(cdea)', {
        c: like({ server: { endpoint: { host: 'one', port: 1 } } }),
        d: like({ reason: { code: 'redirected' } }),
        e: like({ server: { endpoint: { host: 'two', port: 2 }, peer: { authorityPublicKey } } }),
        a: { type: 'accepted' },
      });
    });
  });

  it('do not meet elsewhere if the authority is another', () => {
    marbles(({ expectOutcomes }) => {
      const network = memoryNetwork();
      const one = createServer({
        listen: network.listen({ address: 'one:1', authority }),
        mining: moveTo('two', 2),
      });
      const two = createServer({
        listen: network.listen({ address: 'two:2', authority: stranger }),
        mining: acceptShares,
      });
      const client = createClient({
        mining: {
          connect: network.connect({ address: 'one:1', authorityPublicKey }),
          handler: silentHandler,
        },
      });
      expectOutcomes(merge(one.start(), two.start()), 'handlerError').toBe('');
      expectOutcomes(client.start(), 'connected').toBe(
        '(c#)',
        { c: like({ protocol: 'mining' }) },
        like({ name: 'NoiseError' }),
      );
    });
  });
});
