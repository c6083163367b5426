import { afterEach, describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import { connect } from 'node:net';
import { firstValueFrom, lastValueFrom, ReplaySubject, Subject, tap } from 'rxjs';
import { monitored } from '../../../src/node/monitoring/monitored.js';
import { all, serving, stopServing, supplied, type Served } from './support.js';

afterEach(stopServing);

/** Asks with headers that `fetch` does not let be set. */
const ask = ({ url }: Served, path: string, headers: Readonly<Record<string, string>>): Promise<number> =>
  new Promise((resolve, reject) => {
    request(`${url}${path}`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });

describe('who may read', () => {
  it('is whoever is on this machine, by a name of this machine: no page of the web that has its name lead here', async () => {
    const served = await serving();
    for (const host of ['localhost:1', '127.0.0.1', '[::1]:9090'])
      expect(await ask(served, '/api/v1/global', { host })).toBe(200);
    for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:80'])
      for (const path of ['/', '/metrics', '/api/v1/state', '/api/v1/live', '/healthz'])
        expect(await ask(served, path, { host })).toBe(421);
  });

  it('is whoever has the token, if there is one; all may see whether it works', async () => {
    const served = await serving({ token: 'the-token-of-20-chars' });
    const status = async (path: string, authorization?: string) =>
      (await served.get(path, authorization === undefined ? {} : { headers: { authorization } })).status;
    for (const path of [
      '/api/v1/global',
      '/api/v1/clients/1',
      '/metrics',
      '/api/v1/state',
      '/api/v1/events',
      '/api/v1/live',
    ]) {
      expect(await status(path)).toBe(401);
      expect(await status(path, 'Bearer the_token_of_20_char')).toBe(401);
      expect(await status(path, 'Basic abc')).toBe(400);
    }
    for (const path of ['/', '/healthz', '/api-docs/openapi.json']) expect(await status(path)).toBe(200);
  });

  it('is whoever has the right token', async () => {
    const served = await serving({ token: 'abcdefghijklmnopqrst' });
    const headers = { authorization: 'Bearer abcdefghijklmnopqrst' };
    expect((await served.get('/api/v1/global', { headers })).status).toBe(200);
    expect((await served.get('/metrics', { headers })).status).toBe(200);
    // with a token, the name that leads here does not matter
    expect(await ask(served, '/api/v1/global', { ...headers, host: 'pool.example' })).toBe(200);
  });

  it('is nobody on other machines without a token, unless that is meant', () => {
    expect(() => monitored({ role: 'pool', host: '0.0.0.0', port: 0 })).toThrow(
      expect.objectContaining({ code: 'invalid-configuration' }),
    );
    expect(() => monitored({ role: 'pool', host: '0.0.0.0', port: 0, isOpen: true })).not.toThrow();
    expect(() => monitored({ role: 'pool', host: '::', port: 0, token: 'x' })).not.toThrow();
  });

  it('is a page of another origin if it is allowed', async () => {
    const served = await serving({ corsOrigins: ['https://farm.example'] });
    const allowed = async (origin: string) =>
      (await served.get('/api/v1/global', { headers: { origin } })).headers.get(
        'access-control-allow-origin',
      );
    expect(await allowed('https://farm.example')).toBe('https://farm.example');
    expect(await allowed('https://evil.example')).toBeNull();
    const closed = await serving();
    expect(
      (await closed.get('/api/v1/global', { headers: { origin: 'https://farm.example' } })).headers.get(
        'access-control-allow-origin',
      ),
    ).toBeNull();
  });
});

it('has every answer keep browsers from taking it for something else', async () => {
  const served = await serving();
  for (const path of ['/', '/metrics', '/api/v1/global', '/nothing']) {
    const { headers } = await served.get(path);
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  }
});

it('refuses a request of more than 8 KiB and goes on', async () => {
  const served = await serving();
  const socket = connect(Number(new URL(served.url).port), '127.0.0.1');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined);
  socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`);
  await closed;
  expect((await served.get('/healthz')).status).toBe(200);
});

it('is ready when there is a template provider with a fresh template, and says what is missing', async () => {
  const served = await serving();
  expect(await served.json('/readyz')).toEqual({
    status: 503,
    body: { status: 'unready', problems: ['no template provider is connected', 'there is no template'] },
  });
  all(served, ...supplied());
  expect(await served.json('/readyz')).toEqual({ status: 200, body: { status: 'ready', problems: [] } });
  all(served, { type: 'TemplateOld', age: 600_000 } as never);
  expect(await served.json('/readyz')).toEqual({
    status: 503,
    body: { status: 'unready', problems: ['the template is old'] },
  });
  expect(await served.json('/healthz')).toEqual({ status: 200, body: { status: 'live' } });
});

it('passes outcomes as they are, ends with them, and fails when it cannot listen', async () => {
  const served = await serving();
  const port = Number(new URL(served.url).port);
  const failing$ = new Subject<{ type: string }>().pipe(monitored({ role: 'pool', port }));
  await expect(firstValueFrom(failing$)).rejects.toMatchObject({ code: 'address-in-use' });

  const seen: unknown[] = [];
  const outcome$ = new Subject<{ readonly type: string }>();
  const address$ = new ReplaySubject<{ readonly port: number }>(1);
  const ended = lastValueFrom(
    outcome$.pipe(
      monitored({ role: 'pool', port: 0, listeningObserver: address$ }),
      tap((outcome) => seen.push(outcome)),
    ),
  );
  const other = { type: 'whatever' };
  outcome$.next(other);
  expect(seen).toEqual([other]);
  const at = await firstValueFrom(address$);
  outcome$.complete();
  expect(await ended).toBe(other);
  expect(seen).toEqual([other]);
  await expect(fetch(`http://127.0.0.1:${at.port}/healthz`)).rejects.toThrow();
});
