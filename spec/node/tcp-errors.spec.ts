import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  asyncScheduler,
  firstValueFrom,
  tap,
  VirtualTimeScheduler,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { defaultCrypto } from '../../src/crypto/index.js';
import { generateAuthorityKeyPair } from '../../src/noise/index.js';
import { connect } from '../../src/node/connect.js';
import { listen } from '../../src/node/listen.js';
import { connectionError, listenError } from '../../src/node/tcp-errors.js';
import { TransportError } from '../../src/transport/index.js';
import { frames, log, setTarget, setup } from '../transport/support.js';
import { connectTo, eventually, handles, rawClient, rawServer, startListener } from './support.js';

const authority = generateAuthorityKeyPair(defaultCrypto);

afterEach(async () => {
  await eventually(() => handles().length === 0);
});

/** The error that a dial ends with. */
async function failureOf(options: Parameters<typeof connectTo>[0] & Parameters<typeof connectTo>[1]) {
  const error: unknown = await connectTo(options, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  return error as TransportError;
}

describe('listening', () => {
  it('at an address in use is an error that says so', async () => {
    const listener = await startListener();
    const { error } = await settled(listen({ port: listener.port }));

    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({
      code: 'address-in-use',
      message: `127.0.0.1:${listener.port} is in use: choose another port, or stop the program that listens there`,
      cause: { code: 'EADDRINUSE' },
    });
    listener.close();
  });

  it('at an address of another machine is an error that says so', async () => {
    const { error } = await settled(listen({ host: '203.0.113.1', port: 0 }));
    expect(error).toMatchObject({ code: 'address-not-available', cause: { code: 'EADDRNOTAVAIL' } });
  });

  it('needs a port from 0 to 65535', () => {
    for (const port of [-1, 65_536, 1.5, Number.NaN]) {
      expect(() => listen({ port })).toThrow(expect.objectContaining({ code: 'invalid-option' }));
    }
  });

  it('frees its address when it is unsubscribed from', async () => {
    const first = await startListener();
    first.close();
    const second = await startListener({ port: first.port });
    expect(second.port).toBe(first.port);
    second.close();
  });
});

describe('dialling', () => {
  it('where nobody listens is refused', async () => {
    const listener = await startListener();
    listener.close();
    const error = await failureOf(listener);

    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({
      code: 'connection-refused',
      message: `127.0.0.1:${listener.port} refused the connection: check that the server runs and that host and port are right`,
      cause: { code: 'ECONNREFUSED' },
    });
  });

  it('a name with several addresses, none of which answers, is refused too', async () => {
    const listener = await startListener();
    listener.close();
    const error = await failureOf({ host: 'localhost', port: listener.port });
    expect(error).toMatchObject({ code: 'connection-refused', cause: { code: 'ECONNREFUSED' } });
  });

  it('a name that does not exist', async () => {
    const error = await failureOf({ host: 'nobody.invalid', port: 34254 });
    expect(error).toMatchObject({ code: 'host-not-found' });
    expect(error.message).toContain('nobody.invalid:34254');
    expect(error.cause).toMatchObject({ hostname: 'nobody.invalid' });
  });

  it('is given up after connectTimeout', async () => {
    const listener = await startListener();
    const scheduler = new VirtualTimeScheduler();
    const dialled = log(
      connect({ host: '127.0.0.1', port: listener.port, encrypted: false, connectTimeout: 400, scheduler }),
    );
    // Time passes before the event loop turns.
    scheduler.maxFrames = 399;
    scheduler.flush();
    expect(dialled.error).toBeUndefined();
    scheduler.maxFrames = 400;
    scheduler.flush();

    expect(dialled.error).toMatchObject({
      code: 'connection-timeout',
      detail: { address: `127.0.0.1:${listener.port}`, milliseconds: 400 },
    });
    listener.close();
  });

  it('ends with the subscription', async () => {
    const listener = await startListener();
    const dialled = log(connect({ host: '127.0.0.1', port: listener.port }));
    expect(handles()).toHaveLength(2);
    dialled.unsubscribe();

    await eventually(() => handles().length === 1); // the listener
    expect(dialled).toMatchObject({ values: [], error: undefined, completed: false });
    listener.close();
  });

  it('needs a host and a port from 1 to 65535', () => {
    for (const port of [0, -1, 65_536, 1.5, Number.NaN]) {
      expect(() => connect({ host: 'localhost', port })).toThrow(
        expect.objectContaining({ code: 'invalid-option' }),
      );
    }
    expect(() => connect({ host: '', port: 1 })).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });
});

describe('a handshake over TCP', () => {
  it('fails when the server is gone in the middle of it', async () => {
    const { server, ...address } = await rawServer((socket) => socket.end(new Uint8Array(100)));
    const error = await failureOf(address);

    expect(error).toMatchObject({
      code: 'peer-closed-during-handshake',
      detail: { received: 100, expected: 234 },
    });
    server.close();
  });

  it('fails when the server answers with something else', async () => {
    const { server, ...address } = await rawServer((socket) =>
      socket.write('HTTP/1.1 400 Bad Request\r\n'.repeat(10)),
    );
    const error = await failureOf(address);

    expect(error).toMatchObject({ code: 'handshake-authentication-failed' });
    server.close();
  });

  it('fails when the server says nothing until handshakeTimeout', async () => {
    let heard = 0;
    const { server, ...address } = await rawServer((socket) =>
      socket.on('data', ({ length }) => (heard += length)),
    );
    const scheduler = new VirtualTimeScheduler();
    const dialled = log(connect({ ...address, handshakeTimeout: 5000, connectTimeout: 6000, scheduler }));
    await eventually(() => heard === 64);
    scheduler.flush();
    expect(dialled.error).toBeUndefined(); // what has come in time is read first
    await eventually(() => dialled.error !== undefined);

    expect(dialled.error).toMatchObject({ code: 'handshake-timeout', detail: { milliseconds: 5000 } });
    server.close();
  });

  it('fails with the key of another authority', async () => {
    const listener = await startListener({ authority });
    const { publicKey } = generateAuthorityKeyPair(defaultCrypto);
    const error = await failureOf({ ...listener, authorityPublicKey: publicKey });

    expect(error).toMatchObject({ code: 'certificate-wrong-authority' });
    listener.close();
  });

  it('fails with an expired certificate', async () => {
    const hourAgo: SchedulerLike = {
      now: () => Date.now() - 3_700_000,
      schedule: asyncScheduler.schedule.bind(asyncScheduler),
    };
    const listener = await startListener({ authority, certificateValidity: 3600, scheduler: hourAgo });
    const error = await failureOf({ ...listener, authorityPublicKey: authority.publicKey });

    expect(error).toMatchObject({ code: 'certificate-expired' });
    listener.close();
  });
});

describe('a bad client', () => {
  it('of each kind is reported, and disturbs nobody else', async () => {
    const scheduler = new VirtualTimeScheduler();
    const listener = await startListener({ authority, scheduler, handshakeTimeout: 1000 });
    const good = await connectTo(listener);
    const atServer = log((await firstValueFrom(listener.connection$)).message$);
    const failures = log(listener.failure$);

    const gone = await rawClient(listener);
    gone.end(new Uint8Array(10)).resume();
    await eventually(() => failures.values.length === 1);
    const reset = await rawClient(listener);
    reset.resetAndDestroy();
    await eventually(() => failures.values.length === 2);
    const silent = await rawClient(listener);
    await eventually(() => scheduler.actions.length === 1); // its timer
    scheduler.flush();
    await once(silent.resume(), 'end');
    silent.destroy();

    expect(failures.values).toMatchObject([
      {
        address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        error: { code: 'peer-closed-during-handshake' },
      },
      { error: { code: 'connection-reset', cause: { code: 'ECONNRESET' } } },
      { error: { code: 'handshake-timeout' } },
    ]);
    good.send(setTarget(1));
    await eventually(() => atServer.values.length === 1);
    expect(atServer).toMatchObject({ values: [setTarget(1)], error: undefined, completed: false });
    good.close();
    listener.close();
  });

  it('that sends garbage after the handshake loses its own connection only', async () => {
    const listener = await startListener({ authority });
    const good = await connectTo(listener);
    const atGood = log(good.message$);
    const raw = await rawClient(listener);
    raw.resume();
    raw.write(new Uint8Array(64).fill(9));
    raw.once('data', () => raw.write(new Uint8Array(22).fill(9)));
    const all = log(listener.connection$);
    await eventually(() => all.values.length === 2);
    const atBad = log(all.values[1]!.message$);
    await eventually(() => atBad.error !== undefined);

    expect(atBad.error).toMatchObject({ code: 'frame-authentication-failed' });
    expect(atGood).toMatchObject({ error: undefined, completed: false });
    raw.destroy();
    good.close();
    listener.close();
  });

  it('is turned away beyond maxConnections, until another has gone', async () => {
    const listener = await startListener({ maxConnections: 1 });
    const first = await connectTo(listener, { encrypted: false });
    const surplus = await rawClient(listener);
    await once(surplus.resume(), 'end');
    surplus.destroy();

    const failure = await firstValueFrom(listener.failure$);
    expect(failure).toMatchObject({ error: { code: 'too-many-connections' } });

    const atServer = log((await firstValueFrom(listener.connection$)).message$);
    first.close();
    await eventually(() => atServer.completed);
    const all = log(listener.connection$);
    const second = await connectTo(listener, { encrypted: false });
    await eventually(() => all.values.length === 2);
    second.close();
    listener.close();
  });

  it('that does not read is a slow consumer', async () => {
    const listener = await startListener({ maxQueuedBytes: 1_000_000 });
    const raw = await rawClient(listener);
    raw.pause();
    const server = await firstValueFrom(listener.connection$);
    const received = log(server.message$);
    const many = Array.from({ length: 1000 }, (_, index) => setTarget(index % 256));
    let sent = 0;
    await eventually(() => {
      server.send(...many);
      sent += frames(...many).length;
      return received.error !== undefined;
    });

    expect(received.error).toMatchObject({ code: 'slow-consumer', detail: { maxQueuedBytes: 1_000_000 } });
    expect(sent).toBeGreaterThan(1_000_000);
    raw.destroy();
    listener.close();
  });

  it('that resets the connection is an error of that connection', async () => {
    const listener = await startListener();
    const raw = await rawClient(listener);
    const received = log((await firstValueFrom(listener.connection$)).message$);
    raw.resetAndDestroy();
    await eventually(() => received.error !== undefined);

    expect(received.error).toMatchObject({ code: 'connection-reset', cause: { code: 'ECONNRESET' } });
    listener.close();
  });

  it('that closes one half gets its answers, and then the other half closed', async () => {
    const listener = await startListener();
    const raw = await rawClient(listener);
    const server = await firstValueFrom(listener.connection$);
    const received = log(server.message$.pipe(tap(() => server.send(setTarget(1)))));
    const chunks: Buffer[] = [];
    raw.on('data', (chunk) => chunks.push(chunk));

    raw.end(frames(setup()));
    await once(raw, 'end');

    expect(received).toMatchObject({ values: [setup()], completed: true });
    expect(Uint8Array.from(Buffer.concat(chunks))).toEqual(frames(setTarget(1)));
    listener.close();
  });

  it('that does not close after us is cut off after closeTimeout', async () => {
    const scheduler = new VirtualTimeScheduler();
    const listener = await startListener({ scheduler, closeTimeout: 800 });
    const raw = await rawClient(listener);
    const server = await firstValueFrom(listener.connection$);
    server.close();
    await once(raw.resume(), 'end');
    expect(raw.writable).toBe(true); // its own half is open
    scheduler.flush();
    await eventually(() => !raw.write('a reset follows') && raw.destroyed);
    listener.close();
  });
});

describe('errors of the system', () => {
  it('are named after what they mean and keep their cause', () => {
    const system = (code: string) => Object.assign(new Error(`something ${code}`), { code });
    const dialled = (code: string) => connectionError(system(code), 'pool.example:1').code;
    const listened = (code: string) => listenError(system(code), 'pool.example:1').code;

    expect(['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EPIPE', 'EAI_AGAIN'].map(dialled)).toEqual([
      'connection-timeout',
      'host-unreachable',
      'host-unreachable',
      'connection-reset',
      'host-not-found',
    ]);
    expect(['EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND'].map(listened)).toEqual([
      'permission-denied',
      'address-not-available',
      'host-not-found',
    ]);
    const other = system('EMFILE');
    expect(connectionError(other, 'pool.example:1')).toMatchObject({
      code: 'connection-failed',
      message: 'pool.example:1 failed ("something EMFILE")',
      cause: other,
    });
    expect(listenError(other, 'pool.example:1').code).toBe('listen-failed');
  });
});

/** Subscribes and waits for the end. */
async function settled<T>(source$: Observable<T>) {
  const seen = log(source$);
  await eventually(() => seen.error !== undefined || seen.completed);
  return seen;
}
