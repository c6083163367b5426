import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import * as workerThreadsOfNode from 'node:worker_threads';
import {
  filter,
  firstValueFrom,
  forkJoin,
  map,
  mergeMap,
  range,
  Subject,
  switchMap,
  take,
  tap,
  toArray,
} from 'rxjs';
import { nobleCrypto, wasmCrypto } from '../../src/crypto/index.js';
import { roleListener } from '../../src/cli/role-server.js';
import { connect } from '../../src/node/connect.js';
import { listen, type ListenAddress } from '../../src/node/listen.js';
import { handshakeWorkers as withoutThreads } from '../../src/node/handshake-workers.js';
import type * as Built from '../../src/node/handshake-workers.js';
import {
  createInitiator,
  encodeAuthorityPublicKey,
  encodeAuthoritySecretKey,
  generateAuthorityKeyPair,
  transportCiphers,
} from '../../src/noise/index.js';
import { SetupConnectionSuccess } from '../../src/messages/index.js';

// worker threads need JavaScript: these specs run against dist, which `npm test` has built
const dist = fileURLToPath(new URL('../../dist/node/handshake-workers.js', import.meta.url));

let handshakeWorkers: typeof Built.handshakeWorkers;
beforeAll(async () => {
  ({ handshakeWorkers } = (await import(dist)) as typeof Built);
});

const authority = generateAuthorityKeyPair(nobleCrypto);
const options = { authoritySecretKey: authority.secretKey, certValiditySeconds: 3600 };
const crypto = await wasmCrypto();
const seconds = () => Date.now() / 1000;

/** Prints what is told of threads that may not start. */
const withoutPermission = `
  const { handshakeWorkers } = await import(process.argv[1]);
  const told = [];
  const options = { authoritySecretKey: new Uint8Array(32).fill(1), certValiditySeconds: 3600 };
  const responder = handshakeWorkers(2, { next: ({ code, cause }) => told.push([code, cause.code]) })(options);
  responder.clear();
  console.log(JSON.stringify(told));
`;

const workerThreads = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'MessagePort').length;

