import { afterEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { defaultCrypto, nobleCrypto } from '../../src/crypto/index.js';
import { NewExtendedMiningJob, type Message } from '../../src/messages/index.js';
import { encodeAuthorityPublicKey, generateAuthorityKeyPair } from '../../src/noise/index.js';
import { connect } from '../../src/node/connect.js';
import type { ListenOptions } from '../../src/node/listen.js';
import { log, setTarget, setup } from '../transport/support.js';
import { connectTo, eventually, handles, rawClient, startListener } from './support.js';

const authority = generateAuthorityKeyPair(defaultCrypto);
const authorityPublicKey = authority.publicKey;

afterEach(async () => {
  await eventually(() => handles().length === 0);
});

describe.each([
  ['encrypted', { authority }, { authorityPublicKey }],
  ['plaintext', {}, { encrypted: false }],
  ['encrypted', { authority, crypto: nobleCrypto }, { authorityPublicKey, crypto: nobleCrypto }],
] as const)(
  'an %s connection over TCP (%#)',
  (kind, serverOptions: Partial<ListenOptions>, clientOptions) => {
    async function connected() {
      const listener = await startListener(serverOptions);
      const client = await connectTo(listener, clientOptions);
      const server = await firstValueFrom(listener.connection$);
      return { listener, client, server };
    }

    it('carries messages both ways, and completes when the peer closes', async () => {
      const { listener, client, server } = await connected();
      const atClient = log(client.message$);
      const atServer = firstValueFrom(server.message$.pipe(take(3), toArray()));

      server.send(setTarget(3));
      await eventually(() => atClient.values.length === 1);
      client.send(setup(), setTarget(1));
      client.send(setTarget(2));

      expect(await atServer).toEqual([setup(), setTarget(1), setTarget(2)]);
      await eventually(() => atClient.completed); // because take(3) unsubscribed at the other end
      expect(atClient.values).toEqual([setTarget(3)]);
      listener.close();
    });

    it('knows its peer', async () => {
      const { listener, client, server } = await connected();

      expect(client.peer).toEqual({
        address: `127.0.0.1:${listener.port}`,
        encrypted: kind === 'encrypted',
        ...(kind === 'encrypted' ? { authorityPublicKey } : {}),
      });
      expect(server.peer).toEqual({
        address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        encrypted: kind === 'encrypted',
      });
      expect(server.peer.address).not.toBe(client.peer.address);
      client.close();
      listener.close();
    });

    it('delivers everything that was sent before close, however much', async () => {
      const { listener, client, server } = await connected();
      client.limitPayload(0xffffff);
      const job = (jobId: number) =>
        NewExtendedMiningJob({
          channelId: 1,
          jobId,
          minNtime: null,
          version: 0,
          versionRollingAllowed: true,
          merklePath: [],
          coinbaseTxPrefix: new Uint8Array(65_535).fill(jobId),
          coinbaseTxSuffix: new Uint8Array(65_535),
        });
      for (let jobId = 0; jobId < 64; jobId += 1) server.send(job(jobId)); // 8 MiB
      server.close();

      const received = await lastValueFrom(client.message$.pipe(toArray()));

      expect(received.map((message) => (message as NewExtendedMiningJob).jobId)).toEqual([
        ...Array(64).keys(),
      ]);
      expect(received[63]).toEqual(job(63));
      listener.close();
    });

    it('loses nothing that arrives before message$ is subscribed to', async () => {
      const { listener, client, server } = await connected();
      client.send(setTarget(1));
      client.close();
      const second = await connectTo(listener, clientOptions); // by then the bytes of the first are there
      second.close();

      expect(await lastValueFrom(server.message$.pipe(toArray()))).toEqual([setTarget(1)]);
      listener.close();
    });

    it('hands over plain Uint8Arrays', async () => {
      const { listener, client, server } = await connected();
      client.send(setTarget(1));
      const received = (await firstValueFrom(server.message$)) as Message & { maximumTarget: Uint8Array };

      expect(Object.getPrototypeOf(received.maximumTarget)).toBe(Uint8Array.prototype);
      client.close();
      listener.close();
    });

    it('ends at both ends, without a handle left, when the listener is unsubscribed from', async () => {
      const { listener, client } = await connected();
      const atClient = log(client.message$);
      const raw = await rawClient(listener); // encrypted: a handshake under way
      raw.resume();
      expect(handles()).not.toEqual([]);

      listener.close();
      await eventually(() => atClient.completed && raw.readableEnded);
      raw.end();

      await eventually(() => handles().length === 0);
      await expect(connectTo(listener, clientOptions)).rejects.toMatchObject({ code: 'connection-refused' });
    });
  },
);

describe('a URL', () => {
  it('says where to connect to and which authority to expect', async () => {
    const listener = await startListener({ authority });
    const url = `stratum2+tcp://127.0.0.1:${listener.port}`;
    const withKey = await firstValueFrom(connect(`${url}/${encodeAuthorityPublicKey(authorityPublicKey)}`));
    const without = await firstValueFrom(connect(url));

    expect(withKey.peer.authorityPublicKey).toEqual(authorityPublicKey);
    expect(without.peer).toEqual({ address: `127.0.0.1:${listener.port}`, encrypted: true });
    withKey.close();
    without.close();
    listener.close();
  });

  it('can be combined with options', async () => {
    const listener = await startListener();
    const connection = await firstValueFrom(
      connect(`stratum2+tcp://127.0.0.1:${listener.port}`, { encrypted: false }),
    );
    expect(connection.peer.encrypted).toBe(false);
    connection.close();
    listener.close();
  });

  it('is checked before anything is dialled', () => {
    expect(() => connect('http://127.0.0.1:1')).toThrow(expect.objectContaining({ code: 'url' }));
    expect(() => connect('stratum2+tcp://127.0.0.1:1/abc')).toThrow(
      expect.objectContaining({ code: 'authority-key' }),
    );
  });
});

describe('where a connection leads', () => {
  it('is known, and can be another place with the same key and limits', async () => {
    const wrong = generateAuthorityKeyPair(defaultCrypto);
    const [first, second, foreign] = [
      await startListener({ authority }),
      await startListener({ authority }),
      await startListener({ authority: wrong }),
    ];
    const connector = connect(
      `stratum2+tcp://127.0.0.1:${first.port}/${encodeAuthorityPublicKey(authorityPublicKey)}`,
    );
    expect(connector.endpoint).toEqual({ host: '127.0.0.1', port: first.port });

    const redirected$ = connector.redirect?.({ host: '127.0.0.1', port: second.port });
    expect(redirected$?.endpoint).toEqual({ host: '127.0.0.1', port: second.port });
    const connection = await firstValueFrom(redirected$!);
    expect(connection.peer).toMatchObject({ address: `127.0.0.1:${second.port}`, authorityPublicKey });
    connection.close();

    const astray$ = connector.redirect?.({ host: '127.0.0.1', port: foreign.port });
    await expect(firstValueFrom(astray$!)).rejects.toMatchObject({ code: 'certificate-wrong-authority' });
    for (const { close } of [first, second, foreign]) close();
  });
});

describe('IPv6', () => {
  it('works, with the host in brackets where an address is shown', async () => {
    const listener = await startListener({ host: '::1' });
    const client = await firstValueFrom(
      connect(`stratum2+tcp://[::1]:${listener.port}`, { encrypted: false }),
    );
    const server = await firstValueFrom(listener.connection$);

    expect(client.peer.address).toBe(`[::1]:${listener.port}`);
    expect(server.peer.address).toMatch(/^\[::1\]:\d+$/);
    client.close();
    listener.close();
  });

  it('leaves the address of an IPv4 client as it is', async () => {
    const listener = await startListener({ host: '::' });
    const client = await connectTo({ host: '127.0.0.1', port: listener.port }, { encrypted: false });
    const server = await firstValueFrom(listener.connection$);

    expect(server.peer.address).toMatch(/^127\.0\.0\.1:\d+$/);
    client.close();
    listener.close();
  });
});

describe('cold Observables', () => {
  it('bind and dial when they are subscribed to, each time anew', async () => {
    const listener = await startListener();
    const connection$ = connect({ host: '127.0.0.1', port: listener.port, encrypted: false });
    const [first, second] = [await firstValueFrom(connection$), await firstValueFrom(connection$)];

    expect(first).not.toBe(second);
    first.close();
    second.close();
    listener.close();
  });
});
