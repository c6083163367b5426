import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { bitcoinRpc } from '../../src/node/bitcoin-rpc.js';
import { BitcoinRpcError } from '../../src/node/bitcoin-rpc-errors.js';
import {
  manualTime,
  nth,
  scriptedNode,
  watch,
  type RpcRequest,
  type ScriptedNode,
} from './bitcoin-support.js';

const directory = mkdtempSync(join(tmpdir(), 'sv2-rpc-'));
afterAll(() => rmSync(directory, { recursive: true }));

const nodes: ScriptedNode[] = [];
afterEach(() => Promise.all(nodes.splice(0).map((node) => node.stop())));
const start = async (script?: (request: RpcRequest) => void): Promise<ScriptedNode> => {
  const node = await scriptedNode(script);
  nodes.push(node);
  return node;
};

/** The error of a call, checked to hold no secret. */
const errorOf = async (
  script: (request: RpcRequest) => void,
  secret = 'sesame',
): Promise<BitcoinRpcError> => {
  const { url } = await start(script);
  const error: unknown = await firstValueFrom(bitcoinRpc({ url }).call('uptime', [])).catch(
    (reason: unknown) => reason,
  );
  if (!(error instanceof BitcoinRpcError)) throw new Error(`expected an error, got ${String(error)}`);
  const shown = inspect(error, { depth: 9 }) + JSON.stringify(error) + error.message;
  expect(shown).not.toContain(secret);
  expect(shown).not.toContain(Buffer.from('satoshi:open sesame').toString('base64'));
  return error;
};

