import { createServer as createTcpServer } from 'node:net';
import { describe, expect, it, test } from '@jest/globals';
import {
  filter,
  firstValueFrom,
  map,
  merge,
  mergeMap,
  NEVER,
  ReplaySubject,
  timeout,
  toArray,
  VirtualTimeScheduler,
  type Observable,
} from 'rxjs';
import { defaultCrypto } from '../../src/crypto/index.js';
import { encodeFrame } from '../../src/framing/index.js';
import { SetupConnectionError, SetupConnectionSuccess } from '../../src/messages/index.js';
import { connect } from '../../src/node/connect.js';
import { listen, type ListenAddress } from '../../src/node/listen.js';
import { createInitiator } from '../../src/noise/handshake.js';
import { generateAuthorityKeyPair } from '../../src/noise/index.js';
import { createClient, createServer } from '../../src/service/index.js';
import { isPlaintextSetup, type SilentServer } from '../../src/transport/encryption-mismatch.js';
import { openConnection } from '../../src/transport/open-connection.js';
import { seededRandom } from '../crypto/providers.js';
import { rawServer } from '../node/support.js';
import { fakeStream, frames, log, setTarget, setup, type FakeStream } from './support.js';

const authority = generateAuthorityKeyPair(defaultCrypto);
const silent = (): Observable<never> => merge();

/** Lets our client meet our server, and returns what each says of it within two seconds. */
async function meet(serverEncrypts: boolean, clientEncrypts: boolean) {
  const address$ = new ReplaySubject<ListenAddress>(1);
  const onServer: string[] = [];
  const server = createServer({
    listen: listen({
      port: 0,
      ...(serverEncrypts ? { authority } : {}),
      listeningObserver: address$,
      handshakeErrorObserver: { next: ({ error }) => onServer.push((error as Error).message) },
    }),
    mining: silent,
  });
  const serving = server.start().subscribe((outcome) => {
    if (outcome.type === 'disconnected') onServer.push(outcome.reason.message);
  });
  const { port } = await firstValueFrom(address$);
  const client = createClient({
    mining: { connect: connect({ host: '127.0.0.1', port, encrypted: clientEncrypts }), handler: silent },
    reconnect: { initialDelay: 60_000 },
  });
  const onClient = await firstValueFrom(
    client.start().pipe(
      filter((outcome) => outcome.type === 'disconnected'),
      map(({ reason }) => reason.message),
      timeout({ first: 2_000 }),
    ),
  );
  serving.unsubscribe();
  return { onClient, onServer };
}

describe('two sides that do not agree on encryption', () => {
  it('are told so within two seconds: a plaintext client and a server that encrypts', async () => {
    const { onClient, onServer } = await meet(true, false);
    expect(onClient).toMatch(/refused SetupConnection: encryption-required/);
    expect(onServer).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+ speaks Stratum V2 in plaintext/)]);
  });

  it('are told so within two seconds: a client that encrypts and a plaintext server', async () => {
    const { onClient, onServer } = await meet(false, true);
    expect(onClient).toMatch(/^127\.0\.0\.1:\d+ answered in plaintext: it does not encrypt/);
    expect(onServer).toEqual([expect.stringMatching(/seems to expect encryption/)]);
  });

  it('are told so too if the server takes SetupConnection for a key and answers it', async () => {
    const server = createTcpServer((socket) => socket.once('data', () => socket.end(seededRandom(1)(234))));
    const port = await new Promise<number>((listening) => {
      server.listen(0, '127.0.0.1', () => listening((server.address() as { port: number }).port));
    });
    const client = createClient({
      mining: { connect: connect({ host: '127.0.0.1', port, encrypted: false }), handler: silent },
    });
    await expect(firstValueFrom(client.start().pipe(toArray()))).rejects.toMatchObject({
      code: 'encryption-mismatch',
      message: expect.stringContaining('no answer to SetupConnection'),
    });
    server.close();
  });
});

