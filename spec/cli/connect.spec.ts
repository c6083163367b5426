import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, test } from '@jest/globals';
import {
  firstValueFrom,
  mergeMap,
  NEVER,
  ReplaySubject,
  tap,
  type Subject,
  VirtualTimeScheduler,
} from 'rxjs';
import { converse } from '../../src/cli/connect.js';
import { run } from '../../src/cli/run.js';
import { defaultCrypto } from '../../src/crypto/index.js';
import { toJson } from '../../src/framing/json.js';
import {
  CloseChannel,
  NewTemplate,
  OpenStandardMiningChannel,
  SetTarget,
  SetupConnection,
  SetupConnectionError,
  SetupConnectionSuccess,
  UnknownMessage,
  type Message,
} from '../../src/messages/index.js';
import { encodeAuthorityPublicKey, generateAuthorityKeyPair } from '../../src/noise/index.js';
import { memoryNetwork } from '../../src/testing/memory.js';
import type { Connection } from '../../src/transport/index.js';
import { eventually, handles, rawServer, startListener, type TestListener } from '../node/support.js';
import { log } from '../transport/support.js';
import { sv2, type RunResult } from './support.js';

const authority = generateAuthorityKeyPair(defaultCrypto);
const key = encodeAuthorityPublicKey(authority.publicKey);
const success = SetupConnectionSuccess({ usedVersion: 2, flags: 0 });
const setTarget = SetTarget({ channelId: 1, maximumTarget: new Uint8Array(32) });
const closeChannel = '{"name":"CloseChannel","payload":{"channelId":7,"reasonCode":"bye"}}';
const lineOf = (message: Message): string => `${JSON.stringify(toJson(message))}\n`;

afterEach(async () => {
  await eventually(() => handles().length === 0);
});

/** A run of the command that the spec can talk to. */
interface Session {
  readonly stdin: PassThrough;
  readonly output: { stdout: string; stderr: string };
  readonly interrupt$: Subject<void>;
  readonly stdout: PassThrough;
  readonly exitCode: Promise<number>;
}

function start(...argv: readonly string[]): Session {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const output = { stdout: '', stderr: '' };
  stdout.on('data', (chunk) => (output.stdout += String(chunk)));
  stderr.on('data', (chunk) => (output.stderr += String(chunk)));
  const interrupt$ = new ReplaySubject<void>(1); // the command may not have been loaded yet
  const exitCode = run(['connect', ...argv], { stdin, stdout, stderr }, () => Promise.resolve(interrupt$));
  return { stdin, stdout, output, interrupt$, exitCode };
}

const urlOf = ({ host, port }: { host: string; port: number }, path = ''): string =>
  `stratum2+tcp://${host}:${port}${path}`;

/** A server whose connections do what the spec says with each message. */
async function serve(
  react: (message: Message, connection: Connection) => void,
  options: Parameters<typeof startListener>[0] = {},
): Promise<TestListener & { received: Message[] }> {
  const listener = await startListener(options);
  const received: Message[] = [];
  log(
    listener.connection$.pipe(
      mergeMap((connection) =>
        connection.message$.pipe(
          tap((message) => {
            received.push(message);
            react(message, connection);
          }),
        ),
      ),
    ),
  );
  return { ...listener, received };
}

/** Answers SetupConnection with success, and a CloseChannel with SetTarget. */
const obliging = (message: Message, connection: Connection): void => {
  if (SetupConnection.match(message)) connection.send(success);
  else if (CloseChannel.match(message)) connection.send(setTarget);
};

/** Runs the command against a server that ends the conversation by itself. */
async function against(
  react: (message: Message, connection: Connection) => void,
  ...argv: readonly string[]
): Promise<RunResult & { received: Message[] }> {
  const server = await serve(react);
  const { exitCode, output } = start(urlOf(server), '--no-encryption', ...argv);
  const result = { exitCode: await exitCode, ...output, received: server.received };
  server.close();
  return result;
}

const closesAfter =
  (...messages: Message[]) =>
  (_: Message, connection: Connection): void => {
    connection.send(...messages);
    connection.close();
  };

