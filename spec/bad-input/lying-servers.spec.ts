/** Our miner at servers over real sockets that lie, stop talking or never begin to: a clear end, and nothing left of it. */
import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { concat, NEVER, of } from 'rxjs';
import { hexToBytes } from '../../src/codec/hex.js';
import { encodeFrame } from '../../src/framing/frame.js';
import {
  OpenStandardMiningChannelSuccess,
  Reconnect,
  SetupConnectionError,
  SetupConnectionSuccess,
  SubmitSharesSuccess,
  type Message,
} from '../../src/messages/index.js';
import { connect } from '../../src/node/connect.js';
import { act2Length } from '../../src/noise/handshake.js';
import { miner } from '../../src/roles/miner/miner.js';
import { eventually, handles } from '../node/support.js';
import { seededRandom } from '../crypto/providers.js';
import { virtualClock } from './support.js';

/** What a server does with a client; `times` counts clients from 1. */
type Script = (socket: Socket, times: number) => void;

const sockets = new Set<Socket>();
let close: (() => Promise<unknown>) | undefined;

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await close?.();
  close = undefined;
});

async function serve(script: Script) {
  let times = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    times += 1;
    script(socket, times);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  close = () => new Promise((closed) => server.close(closed));
  const { port } = server.address() as { port: number };
  return { port, clients: () => times };
}

/** Runs a miner against a script, and lets time pass for it. */
async function mine(script: Script, encrypted = false) {
  const { port, clients } = await serve(script);
  const clock = virtualClock();
  const reasons: string[] = [];
  const codes: string[] = [];
  const outcomes: string[] = [];
  const running = miner({
    connect: connect({ host: '127.0.0.1', port, encrypted, scheduler: clock }),
    userIdentity: 'alice',
    channels: { standard: 1 },
    nominalHashRate: 1e6,
    hasher$: concat(of({ hash: () => NEVER }), NEVER),
    reconnect: { initialDelay: 1_000, maxDelay: 30_000 },
    scheduler: clock,
  })
    .start()
    .subscribe((outcome) => {
      outcomes.push(outcome.type);
      if (outcome.type !== 'disconnected') return;
      codes.push(outcome.reason.code);
      reasons.push(outcome.reason.message);
    });
  return {
    codes,
    reasons,
    outcomes,
    clients,
    clock,
    /** Ends it; fails if a socket or a timer is left. */
    async stop() {
      running.unsubscribe();
      clock.advance(2_000); // what peers may take to close after us
      await eventually(() => sockets.size === 0);
      await close?.();
      close = undefined;
      await eventually(() => handles().length === 0);
      expect(clock.pending).toBe(0);
    },
  };
}

const frames = (...messages: readonly Message[]): Uint8Array =>
  Buffer.concat(messages.map((message) => encodeFrame(message)));
const welcome = frames(SetupConnectionSuccess({ usedVersion: 2, flags: 0 }));
const onHello =
  (answer: (socket: Socket, times: number) => void): Script =>
  (socket, times) =>
    void socket.once('data', () => answer(socket, times)).resume();
const garbage = seededRandom(6);

