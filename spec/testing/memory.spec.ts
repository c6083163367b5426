import { describe, expect, it } from '@jest/globals';
import { ignoreElements, map, mergeMap, Subject, switchMap, tap, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { defaultCrypto } from '../../src/crypto/index.js';
import { generateAuthorityKeyPair } from '../../src/noise/index.js';
import { memoryNetwork, memoryPair } from '../../src/testing/memory.js';
import { memoryStreams } from '../../src/testing/memory-streams.js';
import type { HandshakeFailure } from '../../src/transport/index.js';
import { at, log, setTarget, setup } from '../transport/support.js';

const authority = generateAuthorityKeyPair(defaultCrypto);

/** Runs in virtual time; everything takes place in the frame in which it was begun. */
const run: TestScheduler['run'] = (callback) =>
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(callback);

describe('memoryPair', () => {
  it('carries messages both ways in the frame in which they were sent', () => {
    run(({ cold, expectObservable }) => {
      const [client, server] = memoryPair();
      expectObservable(server.message$).toBe('--a-b', { a: setup(), b: setTarget(1) });
      expectObservable(client.message$).toBe('---c-', { c: setTarget(2) });

      at(cold('--a-b'), (mark) => client.send(mark === 'a' ? setup() : setTarget(1)));
      at(cold('---c'), () => server.send(setTarget(2)));
    });
  });

  it('completes at one end when the other closes, after what was sent before', () => {
    run(({ cold, expectObservable }) => {
      const [client, server] = memoryPair();
      expectObservable(server.message$).toBe('-(a|)', { a: setTarget(1) });
      expectObservable(client.message$).toBe('-|');

      at(cold('-a'), () => {
        client.send(setTarget(1));
        client.close();
      });
    });
  });

  it('completes at one end when message$ of the other is unsubscribed from', () => {
    run(({ expectObservable }) => {
      const [client, server] = memoryPair();
      expectObservable(client.message$, '^--!').toBe('----');
      expectObservable(server.message$).toBe('---|');
    });
  });

  it('keeps messages until they are subscribed to', () => {
    run(({ cold, expectObservable }) => {
      const [client, server] = memoryPair();
      expectObservable(cold('---s').pipe(mergeMap(() => server.message$))).toBe('---(ab)', {
        a: setTarget(1),
        b: setTarget(2),
      });
      at(cold('ab'), (mark) => client.send(setTarget(mark === 'a' ? 1 : 2)));
    });
  });

  it('disconnects an end that does not read as a slow consumer', () => {
    run(({ cold, expectObservable }) => {
      const [, server] = memoryPair({ maxQueuedBytes: 100 }); // a frame of SetTarget has 42
      const code$ = server.message$.pipe(ignoreElements());
      expectObservable(code$).toBe(
        '--#',
        undefined,
        expect.objectContaining({
          code: 'slow-consumer',
          detail: expect.objectContaining({ queuedBytes: 126 }),
        }),
      );
      at(cold('aaa'), () => server.send(setTarget(1)));
    });
  });

  it('knows its peers', () => {
    const [client, server] = memoryPair();
    expect(client.peer).toEqual({ address: 'server', encrypted: false });
    expect(server.peer).toEqual({ address: 'client', encrypted: false });
  });
});

describe.each([
  ['plaintext', {}, { encrypted: false }],
  ['encrypted', { authority }, { authorityPublicKey: authority.publicKey }],
] as const)('a memoryNetwork, %s', (kind, serverOptions, clientOptions) => {
  it('connects, carries messages, and closes, in virtual time', () => {
    run(({ expectObservable }) => {
      const network = memoryNetwork();
      const echo$ = network
        .listen(serverOptions)
        .pipe(
          mergeMap((connection) =>
            connection.message$.pipe(tap((message) => connection.send(message, setTarget(9)))),
          ),
        );
      const answer$ = network.connect(clientOptions).pipe(
        mergeMap((connection) => {
          connection.send(setup());
          return connection.message$;
        }),
      );
      expectObservable(echo$, '^-------!').toBe('--a', { a: setup() });
      expectObservable(timer(2).pipe(switchMap(() => answer$))).toBe('--(ab)--|', {
        a: setup(),
        b: setTarget(9),
      });
    });
  });

  it('names clients and tells what is encrypted', () => {
    run(({ flush }) => {
      const network = memoryNetwork();
      const servers = log(network.listen(serverOptions));
      const clients = [log(network.connect(clientOptions)), log(network.connect(clientOptions))];
      flush();

      const encrypted = kind === 'encrypted';
      expect(servers.values.map(({ peer }) => peer)).toEqual([
        { address: 'client 1', encrypted },
        { address: 'client 2', encrypted },
      ]);
      expect(clients.map(({ values }) => values[0]?.peer)).toMatchObject([
        { address: 'memory', encrypted },
        { address: 'memory', encrypted },
      ]);
    });
  });

  it('closes every connection when the listener is unsubscribed from', () => {
    run(({ expectObservable }) => {
      const network = memoryNetwork();
      expectObservable(network.listen(serverOptions).pipe(ignoreElements()), '^---!').toBe('');
      const client$ = network.connect(clientOptions).pipe(mergeMap(({ message$ }) => message$));
      expectObservable(timer(1).pipe(mergeMap(() => client$))).toBe('----|');
      expectObservable(timer(2).pipe(mergeMap(() => client$))).toBe('----|');
    });
  });
});

describe('a memoryNetwork', () => {
  it('refuses a connection where nobody listens, and an address in use', () => {
    run(({ expectObservable }) => {
      const network = memoryNetwork();
      const refused = expect.objectContaining({ code: 'connection-refused' });
      const inUse = expect.objectContaining({ code: 'address-in-use' });
      expectObservable(network.connect({ address: 'a' })).toBe('#', undefined, refused);
      expectObservable(network.listen({ address: 'a' }), '-^--!').toBe('');
      expectObservable(timer(2).pipe(switchMap(() => network.listen({ address: 'a' })))).toBe(
        '--#',
        undefined,
        inUse,
      );
      expectObservable(timer(2).pipe(switchMap(() => network.connect({ address: 'b' })))).toBe(
        '--#',
        undefined,
        refused,
      );
      expectObservable(timer(5).pipe(switchMap(() => network.connect({ address: 'a' })))).toBe(
        '-----#',
        undefined,
        refused,
      );
    });
  });

  it('redirects to an address of the form host:port', () => {
    run(({ expectObservable }) => {
      const network = memoryNetwork();
      const connector = network.connect({ address: 'a.example:1', encrypted: false });
      expect(connector.endpoint).toEqual({ host: 'a.example', port: 1 });
      expect(network.connect().endpoint).toBeUndefined();
      const address$ = connector
        .redirect?.({ host: 'b.example', port: 2 })
        .pipe(map(({ peer }) => peer.address));

      expectObservable(network.listen({ address: 'b.example:2' }).pipe(ignoreElements()), '^-!').toBe('');
      expectObservable(address$!).toBe('(a|)', { a: 'b.example:2' });
    });
  });

  it('has time limits in virtual time', () => {
    run(({ expectObservable }) => {
      const network = memoryNetwork();
      const failure$ = new Subject<HandshakeFailure>();
      const listener$ = network.listen({
        authority,
        handshakeTimeout: 50,
        handshakeErrorObserver: failure$,
      });
      // A client that does not speak Noise to a server that waits for it.
      const client$ = network.connect({ encrypted: false }).pipe(mergeMap(({ message$ }) => message$));

      expectObservable(listener$, '^ 60ms !').toBe('');
      expectObservable(failure$).toBe('50ms f', {
        f: { address: 'client 1', error: expect.objectContaining({ code: 'handshake-timeout' }) },
      });
      expectObservable(client$).toBe('50ms |');
    });
  });
});

describe('memoryStreams', () => {
  it('pass pieces on as they were written, and count what is not read', () => {
    run(({ flush }) => {
      const [near, far] = memoryStreams();
      near.write(Uint8Array.of(1, 2));
      near.write(Uint8Array.of(3));
      expect(near.queuedBytes).toBe(3);
      const received = log(far.chunk$);
      expect(near.queuedBytes).toBe(0);
      flush();
      expect(received.values).toEqual([Uint8Array.of(1, 2), Uint8Array.of(3)]);
    });
  });

  it('are closed when both ends have ended and read that', () => {
    run(({ flush }) => {
      const [near, far] = memoryStreams();
      const closed = [log(near.closed$), log(far.closed$)];
      const read = [log(near.chunk$), log(far.chunk$)];
      near.end();
      flush();
      expect(read.map(({ completed }) => completed)).toEqual([false, true]);
      expect(closed.map(({ completed }) => completed)).toEqual([false, false]);
      far.write(Uint8Array.of(1));
      far.end();
      flush();
      expect(read[0]).toMatchObject({ values: [Uint8Array.of(1)], completed: true });
      expect(closed.map(({ completed }) => completed)).toEqual([true, true]);
      expect(log(near.closed$).completed).toBe(true);
    });
  });

  it('end at both ends when one destroys', () => {
    run(({ flush }) => {
      const [near, far] = memoryStreams();
      const closed = [log(near.closed$), log(far.closed$)];
      const read = log(far.chunk$);
      near.destroy();
      far.write(Uint8Array.of(1));
      flush();
      expect(read).toMatchObject({ values: [], completed: true });
      expect(closed.map(({ completed }) => completed)).toEqual([true, true]);
    });
  });
});
