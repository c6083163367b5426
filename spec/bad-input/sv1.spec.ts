/** What hostile and mistaken peers send to a port of Stratum V1: each has a clear end, and nobody else notices. */
import { describe, expect, it, test } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers';
import { setImmediate } from 'node:timers/promises';
import { asyncScheduler, catchError, EMPTY, firstValueFrom, mergeMap, tap } from 'rxjs';
import { encodeFrame } from '../../src/framing/frame.js';
import { sv1, type Sv1Received } from '../../src/sv1/index.js';
import { setupConnection } from '../../src/testing/fixtures.js';
import { memoryNetwork } from '../../src/testing/memory.js';
import { eventually } from '../node/support.js';
import type { HandshakeFailure } from '../../src/transport/index.js';
import { framesPerStep } from '../../src/transport/limits.js';
import { stepsPerTurn } from '../../src/transport/turns.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A listener, an honest miner at it, and whoever else comes. */
async function port() {
  const network = memoryNetwork();
  const failures: HandshakeFailure[] = [];
  const received: Sv1Received[][] = [];
  const errors: unknown[] = [];
  const listening = network
    .listenSv1({
      handshakeErrorObserver: { next: (failure) => failures.push(failure) },
      scheduler: asyncScheduler,
      nextTurn,
      closeTimeout: 50,
    })
    .pipe(
      mergeMap((connection) => {
        const own: Sv1Received[] = [];
        received.push(own);
        return connection.message$.pipe(
          tap((message) => {
            own.push(message);
            if (message.type === 'mining.ping') connection.send(sv1.Ping.answer(message.id, 'pong'));
          }),
          catchError((error: unknown) => {
            errors.push(error);
            return EMPTY;
          }),
        );
      }),
    )
    .subscribe();
  const running = [listening];
  const attack = async (...chunks: readonly Uint8Array[]) => {
    const stream = await firstValueFrom(network.dial());
    running.push(stream.chunk$.subscribe({ error: () => undefined }));
    for (const chunk of chunks) stream.write(chunk);
    return stream;
  };
  const honest = await firstValueFrom(network.connectSv1());
  const answers: Sv1Received[] = [];
  running.push(honest.message$.subscribe((message) => answers.push(message)));
  honest.send(sv1.Ping({}, 'before'));
  const isAnswered = (asked: string) => answers.some(({ type, id }) => type === 'answer' && id === asked);
  await eventually(() => isAnswered('before'));
  return {
    failures,
    received,
    errors,
    attack,
    /** Whether the honest miner is served as before. */
    async isWell() {
      honest.send(sv1.Ping({}, 'after'));
      await eventually(() => isAnswered('after'));
      running.forEach((subscription) => subscription.unsubscribe());
      return isAnswered('after');
    },
  };
}

describe('bytes that end a connection', () => {
  test.each<[string, Uint8Array[], object]>([
    [
      'a mebibyte without a line end',
      Array.from({ length: 64 }, () => new Uint8Array(16_384).fill(0x7b)),
      { code: 'line-too-long' },
    ],
    ['a line that is too long in one piece', [bytes(`"${'x'.repeat(20_000)}"\n`)], { code: 'line-too-long' }],
    [
      'bytes at random',
      [Uint8Array.from({ length: 512 }, (_, index) => (index * 37) & 0xff)],
      { code: 'not-text' },
    ],
    ['a plaintext SetupConnection of Stratum V2', [encodeFrame(setupConnection())], { code: 'not-text' }],
    [
      'binary behind a line',
      [bytes('{"id":1,"method":"mining.ping"}\n'), Uint8Array.of(0, 1, 2)],
      { code: 'not-text' },
    ],
  ])('%s', async (_, chunks, error) => {
    const it = await port();
    await it.attack(...chunks);
    await eventually(() => it.errors.length > 0);
    expect(it.errors).toMatchObject([error]);
    expect(await it.isWell()).toBe(true);
  });

  it('a TLS hello, by its first byte', async () => {
    const it = await port();
    await it.attack(Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00));
    await eventually(() => it.failures.length > 0);
    expect(it.failures).toMatchObject([{ error: { code: 'encryption-mismatch' } }]);
    expect(await it.isWell()).toBe(true);
  });
});