describe('a miner whose pool', () => {
  it.each<[string, boolean, Script, number, string]>([
    [
      'takes the connection and says nothing (encrypted)',
      true,
      (socket) => void socket.resume(),
      10_000,
      'handshake-timeout',
    ],
    [
      'takes the connection and says nothing (plaintext)',
      false,
      (socket) => void socket.resume(),
      10_000,
      'setup-timeout',
    ],
    [
      'stops in the middle of the handshake',
      true,
      onHello((socket) => void socket.write(garbage(act2Length - 1))),
      10_000,
      'handshake-timeout',
    ],
    [
      'says nothing after SetupConnection.Success for three minutes',
      false,
      onHello((socket) => void socket.write(welcome)),
      192_000,
      'inactive',
    ],
    [
      'stops in the middle of a frame for three minutes',
      false,
      onHello((socket) => void socket.write(Buffer.concat([welcome, hexToBytes('008021')]))),
      192_000,
      'inactive',
    ],
  ])('%s is left in time', async (_, encrypted, script, time, code) => {
    const run = await mine(script, encrypted);
    await eventually(() => sockets.size === 1);
    await eventually(() => encrypted || run.outcomes.includes('sent'));
    if (time > 100_000) await eventually(() => run.outcomes.includes('connected'));
    run.clock.advance(time + 10);
    await eventually(() => run.codes.length > 0);
    expect(run.codes).toEqual([code]);
    await run.stop();
  });

  it.each<[string, boolean, Script, string]>([
    [
      'answers the handshake with nonsense',
      true,
      onHello((socket) => void socket.write(garbage(act2Length))),
      'handshake-authentication-failed',
    ],
    [
      'closes in the middle of the handshake',
      true,
      onHello((socket) => void socket.end(garbage(100))),
      'peer-closed-during-handshake',
    ],
    ['closes without an answer', false, onHello((socket) => void socket.end()), 'peer-closed'],
    [
      'refuses in escape sequences',
      false,
      onHello(
        (socket) => void socket.end(frames(SetupConnectionError({ flags: 0, errorCode: '\u001b[2J' }))),
      ),
      'setup-connection-error',
    ],
    [
      'announces 16 MiB at once',
      false,
      onHello((socket) => void socket.write(hexToBytes('000001ffffff'))),
      'frame-too-large',
    ],
    [
      'announces 16 MiB later',
      false,
      onHello((socket) => void socket.write(Buffer.concat([welcome, hexToBytes('00801dffffff')]))),
      'frame-too-large',
    ],
    [
      'speaks HTTP',
      false,
      onHello((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
      'encryption-mismatch',
    ],
  ])('%s is left at once', async (_, encrypted, script, code) => {
    const run = await mine(script, encrypted);
    await eventually(() => run.codes.length > 0);
    expect(run.codes).toEqual([code]);
    await run.stop();
  });

  it('sends it round in circles is followed less and less often', async () => {
    const run = await mine(
      onHello(
        (socket) =>
          void socket.write(Buffer.concat([welcome, frames(Reconnect({ newHost: '', newPort: 0 }))])),
      ),
    );
    for (let second = 0; second < 120; second++) {
      const { length } = run.codes;
      run.clock.advance(1_000);
      // a dial that is due happens at once; most seconds have none
      for (let turn = 0; turn < 200 && run.codes.length === length; turn++) await new Promise(setImmediate);
    }
    expect(run.clients()).toBeGreaterThanOrEqual(4);
    expect(run.clients()).toBeLessThanOrEqual(20);
    await run.stop();
  });

  it('floods it with ten thousand answers has each read, and some told of', async () => {
    const answers = Buffer.concat(
      Array.from({ length: 1_000 }, () =>
        frames(
          SubmitSharesSuccess({
            channelId: 7,
            lastSequenceNumber: 1,
            newSubmitsAcceptedCount: 1,
            newSharesSum: 1n,
          }),
        ),
      ),
    );
    const opened = OpenStandardMiningChannelSuccess({
      requestId: 1,
      channelId: 7,
      groupChannelId: 1,
      target: new Uint8Array(32).fill(1),
      extranoncePrefix: new Uint8Array(8),
    });
    const run = await mine(
      onHello((socket) => {
        socket.write(Buffer.concat([welcome, frames(opened)]));
        for (let index = 0; index < 10; index++) socket.write(answers);
      }),
    );
    const flood = 10 * 1_000;
    await eventually(() => run.outcomes.length >= flood);
    await eventually(() => run.outcomes.filter((type) => type === 'received').length === flood + 2);
    const told = run.outcomes.filter((type) => type !== 'received' && type !== 'sent');
    expect(told.length).toBeLessThanOrEqual(40);
    await run.stop();
  });
});