describe('handshakes in worker threads', () => {
  it('are authentic, and both sides have the same keys', async () => {
    const responder = handshakeWorkers(2)(options);
    const results = await firstValueFrom(
      range(0, 20).pipe(
        mergeMap(() => {
          const initiator = createInitiator(crypto, authority.publicKey);
          return responder
            .respond(initiator.act1, seconds())
            .pipe(
              map(
                ({ act2, ...keys }) =>
                  [initiator.finish(act2, seconds()), transportCiphers(crypto, keys)] as const,
              ),
            );
        }),
        toArray(),
      ),
    );
    responder.clear();
    expect(results).toHaveLength(20);
    for (const [client, server] of results) {
      const [sealed, opened] = [new Uint8Array(19), new Uint8Array(3)];
      const ad = new Uint8Array(0);
      client.send.encrypt(ad, Uint8Array.of(1, 2, 3), 0, 3, sealed, 0);
      expect(server.receive.decrypt(ad, sealed, 0, 19, opened, 0)).toBe(true);
      expect(opened).toEqual(Uint8Array.of(1, 2, 3));
      server.send.encrypt(ad, opened, 0, 3, sealed, 0);
      expect(client.receive.decrypt(ad, sealed, 0, 19, opened, 0)).toBe(true);
    }
    // a thread each: two certificates, and no third
    expect(
      new Set(results.map(([{ serverPublicKey }]) => Buffer.from(serverPublicKey).toString('hex'))).size,
    ).toBe(2);
  });

  it('that are given up are not waited for, and leave nothing behind', async () => {
    const before = workerThreads();
    const responder = handshakeWorkers(1)(options);
    const act1 = () => createInitiator(crypto, undefined).act1;
    const abandoned = Array.from({ length: 50 }, () => responder.respond(act1(), seconds()).subscribe());
    for (const subscription of abandoned) subscription.unsubscribe();
    const { act2 } = await firstValueFrom(responder.respond(act1(), seconds()));
    expect(act2).toHaveLength(234);
    responder.clear();
    expect(workerThreads()).toBeLessThanOrEqual(before);
  });

  it('fail by name when a thread ends, and the next are answered by another', async () => {
    const responder = handshakeWorkers(1)(options);
    const { act1 } = createInitiator(crypto, undefined);
    await firstValueFrom(responder.respond(act1, seconds()));
    // what no initiator can send: it ends the thread
    await expect(firstValueFrom(responder.respond(act1.subarray(1), seconds()))).rejects.toMatchObject({
      code: 'handshake-worker-failed',
    });
    expect((await firstValueFrom(responder.respond(act1, seconds()))).act2).toHaveLength(234);
    responder.clear();
  });

  it.each([1, 3])(
    'are done on this thread where no other of %d can work, which is told once',
    async (threads) => {
      const told: unknown[] = [];
      // from its source, whose thread has no JavaScript to run
      const responder = withoutThreads(threads, { next: (error) => told.push(error) })(options);
      const initiators = [1, 2, 3].map(() => createInitiator(crypto, authority.publicKey));
      const answers = await firstValueFrom(
        forkJoin(initiators.map(({ act1 }) => responder.respond(act1, seconds()))),
      );
      for (const [index, { act2 }] of answers.entries()) {
        expect(() => initiators[index]?.finish(act2, seconds())).not.toThrow();
      }
      await firstValueFrom(responder.respond(createInitiator(crypto, undefined).act1, seconds()));
      responder.clear();
      expect(told).toEqual([
        expect.objectContaining({
          code: 'handshake-worker-failed',
          message: expect.stringMatching(
            /^no thread can answer handshakes \(.+\): the one that serves everyone does/,
          ),
          cause: expect.anything(),
        }),
      ]);
    },
  );

  it('are done on this thread where Node.js may not start one, which is told', async () => {
    const permission = process.allowedNodeEnvironmentFlags.has('--permission')
      ? '--permission'
      : '--experimental-permission';
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...[permission, '--allow-fs-read=*', '--input-type=module', '--eval', withoutPermission],
      pathToFileURL(dist).href,
    ]);
    expect(JSON.parse(stdout)).toEqual([['handshake-worker-failed', 'ERR_ACCESS_DENIED']]);
  });

  it('are done by the threads there are when the system has no more', async () => {
    let started = 0;
    jest.unstable_mockModule('node:worker_threads', () => ({
      ...workerThreadsOfNode,
      Worker: class extends workerThreadsOfNode.Worker {
        constructor(_: URL, workerOptions: workerThreadsOfNode.WorkerOptions) {
          if (++started > 1) throw new Error('EAGAIN');
          super(new URL('./handshake-worker.js', pathToFileURL(dist)), workerOptions);
        }
      },
    }));
    jest.resetModules();
    const module = await import('../../src/node/handshake-workers.js');
    const told: unknown[] = [];
    const responder = module.handshakeWorkers(3, { next: (error) => told.push(error) })(options);
    const answers = await firstValueFrom(
      forkJoin(
        Array.from({ length: 30 }, () =>
          responder.respond(createInitiator(crypto, undefined).act1, seconds()),
        ),
      ),
    );
    responder.clear();
    expect(answers).toHaveLength(30);
    expect({ told, started }).toEqual({ told: [], started: 2 });
  });

  it('that no thread can answer are a line in the log of a role', async () => {
    const authorityKeys = {
      authority_public_key: encodeAuthorityPublicKey(authority.publicKey),
      authority_secret_key: encodeAuthoritySecretKey(authority.secretKey),
    };
    const { listen: connection$, line$ } = roleListener(
      {
        listen_address: { host: '127.0.0.1', port: 0 },
        ...authorityKeys,
        cert_validity_sec: 3600,
        max_connections: 10,
        max_connections_per_address: 10,
      },
      'pool',
    );
    const line = firstValueFrom(line$.pipe(filter(({ text }) => text.includes('no thread'))));
    const serving = connection$.subscribe();
    expect(await line).toMatchObject({ text: expect.stringContaining('no thread can answer handshakes') });
    serving.unsubscribe();
  });

  it('say nothing where threads work', async () => {
    const told: unknown[] = [];
    const responder = handshakeWorkers(2, { next: (error) => told.push(error) })(options);
    await firstValueFrom(responder.respond(createInitiator(crypto, undefined).act1, seconds()));
    responder.clear();
    expect(told).toEqual([]);
  });

  it('let clients in over TCP', async () => {
    const address$ = new Subject<ListenAddress>();
    const connections = 30;
    const server$ = listen({
      port: 0,
      authority,
      listeningObserver: address$,
      responder: handshakeWorkers(2),
    }).pipe(
      tap((connection) => connection.send(SetupConnectionSuccess({ usedVersion: 2, flags: 0 }))),
      take(connections),
      mergeMap(({ message$ }) => message$),
    );
    const clients$ = address$.pipe(
      take(1),
      switchMap(({ host, port }) =>
        forkJoin(
          Array.from({ length: connections }, () =>
            connect({ host, port, authorityPublicKey: authority.publicKey }).pipe(
              mergeMap(({ message$ }) => message$.pipe(take(1))),
            ),
          ),
        ),
      ),
    );
    const received = firstValueFrom(clients$);
    const serving = server$.subscribe();
    expect((await received).map(({ type }) => type)).toEqual(
      Array<string>(connections).fill('SetupConnection.Success'),
    );
    serving.unsubscribe();
  });

  it.each([0, -1, Number.NaN])('need a thread: %d', (threads) => {
    expect(() => handshakeWorkers(threads)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });
});
