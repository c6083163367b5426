import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { catchError, firstValueFrom, ReplaySubject, take, toArray, of } from 'rxjs';
import { connectSv1, listenSv1, type Sv1ConnectOptions, type Sv1ListenOptions } from '../../src/node/sv1.js';
import type { ListenAddress } from '../../src/node/tcp-options.js';
import { sv1, type Sv1Connection } from '../../src/sv1/index.js';
import type { HandshakeFailure } from '../../src/transport/index.js';
import { eventually, handles } from './support.js';

let tls: { readonly certificate: string; readonly key: string };

beforeAll(() => {
  const directory = mkdtempSync(join(tmpdir(), 'rx-sv2-sv1-'));
  const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync(
    'openssl',
    ['req', '-x509', ...kind, '-keyout', key, '-out', certificate, ...subject, '-days', '2'],
    {
      stdio: 'ignore',
    },
  );
  tls = { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
});

afterEach(async () => {
  await eventually(() => handles().length === 0);
});

/** A listener that runs until it is stopped. */
async function listening(options: Partial<Sv1ListenOptions> = {}) {
  const connection$ = new ReplaySubject<Sv1Connection>(1);
  const failures: HandshakeFailure[] = [];
  const address$ = new ReplaySubject<ListenAddress>(1);
  const running = listenSv1({
    port: 0,
    listeningObserver: address$,
    handshakeErrorObserver: { next: (failure) => failures.push(failure) },
    ...options,
  }).subscribe(connection$);
  const { port } = await firstValueFrom(address$);
  const dial = (given: Partial<Sv1ConnectOptions> = {}) => connectSv1({ host: '127.0.0.1', port, ...given });
  return { connection$, failures, port, dial, stop: () => running.unsubscribe() };
}

describe.each([
  ['plain text', false],
  ['TLS', true],
])('a connection in %s', (_, isTls) => {
  const server = () => (isTls ? { tls } : {});
  const client = () => (isTls ? { tls: { authority: tls.certificate } } : {});

  it('carries messages both ways, and completes when the peer closes', async () => {
    const { connection$, dial, stop } = await listening(server());
    const atMiner = await firstValueFrom(dial(client()));
    const received = firstValueFrom(atMiner.message$.pipe(take(2), toArray()));
    const subscribe = sv1.Subscribe({ userAgent: 'ü/1', sessionId: null, host: null, port: null }, 1);
    atMiner.send(subscribe);
    const atServer = await firstValueFrom(connection$);
    expect(atServer.peer.encrypted).toBe(isTls);
    const asked = firstValueFrom(atServer.message$.pipe(toArray()));
    atServer.send(sv1.SetDifficulty({ difficulty: 0.5 }), sv1.Ping({}, 'x'));
    expect(await received).toEqual([sv1.SetDifficulty({ difficulty: 0.5 }), sv1.Ping({}, 'x')]);
    expect(await asked).toEqual([subscribe]);
    stop();
  });
});

describe('a listener', () => {
  it('reports TLS where there is none, and the other way round, and serves others', async () => {
    const plain = await listening();
    const secure = await listening({ tls });
    const failed = await firstValueFrom(
      plain.dial({ tls: { authority: tls.certificate } }).pipe(catchError((error: unknown) => of(error))),
    );
    expect(failed).toBeInstanceOf(Error);
    await eventually(() => plain.failures.length === 1);
    expect(plain.failures[0]?.error).toMatchObject({ code: 'encryption-mismatch' });

    const atMiner = await firstValueFrom(secure.dial());
    const ended = firstValueFrom(
      atMiner.message$.pipe(
        toArray(),
        catchError(() => of('broken')),
      ),
    );
    atMiner.send(sv1.Ping({}, 1));
    await eventually(() => secure.failures.length === 1);
    await ended;
    for (const [listener, options] of [
      [plain, {}],
      [secure, { tls: { authority: tls.certificate } }],
    ] as const) {
      const other = await firstValueFrom(listener.dial(options));
      other.send(sv1.Ping({}, 2));
      expect(await firstValueFrom(listener.connection$)).toBeDefined();
      other.close();
      listener.stop();
    }
  });

  it('does not take a certificate that nobody vouches for', async () => {
    const { dial, failures, stop } = await listening({ tls });
    const failed = await firstValueFrom(dial({ tls: true }).pipe(catchError((error: unknown) => of(error))));
    expect(failed).toMatchObject({ code: 'connection-failed' });
    await eventually(() => failures.length === 1);
    stop();
  });

  it('gives up a client that says nothing', async () => {
    const { failures, port, stop } = await listening({ handshakeTimeout: 50 });
    const socket = createConnection(port, '127.0.0.1').on('error', () => undefined);
    await eventually(() => failures.length === 1);
    expect(failures[0]?.error).toMatchObject({ code: 'handshake-timeout' });
    await eventually(() => socket.destroyed);
    stop();
  });

  it('refuses options that cannot be', () => {
    expect(() => listenSv1({ port: 0, tls: { certificate: 'x', key: 'y' } })).toThrow('tls: the certificate');
    expect(() => listenSv1({ port: -1 })).toThrow('port must be');
    expect(() => listenSv1({ port: 0, maxConnections: 0 })).toThrow('maxConnections');
  });
});