describe('a server that says nothing', () => {
  const keys = createInitiator(defaultCrypto, undefined).act1;
  const handshake = () => ({
    opening: keys,
    expected: 234,
    mayFollow: true,
    finish: () => NEVER,
    clear: () => undefined,
  });

  /** What is told of a silent server, and when, by virtual time; `act` does something to it at 1 s. */
  const told = (encrypted: boolean, act: (stream: FakeStream, end: () => void) => void = () => undefined) => {
    const clock = new VirtualTimeScheduler();
    const stream = fakeStream();
    const heard: (readonly [number, SilentServer])[] = [];
    const seen = log(
      openConnection(stream, {
        receivesFrom: 'server',
        scheduler: clock,
        silenceObserver: { next: (silent) => heard.push([clock.frame, silent]) },
        ...(encrypted ? { handshake } : {}),
      }),
    );
    const received = seen.values.map(({ message$ }) => log(message$));
    clock.schedule(
      () =>
        act(stream, () => {
          seen.unsubscribe();
          for (const { unsubscribe } of received) unsubscribe();
        }),
      1_000,
    );
    clock.flush();
    return { heard, failed: seen.error };
  };

  it.each([
    [true, 'it may not encrypt'],
    [false, 'it may expect encryption'],
  ])('is told of once, after 1.5 s, and not left for that (encrypted: %s)', (encrypted, may) => {
    const { heard, failed } = told(encrypted);
    expect(heard).toEqual([
      [1_500, { address: 'peer.example:34254', encrypted, message: expect.stringContaining(may) }],
    ]);
    expect(failed).toEqual(encrypted ? expect.objectContaining({ code: 'handshake-timeout' }) : undefined);
  });

  it.each([
    ['has answered in plaintext', false, (stream: FakeStream) => stream.incoming$.next(frames(setTarget(1)))],
    ['has answered the handshake', true, (stream: FakeStream) => stream.incoming$.next(new Uint8Array(234))],
    ['is gone (encrypted)', true, (stream: FakeStream) => stream.incoming$.complete()],
    ['is gone (plaintext)', false, (stream: FakeStream) => stream.incoming$.complete()],
    ['is not wanted any more (encrypted)', true, (_: FakeStream, end: () => void) => end()],
    ['is not wanted any more (plaintext)', false, (_: FakeStream, end: () => void) => end()],
  ])('is not told of if it %s', (_, encrypted, act) => {
    expect(told(encrypted, act).heard).toEqual([]);
  });

  it.each([true, false])('is told of within two seconds over TCP (encrypted: %s)', async (encrypted) => {
    const { server, host, port } = await rawServer(() => undefined); // which reads, and that is all
    const silent$ = new ReplaySubject<SilentServer>(1);
    const dialled = connect({ host, port, encrypted, silenceObserver: silent$ })
      .pipe(mergeMap(({ message$ }) => message$))
      .subscribe();
    const { address } = await firstValueFrom(silent$.pipe(timeout({ first: 2_000 })));
    expect(address).toBe(`${host}:${port}`);
    dialled.unsubscribe();
    server.close();
  });
});

describe('a plaintext frame in place of a handshake message', () => {
  const hello = encodeFrame(setup());
  const answers = [
    encodeFrame(SetupConnectionSuccess({ usedVersion: 2, flags: 5 })),
    encodeFrame(SetupConnectionError({ flags: 0xffff_ffff, errorCode: 'unsupported-feature-flags' })),
    encodeFrame(SetupConnectionError({ flags: 0, errorCode: '' })),
  ];

  it('is known by its first eleven bytes', () => {
    expect(isPlaintextSetup(hello, 'client')).toBe(true);
    expect(isPlaintextSetup(hello.subarray(0, 11), 'client')).toBe(true);
    expect(isPlaintextSetup(hello.subarray(0, 10), 'client')).toBe(false);
    for (const answer of answers) {
      expect(isPlaintextSetup(answer, 'server')).toBe(true);
      expect(isPlaintextSetup(answer, 'client')).toBe(false);
    }
    expect(isPlaintextSetup(hello, 'server')).toBe(false);
  });

  test('keys are not taken for one', () => {
    const random = seededRandom(2);
    for (let i = 0; i < 20_000; i++) {
      const key = random(64);
      if (i % 2 === 0) key.fill(0, 0, 2); // as near as one in 65,536 comes
      if (i % 4 === 0) key[2] = i % 3;
      expect([isPlaintextSetup(key, 'client'), isPlaintextSetup(key, 'server')]).toEqual([false, false]);
    }
  });
});
