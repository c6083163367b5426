import { afterEach, describe, expect, it } from '@jest/globals';
import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { accepted, all, connected, opened, serving, stopServing, type Served } from './support.js';
import { withUpdate, type LiveState, type LiveUpdate } from '../../../src/observe/live.js';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  stopServing();
});

interface Message {
  readonly id?: string;
  readonly event?: string;
  readonly data: unknown;
}

/** Reads a stream of events until there is one that is meant. */
async function readUntil(
  { get }: Served,
  path: string,
  isLast: (message: Message) => boolean,
  headers: Readonly<Record<string, string>> = {},
): Promise<readonly Message[]> {
  const response = await get(path, { headers });
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const reader = (response.body as ReadableStream<Uint8Array>)
    .pipeThrough(new TextDecoderStream())
    .getReader();
  const messages: Message[] = [];
  let text = '';
  for (;;) {
    const { done, value = '' } = (await reader.read()) as { done: boolean; value?: string };
    text += value;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block.split('\n').map((line) => line.split(/: ?(.*)/s) as [string, string]),
      ) as Readonly<Record<string, string>>;
      if (fields['data'] === undefined) continue;
      messages.push({ ...fields, data: JSON.parse(fields['data']) });
      if (!isLast(messages.at(-1) as Message)) continue;
      await reader.cancel();
      return messages;
    }
    if (done) return messages;
  }
}

const typeOf = ({ data }: Message): unknown => (data as { outcome?: { type: string } }).outcome?.type;

/** Asks until so many readers are connected. */
async function readers(served: Served, count: number): Promise<void> {
  for (;;) {
    const text = await (await served.get('/metrics')).text();
    if (text.includes(`\nrxsv2_event_stream_readers ${count}\n`)) return;
  }
}

describe('the stream of events', () => {
  it('tells what happens from now on, as outcomes in JSON', async () => {
    const served = await serving();
    all(served, connected(1));
    const reading = readUntil(served, '/api/v1/events', (message) => typeOf(message) === 'last');
    await readers(served, 1);
    all(served, ...opened(1, 2, 'farm'), { type: 'last', amount: 5n } as never);
    const messages = await reading;
    expect(messages.map(typeOf)).toEqual(['ChannelOpened', 'last']);
    expect(messages.at(-1)?.data).toMatchObject({
      id: 3,
      outcome: { type: 'last', amount: { $bigint: '5' } },
    });
  });

  it('goes on after the last event that a reader had, with the types that it wants', async () => {
    const served = await serving();
    const first = readUntil(served, '/api/v1/events', () => true);
    await readers(served, 1);
    all(served, { type: 'one' });
    const [{ id = '' } = {}] = await first;
    all(served, { type: 'two' }, { type: 'three' }, { type: 'four' });
    const rest = await readUntil(
      served,
      '/api/v1/events?types=two,four',
      (message) => typeOf(message) === 'four',
      {
        'Last-Event-ID': id,
      },
    );
    expect(rest.map(typeOf)).toEqual(['two', 'four']);
    expect(rest.every(({ event }) => event === undefined)).toBe(true);
  });

  it('says that something was missed, when it is no longer kept or was before a restart', async () => {
    const served = await serving();
    const first = readUntil(served, '/api/v1/events', () => true);
    await readers(served, 1);
    all(served, { type: 'one' });
    const [{ id = '' } = {}] = await first;
    all(served, ...Array.from({ length: 6_000 }, (_, index) => ({ type: 'more', index })));
    const isLast = (message: Message) => (message.data as { id?: number }).id === 6_001;
    const rest = await readUntil(served, '/api/v1/events', isLast, { 'Last-Event-ID': id });
    expect(rest[0]?.event).toBe('missed');
    expect(rest).toHaveLength(5_001);
    const restarted = await readUntil(served, '/api/v1/events', () => true, { 'Last-Event-ID': 'zzz-5' });
    expect(restarted[0]?.event).toBe('missed');
  });

  it('is there for so many readers, and then for the next when one has gone', async () => {
    const served = await serving();
    const open = () =>
      new Promise<{ readonly socket: Socket; readonly status: string }>((resolve) => {
        const socket = connect(Number(new URL(served.url).port), '127.0.0.1');
        sockets.push(socket);
        socket.on('error', () => undefined);
        socket.once('data', (data) =>
          resolve({ socket, status: data.toString('latin1').split('\r\n')[0] ?? '' }),
        );
        socket.write('GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
      });
    const all = [];
    for (let count = 0; count < 16; count++) all.push(await open());
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set(['HTTP/1.1 200 OK']));
    expect((await open()).status).toBe('HTTP/1.1 503 Service Unavailable');
    all[0]?.socket.destroy();
    await readers(served, 15);
    expect((await open()).status).toBe('HTTP/1.1 200 OK');
  });

  it('costs nothing for a reader that takes nothing, however much happens', async () => {
    const served = await serving();
    const socket = connect(Number(new URL(served.url).port), '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined).pause();
    socket.write('GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await readers(served, 1);
    const event = { type: 'long', text: 'x'.repeat(1_000) };
    const before = process.memoryUsage().arrayBuffers;
    for (let turn = 0; turn < 200; turn++) {
      all(served, ...Array.from({ length: 1_000 }, () => event));
      await setImmediate(); // the server writes what it can
    }
    // 200 MB were said; what is kept is 5,000 times the same object, and what the socket's buffers hold
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20e6);
    expect((await served.get('/healthz')).status).toBe(200);
  });
});

describe('the stream of the dashboard', () => {
  it('tells the whole, then what has changed, so that a reader knows what there is', async () => {
    const served = await serving();
    const many = Array.from({ length: 2_500 }, (_, index) => opened(1, index + 1, `user ${index + 1}`));
    all(served, connected(1), ...many.flat());
    let state: LiveState | undefined;
    let isChanged = false;
    const messages = await readUntil(served, '/api/v1/live', ({ event, data }) => {
      if (event !== 'state') return false;
      const update = data as LiveUpdate;
      state = withUpdate(state, update);
      expect(update.rows.set.length).toBeLessThanOrEqual(1_000);
      if (state.rows.size < 2_500) return false;
      if (!isChanged) all(served, accepted(1, 7, 'user 7'));
      isChanged = true;
      return state.rows.get('["user 7",""]')?.accepted === 1;
    });
    expect(messages.some(({ event }) => event === 'events')).toBe(true);
    const updates = messages.filter(({ event }) => event === 'state').map(({ data }) => data as LiveUpdate);
    expect(updates.filter(({ isWhole }) => isWhole)).toHaveLength(1);
    expect(state?.parts).toMatchObject({
      role: 'pool',
      version: '1.2.3',
      counts: { clients: 1, channels: 2_500 },
    });
    expect(state?.parts.shares?.accepted).toBe(1);
    expect([...(state?.rows.keys() ?? [])][0]).toBe('["user 1",""]');
  });

  it('is one of the state that /api/v1/state has whole', async () => {
    const served = await serving();
    all(
      served,
      connected(1),
      ...Array.from({ length: 450 }, (_, index) => opened(1, index + 1, `u${index}`)).flat(),
    );
    const { body } = await served.json('/api/v1/state');
    expect(body).toMatchObject({ role: 'pool', clients: [{ clientId: 1, channels: 450 }] });
    expect((body as { channels: readonly unknown[] }).channels).toHaveLength(450);
    expect((body as { workers: readonly { user: string }[] }).workers.at(-1)?.user).toBe('u449');
  });
});