describe('bitcoinRpc', () => {
  it('calls a method with parameters, user and password', async () => {
    const node = await start(({ reply }) => reply(7));
    const rpc = bitcoinRpc({ url: `${node.url}/wallet` });
    expect(rpc.address).toBe(`127.0.0.1:${node.port}`);
    expect(await firstValueFrom(rpc.call('getblockhash', [7]))).toBe(7);
    expect(await nth(node, 'getblockhash')).toMatchObject({
      params: [7],
      path: '/wallet',
      authorization: `Basic ${Buffer.from('satoshi:open sesame').toString('base64')}`,
    });
  });

  it('does without user and password', async () => {
    const node = await start(({ reply }) => reply(null));
    const rpc = bitcoinRpc({ url: `http://127.0.0.1:${node.port}` });
    expect(await firstValueFrom(rpc.call('uptime', []))).toBeNull();
    expect((await nth(node, 'uptime')).authorization).toBeUndefined();
  });

  it('reads the cookie file anew for every call: it changes when the node is restarted', async () => {
    const cookieFile = join(directory, '.cookie');
    const node = await start(({ reply }) => reply(1));
    const rpc = bitcoinRpc({ url: node.url, cookieFile });
    for (const [index, cookie] of ['__cookie__:first', '__cookie__:second\n'].entries()) {
      writeFileSync(cookieFile, cookie);
      await firstValueFrom(rpc.call('uptime', []));
      expect((await nth(node, 'uptime', index)).authorization).toBe(
        `Basic ${Buffer.from(cookie.trim()).toString('base64')}`,
      );
    }
  });

  it('asks once more with another cookie, as of a node that was started again after the first was read', async () => {
    const cookieFile = join(directory, '.cookie-restarted');
    const basic = (cookie: string) => `Basic ${Buffer.from(cookie).toString('base64')}`;
    writeFileSync(cookieFile, '__cookie__:first');
    const node = await start(({ authorization, respond, reply }) => {
      if (authorization === basic('__cookie__:second')) reply(7);
      else {
        writeFileSync(cookieFile, '__cookie__:second');
        respond(401, '');
      }
    });
    const rpc = bitcoinRpc({ url: node.url, cookieFile });
    expect(await firstValueFrom(rpc.call('uptime', []))).toBe(7);
    expect(node.count('uptime')).toBe(2);
  });

  it('is refused at once with a cookie that is still the same', async () => {
    const cookieFile = join(directory, '.cookie-wrong');
    writeFileSync(cookieFile, '__cookie__:wrong');
    const node = await start(({ respond }) => respond(401, ''));
    await expect(
      firstValueFrom(bitcoinRpc({ url: node.url, cookieFile }).call('uptime', [])),
    ).rejects.toMatchObject({ code: 'node-unauthorized' });
    expect(node.count('uptime')).toBe(1);
  });

  it('says when the cookie file cannot be read', async () => {
    const rpc = bitcoinRpc({ url: 'http://127.0.0.1:1', cookieFile: join(directory, 'none') });
    await expect(firstValueFrom(rpc.call('uptime', []))).rejects.toMatchObject({
      code: 'cookie-unreadable',
      message: expect.stringMatching(/none cannot be read \(ENOENT\)/),
    });
  });

  it.each<[string, number, string]>([
    ['node-warming-up', -28, 'Loading block index…'],
    ['node-syncing', -10, 'Bitcoin is downloading blocks...'],
    ['node-not-connected', -9, 'Bitcoin is not connected!'],
    ['node-stopping', -9, 'Shutting down'],
    ['node-not-connected', -9, 'Bitcoin is downloading blocks...'],
    ['rpc-error', -8, 'Block height out of range'],
  ])('%s: RPC error %i, "%s"', async (code, rpcCode, message) => {
    for (const status of [200, 500]) {
      const error = await errorOf(({ fail }) => fail(rpcCode, message, status));
      expect(error).toMatchObject({ code, detail: { rpcCode, rpcMessage: message, method: 'uptime' } });
      expect(error.message).toContain(message);
      // what it does not say is not said for it
      expect(error.message.includes('has no peers')).toBe(/is not connected/.test(message));
    }
  });

  it('shows what a node says as text of one line, whatever that is', async () => {
    const page = `<html>\n<h1>down\u001b[31m</h1>${'<'.repeat(5_000)}`;
    const { message } = await errorOf(({ respond }) => respond(503, page));
    expect(message).toMatch(
      /^the Bitcoin node at \S+ has too much to do, or is being stopped \(HTTP 503: "down/,
    );
    // eslint-disable-next-line no-control-regex -- none may be there
    expect(message).not.toMatch(/[\u0000-\u001f]/);
    expect(message.length).toBeLessThan(300);
  });

  it.each<[string, (request: RpcRequest) => void, RegExp]>([
    ['node-unauthorized', ({ respond }) => respond(401, ''), /user and password/],
    ['node-unauthorized', ({ respond }) => respond(401, '401 Unauthorized.'), /user and password/],
    ['node-unauthorized', ({ respond }) => respond(403, ''), /rpcallowip/],
    [
      'node-busy',
      ({ respond }) => respond(503, 'Work queue depth exceeded'),
      /rpcworkqueue.*"Work queue depth/,
    ],
    ['node-busy', ({ respond }) => respond(503, '503 Too busy.  Try again later.\n'), /rpcmaxclients/],
    ['node-busy', ({ respond }) => respond(503, ''), /or is being stopped \(HTTP 503\)$/],
    [
      'node-stopping',
      ({ respond }) => respond(503, 'Request rejected during server shutdown'),
      /is being stopped \(HTTP 503: "Request rejected during server shutdown"\)$/,
    ],
    ['invalid-answer', ({ respond }) => respond(200, '<html>'), /is not JSON/],
    ['invalid-answer', ({ respond }) => respond(200, ''), /is not JSON/],
    ['invalid-answer', ({ respond }) => respond(200, 'null'), /is not an object/],
    ['invalid-answer', ({ respond, id }) => respond(200, JSON.stringify({ id })), /has no result/],
    ['invalid-answer', ({ respond }) => respond(200, '{"id":99,"result":1}'), /another request/],
    ['invalid-answer', ({ respond }) => respond(200, '{"id":1,"error":"no"}'), /HTTP 200/],
    ['invalid-answer', ({ respond }) => respond(404, 'Not\nFound'), /HTTP 404: "Not Found"/],
    ['invalid-answer', ({ respond }) => respond(502, '{}'), /HTTP 502/],
    [
      'invalid-answer',
      ({ respond }) => respond(400, 'Client sent an HTTP request to an HTTPS server.'),
      /--notls/,
    ],
    ['node-connection-lost', ({ drop }) => drop(), /closed the connection/],
    ['node-connection-lost', ({ drop }) => drop('{"id":1,'), /closed the connection/],
  ])('%s', async (code, script, message) => {
    expect(await errorOf(script)).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('node-unreachable, when nobody listens', async () => {
    const node = await scriptedNode();
    await node.stop();
    await expect(firstValueFrom(bitcoinRpc({ url: node.url }).call('uptime', []))).rejects.toMatchObject({
      code: 'node-unreachable',
      message: `the Bitcoin node at 127.0.0.1:${node.port} refused the connection: check that it runs, and host and port of its RPC`,
    });
  });

  it('invalid-answer, when it is no HTTP', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined).resume();
      socket.end('SSH-2.0-OpenSSH_9.6\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const rpc = bitcoinRpc({ url: `http://127.0.0.1:${port}` });
    await expect(firstValueFrom(rpc.call('uptime', []))).rejects.toMatchObject({
      code: 'invalid-answer',
      message: expect.stringContaining('does not speak HTTP'),
    });
    await new Promise((resolve) => server.close(resolve));
  });

  it('node-timeout, when it does not answer; and the request is given up', async () => {
    const node = await start();
    const { scheduler, advance } = manualTime();
    const answer = watch(bitcoinRpc({ url: node.url, scheduler }).call('uptime', [], { timeout: 5_000 }));
    const request = await nth(node, 'uptime');
    advance(4_999);
    advance(1);
    await expect(answer.next()).rejects.toMatchObject({
      code: 'node-timeout',
      message: expect.stringContaining('did not answer uptime within 5000 ms'),
    });
    await request.abandoned;
  });

  it('gives up when nobody wants the answer any more', async () => {
    const node = await start();
    const answer = watch(bitcoinRpc({ url: node.url }).call('uptime', []));
    const request = await nth(node, 'uptime');
    answer.stop();
    await request.abandoned;
    expect(answer.values).toEqual([]);
  });

  it('refuses an answer that never ends', async () => {
    const error = await errorOf(({ respond }) => respond(200, ' '.repeat(64 * 2 ** 20 + 1)));
    expect(error).toMatchObject({ code: 'invalid-answer' });
    expect(error.message).toMatch(/has more than 67108864 bytes/);
  });

  it.each([
    ['127.0.0.1:8332', 'this is none'],
    ['ftp://127.0.0.1:8332', 'it must begin with http://'],
    ['bitcoin', 'this is none'],
    ['http://user:sesame@127.0.0.1', 'the port is missing'],
    ['https://user:sesame@127.0.0.1:8332', 'TLS is not supported'],
    ['http://user:sesame%@127.0.0.1:8332', 'a % that is not followed'],
  ])('refuses the URL %s without repeating it', (url, why) => {
    expect(() => bitcoinRpc({ url })).toThrow(why);
    expect(() => bitcoinRpc({ url })).not.toThrow('sesame');
  });

  it('takes an IPv6 address', () => {
    expect(bitcoinRpc({ url: 'http://[::1]:8332' }).address).toBe('[::1]:8332');
  });

  it('follows another path on the same node, but no other node', async () => {
    const node = await start(({ reply }) => reply(1));
    const rpc = bitcoinRpc({ url: node.url });
    await firstValueFrom(rpc.call('a', [], { uri: '/lp?x=1' }));
    await firstValueFrom(rpc.call('b', [], { uri: 'http://127.0.0.1:1/lp' }));
    expect((await nth(node, 'a')).path).toBe('/lp?x=1');
    expect((await nth(node, 'b')).path).toBe('/');
  });
});
