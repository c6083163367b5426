import { Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest, test } from '@jest/globals';
import { encodeFrame } from '../../src/framing/frame.js';
import {
  CoinbaseOutputConstraints,
  NewTemplate,
  OpenStandardMiningChannel,
  RequestTransactionData,
  SubmitSharesStandard,
  type Message,
} from '../../src/messages/index.js';
import { setupConnection } from '../../src/testing/fixtures.js';
import { eventually } from '../node/support.js';
import {
  badPeer,
  gone,
  goodMiner,
  rawPeer,
  release,
  startSite,
  traces,
  virtualClock,
  type Clock,
  type GoodMiner,
  type Site,
  type SiteOptions,
} from './support.js';

afterEach(release);

const frames = (...messages: readonly Message[]): Uint8Array =>
  Buffer.concat(messages.map((message) => encodeFrame(message)));
const setup = frames(setupConnection('mining'));
const open = frames(
  OpenStandardMiningChannel({
    requestId: 7,
    userIdentity: 'bad',
    nominalHashRate: 1_000,
    maxTarget: new Uint8Array(32).fill(0xff),
  }),
);

describe.each([
  ['an encrypted', true],
  ['a plaintext', false],
])('%s pool', (_, encrypted) => {
  let site: Site;
  let clock: Clock;
  let good: GoodMiner;
  let before: string;

  async function start(options: Partial<SiteOptions> = {}): Promise<void> {
    clock = virtualClock();
    site = await startSite({ encrypted, clock, ...options });
    good = await goodMiner(site);
    clock.advance(6_000); // what follows a new template is over
    await good.share();
    before = traces(clock);
  }
  beforeEach(async () => start());
  afterEach(async () => {
    await good.share();
    await eventually(() => traces(clock) === before);
    expect(site.clients()).toBe(1);
    good.connection.close();
    await site.stop();
  });

  /** Lets time pass, in which the miner that behaves is heard of. */
  async function pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1_000);
      await good.share();
    }
  }
  /** Why clients were disconnected or not let in. */
  const reasons = (): string[] => [
    ...site.failures.map(({ error }) => (error as { code: string }).code),
    ...site.outcomes.flatMap((outcome) => (outcome.type === 'disconnected' ? [outcome.reason.code] : [])),
  ];
  /** What the server has begun to wait for. */
  const waits = (timers: number) => eventually(() => clock.pending === timers);

  describe('gives up a client', () => {
    // a silent client costs one timer, of its handshake or of its setup
    it.each([
      ['that says nothing at all', new Uint8Array()],
      ['that begins to say something', Uint8Array.of(0)],
      [
        'that stops before the end of its first message',
        encrypted ? new Uint8Array(63) : Uint8Array.from(setup).subarray(0, -1),
      ],
    ])('%s', async (_case, bytes) => {
      const timers = clock.pending;
      const socket = await rawPeer(site.pool);
      socket.write(bytes);
      await waits(timers + 1);
      await pass(9);
      expect(reasons()).toEqual([]);
      clock.advance(1_000);
      await gone(socket.resume());
      expect(reasons()).toEqual([encrypted ? 'handshake-timeout' : 'setup-timeout']);
      socket.destroy();
    });

    it('that sends its first message byte by byte, and never the last', async () => {
      const timers = clock.pending;
      const peer = await badPeer(site.pool);
      await waits(timers + 1);
      for (const byte of setup.subarray(0, 9)) {
        peer.socket.write(Uint8Array.of(byte));
        await pass(1);
      }
      clock.advance(1_000);
      await peer.closed;
      expect(reasons()).toEqual(['setup-timeout']);
      peer.socket.destroy();
    });

    it('that is silent after SetupConnection, in the middle of a message too', async () => {
      good.connection.close();
      await site.stop();
      await start({ inactivityLimit: 3_000_000 }); // sooner than for want of a channel
      const timers = clock.pending;
      const peer = await badPeer(site.pool);
      peer.send(setup);
      await eventually(() => peer.received.length === 1);
      expect(clock.pending).toBe(timers + 2); // for its silence, and for the next sign of life that counts
      for (let minute = 0; minute < 49; minute++) {
        clock.advance(60_000);
        await good.share();
      }
      peer.socket.write(Uint8Array.of(1)); // is no message
      await good.share();
      expect(reasons()).toEqual([]);
      clock.advance(300_000);
      await peer.closed;
      expect(reasons()).toEqual(['inactive']);
      peer.socket.destroy();
    });

    it('that closes its half, at any time', async () => {
      const silent = await rawPeer(site.pool);
      silent.end();
      await gone(silent.resume());
      const early = await badPeer(site.pool);
      early.socket.end();
      await early.closed;
      const late = await badPeer(site.pool);
      late.send(setup, open);
      late.socket.end();
      await late.closed;
      // what it asked for before that it gets
      expect(late.received.map(({ type }) => type)).toContain('OpenStandardMiningChannel.Success');
      const first = encrypted ? 'peer-closed-during-handshake' : 'peer-closed';
      await eventually(() => reasons().length === 3);
      expect(reasons()).toEqual([first, 'peer-closed', 'peer-closed']);
    });

    it('that resets the connection, at any time', async () => {
      const silent = await rawPeer(site.pool);
      silent.resetAndDestroy();
      const early = await badPeer(site.pool);
      early.socket.resetAndDestroy();
      const late = await badPeer(site.pool);
      late.send(setup, open);
      await eventually(() => late.received.length > 1);
      late.socket.resetAndDestroy();
      await eventually(() => reasons().length === 3);
      expect(reasons()).toEqual(['connection-reset', 'connection-reset', 'connection-reset']);
    });

    it('that does not close after it was refused, and goes on talking', async () => {
      const peer = await badPeer(site.pool);
      peer.send(frames(setupConnection('jobDeclaration')));
      await peer.closed;
      expect(peer.socket.writable).toBe(true);
      peer.socket.write(new Uint8Array(1_000_000));
      await pass(1);
      expect(peer.socket.destroyed).toBe(false);
      clock.advance(1_000);
      await eventually(() => !peer.socket.write('a reset follows') || peer.socket.destroyed);
      expect(reasons()).toEqual(['setup-refused']);
      peer.socket.destroy();
    });
  });

  test('turns away a flood of connections beyond its limit, and lets others in afterwards', async () => {
    good.connection.close();
    await site.stop();
    await start({ limits: { maxConnections: 20, maxHandshakes: 19 } });
    const timers = clock.pending;
    const flood = await Promise.all(Array.from({ length: 200 }, async () => rawPeer(site.pool)));
    await waits(timers + 19);
    await good.share();
    await eventually(() => reasons().length === 181);
    expect(new Set(reasons())).toEqual(new Set(['too-many-connections']));
    await pass(10);
    await Promise.all(flood.map((socket) => gone(socket.resume())));
    flood.forEach((socket) => socket.destroy());
    await eventually(() => traces(clock) === before);

    const late = await goodMiner(site);
    await late.share();
    late.connection.close();
    await eventually(() => site.clients() === 1);
  });

  test('is not worn out by connections that come and go', async () => {
    for (let round = 0; round < 20; round++) {
      await Promise.all(
        Array.from({ length: 20 }, async (_value, index) => {
          const socket = await rawPeer(site.pool);
          if (index % 2 === 0) socket.end(index % 4 === 0 ? setup : new Uint8Array(), () => socket.destroy());
          else socket.resetAndDestroy();
        }),
      );
      await good.share();
    }
    await eventually(() => traces(clock) === before);
  });

  test('serves others during a flood of refused messages, until whoever sends them goes', async () => {
    const peer = await badPeer(site.pool);
    const share = frames(
      SubmitSharesStandard({ channelId: 9, sequenceNumber: 1, jobId: 1, nonce: 0, ntime: 0, version: 0 }),
    );
    const rounds = 40; // of 50, of which the bucket for nonsense takes 1,000
    peer.send(setup);
    for (let round = 0; round < rounds; round++) {
      peer.send(...Array.from({ length: 50 }, () => share));
      await good.share();
    }
    await peer.closed;
    expect(peer.received.length).toBeGreaterThanOrEqual(1_000);
    expect(peer.received.length).toBeLessThan(1_100);
    peer.socket.destroy();
    await eventually(() => site.clients() === 1);
    await good.share();
  });
});