describe('sv2 connect', () => {
  it.each([
    ['encrypted, with the key of the authority', `/${key}`, []],
    ['encrypted, with any server', '', []],
    ['in plaintext', '', ['--no-encryption']],
  ])('talks to a server, %s', async (_, path, flags) => {
    const server = await serve(obliging, flags.length === 0 ? { authority } : {});
    const { stdin, output, interrupt$, exitCode } = start(urlOf(server, path), ...flags);
    stdin.write(`${closeChannel}\n\n${closeChannel}`); // the last line is not complete yet
    await eventually(() => output.stdout === lineOf(success) + lineOf(setTarget));
    stdin.write('\r\n');
    await eventually(() => output.stdout === lineOf(success) + lineOf(setTarget).repeat(2));
    interrupt$.next();

    expect(await exitCode).toBe(0);
    expect(output.stderr).toBe('');
    expect(server.received.slice(1)).toEqual(
      Array.from({ length: 2 }, () => CloseChannel({ channelId: 7, reasonCode: 'bye' })),
    );
    server.close();
  });

  it.each([
    [[], 0, 0],
    [['--protocol', 'mining', '--flags', '5'], 0, 5],
    [['--protocol', 'job-declaration', '--flags', '0xFFFFFFFF'], 1, 0xffffffff],
    [['--protocol', 'template-distribution', '--flags=0x0'], 2, 0],
  ])('%j says so in SetupConnection', async (flags, protocol, expected) => {
    const { exitCode, received } = await against(closesAfter(success), ...flags);
    expect(exitCode).toBe(0);
    expect(received).toEqual([
      expect.objectContaining({
        type: 'SetupConnection',
        protocol,
        minVersion: 2,
        maxVersion: 2,
        flags: expected,
        endpointHost: '127.0.0.1',
        endpointPort: expect.any(Number),
        vendor: 'rx-sv2',
      }),
    ]);
  });

  it('prints whatever the server says: wrong direction, other subprotocols, unknown messages, before the answer', async () => {
    const messages = [
      setTarget,
      SetupConnectionSuccess({ usedVersion: 7, flags: 1 }),
      OpenStandardMiningChannel({
        requestId: 1,
        userIdentity: 'me',
        nominalHashRate: 1,
        maxTarget: new Uint8Array(32),
      }),
      NewTemplate({
        templateId: 2n ** 64n - 1n,
        futureTemplate: true,
        version: 1,
        coinbaseTxVersion: 2,
        coinbasePrefix: Uint8Array.of(1),
        coinbaseTxInputSequence: 0,
        coinbaseTxValueRemaining: 5n,
        coinbaseTxOutputsCount: 0,
        coinbaseTxOutputs: new Uint8Array(0),
        coinbaseTxLocktime: 0,
        merklePath: [],
      }),
      UnknownMessage({
        extensionType: 0x4003,
        messageType: 0xff,
        channelMessage: true,
        payload: new Uint8Array(400_000),
      }),
      success,
      SetupConnectionError({ flags: 0, errorCode: 'too late to refuse' }),
    ];
    const result = await against(closesAfter(...messages));
    expect(result).toMatchObject({ exitCode: 0, stdout: messages.map(lineOf).join(''), stderr: '' });
  });

  it('sends nothing before the server has accepted', async () => {
    const server = await serve(() => undefined);
    const { stdin, interrupt$, exitCode } = start(urlOf(server), '--no-encryption');
    stdin.end(`${closeChannel}\n`);
    await eventually(() => server.received.length === 1);
    const connection = await firstValueFrom(server.connection$);
    connection.send(setTarget);
    connection.send(success);
    await eventually(() => server.received.length === 2);
    interrupt$.next();
    expect(await exitCode).toBe(0);
    server.close();
  });

  it('stays when stdin ends, so that answers are not lost, until the server closes', async () => {
    const server = await serve(obliging);
    const { stdin, output, exitCode } = start(urlOf(server), '--no-encryption');
    stdin.end(closeChannel); // without an end of line
    await eventually(() => output.stdout === lineOf(success) + lineOf(setTarget));
    const connection = await firstValueFrom(server.connection$);
    connection.send(setTarget);
    await eventually(() => output.stdout === lineOf(success) + lineOf(setTarget).repeat(2));
    connection.close();
    expect(await exitCode).toBe(0);
    server.close();
  });

  it('does not wait for stdin when the server closes', async () => {
    const server = await serve((message, connection) => {
      obliging(message, connection);
      if (CloseChannel.match(message)) connection.close();
    });
    const { stdin, exitCode } = start(urlOf(server), '--no-encryption');
    stdin.write(`${closeChannel}\n`);
    expect(await exitCode).toBe(0);
    expect(stdin.destroyed).toBe(true);
    server.close();
  });

  it('gives a line that cannot be sent an error line, goes on, and exits with 1', async () => {
    const server = await serve(obliging);
    const { stdin, output, interrupt$, exitCode } = start(urlOf(server), '--no-encryption');
    const wrong = [
      'SetTarget',
      '{"name":"Nonsense","payload":{}}',
      '{"name":"CloseChannel","payload":{"channelId":-1,"reasonCode":""}}',
      `{"name":"CloseChannel","payload":{"channelId":1,"reasonCode":"${'x'.repeat(256)}"}}`,
    ];
    stdin.write(`${wrong.join('\n')}\n${closeChannel}\n`);
    await eventually(() => output.stdout.endsWith(lineOf(setTarget)));
    interrupt$.next();

    expect(await exitCode).toBe(1);
    const lines = output.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { error?: { code: string; message: string } });
    expect(lines.map(({ error }) => error?.code)).toEqual([
      undefined,
      'invalid-json',
      'unknown-message-name',
      'value-out-of-range',
      'value-out-of-range',
      undefined,
    ]);
    expect(lines[4]?.error?.message).toContain('CloseChannel.reasonCode');
    expect(server.received).toHaveLength(2);
    server.close();
  });

  it('prints SetupConnection.Error, closes and exits with 1', async () => {
    const refusal = SetupConnectionError({ flags: 4, errorCode: 'unsupported-feature-flags' });
    const server = await serve((_, connection) => connection.send(refusal));
    const { stdin, output, exitCode } = start(urlOf(server), '--no-encryption');
    stdin.write(`${closeChannel}\n`);
    expect(await exitCode).toBe(1);
    expect(output).toEqual({ stdout: lineOf(refusal), stderr: '' });
    expect(server.received).toHaveLength(1);
    server.close();
  });

  it('prints an error line for a frame that cannot be decoded, and exits with 1', async () => {
    const { server, ...address } = await rawServer((socket) => {
      // SetupConnection.Success, then CloseChannel of 4 bytes, which is cut short
      socket.write(Buffer.from('000001060000020000000000' + '0080180400000100' + '0000', 'hex'));
    });
    const { output, exitCode } = start(urlOf(address), '--no-encryption');
    expect(await exitCode).toBe(1);
    expect(output).toEqual({
      stdout:
        lineOf(success) +
        '{"error":{"code":"truncated","message":"CloseChannel.reasonCode at byte 4: expected 1 more bytes, found 0"}}\n',
      stderr: '',
    });
    server.close();
  });
});