describe('lines that are told to be wrong, and end nothing', () => {
  test.each<[string, string, object]>([
    ['JSON that is too deep', '['.repeat(3_000), { type: 'malformed', error: { code: 'not-json' } }],
    ['objects that are too deep', '{"a":'.repeat(500), { type: 'malformed', error: { code: 'not-json' } }],
    ['no JSON', 'GET / HTTP/1.1', { type: 'malformed', error: { code: 'not-json' } }],
    ['__proto__', '{"__proto__":{"type":"mining.ping"},"id":7}', { type: 'malformed', id: 7 }],
    [
      'one key several times',
      '{"id":1,"id":8,"method":"mining.dance","method":"mining.ping"}',
      { type: 'mining.ping', id: 8 },
    ],
    [
      'an id beyond all numbers',
      `{"id":1${'0'.repeat(400)},"method":"mining.ping"}`,
      { type: 'mining.ping', id: null },
    ],
    [
      'more parameters than there are',
      `{"id":1,"method":"mining.ping","params":[${'1,'.repeat(1_000)}1]}`,
      { type: 'mining.ping' },
    ],
  ])('%s', async (_, line, message) => {
    const it = await port();
    await it.attack(bytes(`${line}\n{"id":99,"method":"mining.multi_version"}\n`));
    await eventually(() => it.received[1]?.length === 2);
    expect(it.received[1]).toMatchObject([message, { type: 'mining.multi_version', id: 99 }]);
    expect(it.errors).toEqual([]);
    expect(({} as Record<string, unknown>)['type']).toBeUndefined();
    expect(await it.isWell()).toBe(true);
  });
});

it('10,000 lines that are never ended take 4 KiB each at most, and others are served', async () => {
  const it = await port();
  const open = new Uint8Array(4_000).fill(0x20);
  const before = process.memoryUsage().arrayBuffers;
  for (let client = 0; client < 10_000; client++) await it.attack(open);
  await eventually(() => it.received.length === 10_001);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000 * 6_144);
  expect(it.errors).toEqual([]);
  expect(await it.isWell()).toBe(true);
});

it('a client that does not read what it asks for is not read from either, and others are served', async () => {
  const network = memoryNetwork();
  let asked = 0;
  const listening = network
    .listenSv1({ scheduler: asyncScheduler, closeTimeout: 50 })
    .pipe(
      mergeMap((connection) =>
        connection.message$.pipe(
          tap(({ id }) => {
            asked += 1;
            connection.send(sv1.Ping.answer(id, 'pong'));
          }),
        ),
      ),
    )
    .subscribe();
  const deaf = await firstValueFrom(network.dial());
  for (let chunk = 0; chunk < 100; chunk++)
    deaf.write(bytes('{"id":1,"method":"mining.ping"}\n'.repeat(1_000)));
  const honest = await firstValueFrom(network.connectSv1());
  const answers: Sv1Received[] = [];
  const hearing = honest.message$.subscribe((message) => answers.push(message));
  for (let ping = 1; ping <= 50; ping++) {
    honest.send(sv1.Ping({}, ping));
    await eventually(() => answers.length === ping);
  }
  // 256 KiB of answers wait, and what one step has besides
  await eventually(() => asked > 5_000);
  for (let turn = 0; turn < 100; turn++) await setImmediate();
  expect(asked).toBeLessThan(15_000);
  hearing.unsubscribe();
  listening.unsubscribe();
});

it('an id that comes again and again is answered as often', async () => {
  const it = await port();
  await it.attack(bytes('{"id":7,"method":"mining.ping"}\n'.repeat(100)));
  await eventually(() => it.received[1]?.length === 100);
  expect(new Set(it.received[1]?.map(({ id }) => id))).toEqual(new Set([7]));
  expect(await it.isWell()).toBe(true);
});

it('handles sixteen lines of a chunk at once, and the others in turns with those of other miners', async () => {
  const network = memoryNetwork();
  const order: string[] = [];
  const listening = network
    .listenSv1({ scheduler: asyncScheduler, closeTimeout: 50 })
    .pipe(mergeMap(({ message$ }) => message$))
    .subscribe((message) => order.push(String(message.id)));
  const [flood, honest] = [await firstValueFrom(network.dial()), await firstValueFrom(network.dial())];
  flood.write(bytes('{"id":"flood","method":"mining.ping"}\n'.repeat(400)));
  honest.write(bytes('{"id":"honest","method":"mining.ping"}\n'));
  await eventually(() => order.length === 401);
  // one step at once, and those of the turn before which the honest one is let in
  expect(order.indexOf('honest')).toBeLessThanOrEqual((1 + stepsPerTurn) * framesPerStep);
  listening.unsubscribe();
});