describe.each([
  ['an encrypted', true],
  ['a plaintext', false],
])('%s server disconnects a client that never reads', (_, encrypted) => {
  it('as a slow consumer, and serves the others', async () => {
    const clock = virtualClock();
    const site = await startSite({ encrypted, clock, limits: { maxQueuedBytes: 100_000 } });
    const good = await goodMiner(site);
    const before = traces(clock);
    const peer = await badPeer(site.provider);
    const constraints = CoinbaseOutputConstraints({
      coinbaseOutputMaxAdditionalSize: 0,
      coinbaseOutputMaxAdditionalSigops: 0,
    });
    peer.send(encodeFrame(setupConnection('templateDistribution')), encodeFrame(constraints));
    await eventually(() => peer.received.some((message) => NewTemplate.match(message)));
    const { templateId } = peer.received.find((message) => NewTemplate.match(message)) as NewTemplate;
    peer.socket.pause();
    const slow = () =>
      site.providerOutcomes.some(
        (outcome) => outcome.type === 'disconnected' && outcome.reason.code === 'slow-consumer',
      );
    const requests = Array.from({ length: 20 }, () => encodeFrame(RequestTransactionData({ templateId })));
    await eventually(() => {
      if (peer.socket.writableLength < 100_000) peer.send(...requests);
      clock.advance(1); // a client is sent so much of transactions a second
      return slow();
    });
    await good.share();
    peer.socket.destroy();
    await eventually(() => traces(clock) === before);
    good.connection.close();
    await site.stop();
  });
});

test('a listener goes on when the system cannot take a client', async () => {
  const listening = jest.spyOn(Server.prototype, 'listen');
  const clock = virtualClock();
  const site = await startSite({ encrypted: true, clock });
  const good = await goodMiner(site);
  const servers = listening.mock.contexts as Server[];
  listening.mockRestore();
  // the system itself does so only when it has run out of descriptors
  for (const code of ['EMFILE', 'ECONNABORTED'])
    servers[1]?.emit('error', Object.assign(new Error(`accept ${code}`), { code, syscall: 'accept' }));

  const address = `127.0.0.1:${site.pool.port}`;
  expect(site.failures).toMatchObject([
    {
      address,
      error: {
        code: 'too-many-connections',
        message: `${address} has no file descriptor left for another client: lower maxConnections, or raise the limit of the system (ulimit -n)`,
      },
    },
    { address, error: { code: 'connection-failed', cause: { code: 'ECONNABORTED' } } },
  ]);
  await good.share();
  const late = await goodMiner(site);
  await late.share();
  late.connection.close();
  good.connection.close();
  await site.stop();
});