describe('sv2 connect has one line on stderr and exit status 1', () => {
  const expectFailure = async (session: Session, stderr: string | RegExp): Promise<void> => {
    expect(await session.exitCode).toBe(1);
    expect(session.output.stdout).toBe('');
    expect(session.output.stderr).toMatch(/^sv2: [^\n]+\n$/);
    expect(session.output.stderr).toMatch(stderr);
  };

  test('where nobody listens', async () => {
    const listener = await startListener();
    listener.close();
    await expectFailure(start(urlOf(listener)), `127.0.0.1:${listener.port} refused the connection`);
  });

  test('for a name that does not exist', async () => {
    await expectFailure(start('stratum2+tcp://nobody.invalid:34254'), 'nobody.invalid:34254 could not be');
  });

  test('for a server of another authority', async () => {
    const listener = await startListener({ authority });
    const other = encodeAuthorityPublicKey(generateAuthorityKeyPair(defaultCrypto).publicKey);
    await expectFailure(start(urlOf(listener, `/${other}`)), /authority/);
    listener.close();
  });

  test('for a server that speaks plaintext', async () => {
    const { server, ...address } = await rawServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n'));
    await expectFailure(start(urlOf(address)), 'check that both sides agree on encryption');
    server.close();
  });

  test('for a server that closes without an answer', async () => {
    const { server, ...address } = await rawServer((socket) => socket.end());
    await expectFailure(start(urlOf(address), '--no-encryption'), 'closed without an answer');
    server.close();
  });

  test('when the connection breaks', async () => {
    const { server, ...address } = await rawServer((socket) =>
      socket.once('data', () => socket.resetAndDestroy()),
    );
    await expectFailure(start(urlOf(address), '--no-encryption'), 'dropped the connection');
    server.close();
  });

  test('for a server that does not answer within 10 seconds', async () => {
    const scheduler = new VirtualTimeScheduler();
    const network = memoryNetwork();
    const listener = log(network.listen());
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const io = { stdin, stdout, stderr, interrupt$: NEVER };
    const conversation = converse(
      network.connect({ encrypted: false }),
      { protocol: 'mining', flags: 0 },
      io,
      scheduler,
    );
    scheduler.flush();
    await expect(conversation).rejects.toMatchObject({
      code: 'setup-timeout',
      message: 'the server did not answer SetupConnection within 10000 ms',
    });
    listener.unsubscribe();
  });
});

