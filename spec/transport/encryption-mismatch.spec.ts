import { createServer as createTcpServer } from 'node:net';
import { describe, expect, it, test } from '@jest/globals';
import { filter, firstValueFrom, map, merge, ReplaySubject, timeout, toArray, type Observable } from 'rxjs';
import { defaultCrypto } from '../../src/crypto/index.js';
import { encodeFrame } from '../../src/framing/index.js';
import { SetupConnectionError, SetupConnectionSuccess } from '../../src/messages/index.js';
import { connect } from '../../src/node/connect.js';
import { listen, type ListenAddress } from '../../src/node/listen.js';
import { generateAuthorityKeyPair } from '../../src/noise/index.js';
import { createClient, createServer } from '../../src/service/index.js';
import { isPlaintextSetup } from '../../src/transport/encryption-mismatch.js';
import { seededRandom } from '../crypto/providers.js';
import { setup } from './support.js';

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
