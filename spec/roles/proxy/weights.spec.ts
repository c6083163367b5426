import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { merge, takeUntil, timer } from 'rxjs';
import { proxy } from '../../../src/roles/proxy/proxy.js';
import { memoryNetwork, type MemoryNetwork } from '../../../src/testing/memory.js';
import {
  during,
  memoryMiner,
  memoryPool,
  memoryTemplateProvider,
  only,
  virtually,
  type Logged,
} from '../support.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

/** Seconds: all of it; when both weighted pools are down, when the first of them is back, when the proxy is stopped. At odd moments: see `virtualHasher`. */
const end = 900;
const [down, up, stop] = [350.013, 450.007, 890.017] as const;

const poolAt = (network: MemoryNetwork, address: string, mark: number) =>
  memoryPool(network, {
    listen: network.listen({ address }),
    sharesPerMinute: 20,
    randomBytes: (length) => new Uint8Array(length).fill(mark),
    serverId: mark,
  }).start();

const workOf = (log: readonly Logged[], from: number, to: number): number =>
  only(log, 'ShareAccepted')
    .filter(({ at }) => at >= from && at < to)
    .reduce((sum, { difficulty }) => sum + Number(difficulty), 0);

describe('a proxy between two pools with weights and one that stands in', () => {
  let logs: Readonly<
    Record<'one' | 'two' | 'three' | 'proxy' | 'alice' | 'bob' | 'carol', readonly Logged[]>
  >;

  beforeAll(() => {
    const network = memoryNetwork();
    const connect = (address: string) => network.connect({ address, encrypted: false });
    const miner = (userIdentity: string, hashRate: number) =>
      memoryMiner(network, { connect: connect('proxy'), hashRate, userIdentity }).start();
    logs = virtually(end, () => ({
      provider: memoryTemplateProvider(network, {
        ...{ nbits: 0x1d00ffff, seed: 1, refreshInterval: 15_000, transactionsPerSecond: 0.2 },
        initialTransactions: 10,
      }).start(),
      one: merge(
        poolAt(network, 'one:1', 1).pipe(takeUntil(timer(1_000 * down))),
        during(up, end, poolAt(network, 'one:1', 4)),
      ),
      two: poolAt(network, 'two:2', 2).pipe(takeUntil(timer(1_000 * down))),
      three: poolAt(network, 'three:3', 3),
      proxy: proxy({
        listen: network.listen({ address: 'proxy' }),
        upstreams: [
          { connect: connect('three:3'), userIdentity: 'reserve' },
          { connect: connect('one:1'), userIdentity: 'farm', weight: 75 },
          { connect: connect('two:2'), userIdentity: 'farm', weight: 25 },
        ],
        pins: [{ userIdentity: 'carol.*', upstream: 2 }],
        sharesPerMinute: 20,
        randomBytes: (length) => new Uint8Array(length).fill(7),
      })
        .start()
        .pipe(takeUntil(timer(1_000 * stop))),
      alice: miner('alice.rig', 600),
      bob: miner('bob.rig', 210),
      carol: miner('carol.rig', 150),
    }));
  }, 180_000);

  it('splits the work of those who are not pinned, and has the stand-in connected only while it is needed', () => {
    const connected = only(logs.proxy, 'UpstreamConnected').map(({ server, at }) => [server, at >= down]);
    expect(connected).toEqual([
      [1, false],
      [2, false],
      [0, true],
      [1, true],
    ]);
    const [one, two] = [workOf(logs.one, 0, down), workOf(logs.two, 0, down)];
    // carol's 150 of 960 H/s go to the second one anyway
    expect(Math.abs(one / (one + two) - (0.75 * 810) / 960)).toBeLessThan(0.1);
    expect(workOf(logs.three, 0, down)).toBe(0);
    expect(workOf(logs.three, down, up)).toBeGreaterThan(0);
    expect(workOf(logs.three, up + 120, end)).toBe(0);
    expect(workOf(logs.one, up + 120, end)).toBeGreaterThan(0);
  });

  it('keeps miners connected, and has no share rejected', () => {
    for (const log of [logs.alice, logs.bob, logs.carol])
      expect(only(log, 'disconnected').filter(({ at }) => at < stop)).toEqual([]);
    expect([...only(logs.proxy, 'ShareRejected'), ...only(logs.proxy, 'UpstreamRejected')]).toEqual([]);
  });

  it('leaves the stand-in when a weighted one has lasted, and closes its channels when it is stopped', () => {
    const lost = only(logs.proxy, 'UpstreamLost').map(({ server, reason }) => [
      server,
      (reason as { readonly code: string }).code,
    ]);
    expect(lost).toEqual([
      [1, 'peer-closed'],
      [2, 'peer-closed'],
      [0, 'better-upstream'],
    ]);
    expect(only(logs.one, 'ChannelClosed').at(-1)).toMatchObject({ at: stop, reason: 'the proxy stops' });
    expect(only(logs.three, 'ChannelClosed').at(-1)).toMatchObject({ reason: 'the proxy stops' });
  });
});