describe('sv2 connect ends', () => {
  test('with exit status 0 at Ctrl-C, while it dials too', async () => {
    const { server, ...address } = await rawServer(() => undefined); // never answers the handshake
    const { interrupt$, exitCode, output } = start(urlOf(address));
    interrupt$.next();
    expect(await exitCode).toBe(0);
    expect(output).toEqual({ stdout: '', stderr: '' });
    server.close();
  });

  test('silently when nobody reads stdout any more', async () => {
    const server = await serve(obliging);
    const { stdin, stdout, output, exitCode } = start(urlOf(server), '--no-encryption');
    await eventually(() => output.stdout === lineOf(success));
    stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    expect(await exitCode).toBe(0);
    expect(output.stderr).toBe('');
    expect(stdin.destroyed).toBe(true);
    server.close();
  });
});

describe('sv2 connect with arguments that make no sense', () => {
  const url = 'stratum2+tcp://127.0.0.1:1';

  test.each([
    [[], "missing required argument 'URL'"],
    [['alice@127.0.0.1:34254'], 'it names a user before the @, whom a connection does not need'],
    [['http://127.0.0.1:34254'], 'it must be of the form stratum2+tcp://HOST:PORT/AUTHORITY_KEY'],
    [['stratum2+tcp://127.0.0.1'], 'its port is missing'],
    [['stratum2+tcp://127.0.0.1:65536'], 'its port must be a number from 1 to 65535'],
    [[`${url}/`], 'its authority key is missing'],
    [[`${url}/${key}x`], 'authority public key'],
    [[url, 'more'], 'too many arguments'],
    [[url, '--protocol', 'Mining'], 'Allowed choices are mining, job-declaration, template-distribution.'],
    [[url, '--flags'], "option '--flags <N>' argument missing"],
    [[url, '--flags', '0x'], 'Expected 32 bits, decimal or as 0x and hex digits.'],
    [[url, '--flags', '4294967296'], 'Expected 32 bits'],
    [[url, '--flags', '-1'], 'Expected 32 bits'],
    [[url, '--flags', '1.5'], 'Expected 32 bits'],
    [[url, '--wait', '5'], "unknown option '--wait'"],
  ])('%j gives one line on stderr and exit status 2', async (argv, problem) => {
    const { exitCode, stdout, stderr } = await sv2(['connect', ...argv]);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^sv2: [^\n]+\n$/);
    expect(stderr).toContain(problem);
  });

  it('does not repeat a secret key that was taken for the public one', async () => {
    const secretKey = 'mkDLTBBRxdBv998612qipDYoTK3YUrqLe8uWw7gu3iXbSrn2n';
    const { exitCode, stderr } = await sv2(['connect', `${url}/${secretKey}`]);
    expect(exitCode).toBe(2);
    expect(stderr).not.toContain(secretKey);
  });
});

test('sv2 connect --help says how it ends, and has an example', async () => {
  const { exitCode, stdout } = await sv2(['connect', '--help']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /^Usage: sv2 connect \[options\] <URL>[^]*stays connected when stdin ends[^]*\| *\n.*sv2 connect/,
  );
});
