import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  catchError,
  defer,
  EMPTY,
  map,
  merge,
  of,
  Subject,
  switchMap,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { UnknownMessage, type Message } from '../../../src/messages/index.js';
import type { ForwardedShare } from '../../../src/mining/index.js';
import { proxy, type ProxyOptions } from '../../../src/roles/proxy/proxy.js';
import { setupConnection } from '../../../src/testing/fixtures.js';
import { memoryNetwork, type MemoryNetwork } from '../../../src/testing/memory.js';
import { memoryStreams } from '../../../src/testing/memory-streams.js';
import { acceptConnections } from '../../../src/transport/accept-connections.js';
import type { ByteStream } from '../../../src/transport/byte-stream.js';
import { bitaxe } from '../../devices/bitaxe.js';
import { device, type Line } from '../../devices/device.js';
import { openExtended } from '../../mining/support.js';
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

/** Nothing hashed here is a block, but targets may be as easy as vardiff likes. */
const nbits = 0x1d00ffff;
/** Seconds: all of it, and when the first pool is down. */
const end = 1_500;
const [down, up] = [500, 800] as const;

/** Dials whoever listens, if anybody does. */
const dial = (listening$: Subject<ByteStream>) =>
  defer(() => {
    if (!listening$.observed) return throwError(() => new Error('nobody listens'));
    const [near, far] = memoryStreams('proxy', 'device');
    listening$.next(far);
    return of<Line>({ ...near, close: () => near.destroy() });
  });

const poolAt = (network: MemoryNetwork, address: string, mark: number) =>
  memoryPool(network, {
    listen: network.listen({ address }),
    sharesPerMinute: 10,
    randomBytes: (length) => new Uint8Array(length).fill(mark),
    serverId: mark,
  }).start();

const proxyAt = (network: MemoryNetwork, options: Partial<ProxyOptions>) =>
  proxy({
    listen: network.listen({ address: 'proxy' }),
    upstreams: [
      { connect: network.connect({ address: 'one:1', encrypted: false }), userIdentity: 'farm' },
      { connect: network.connect({ address: 'two:2', encrypted: false }), userIdentity: 'farm.backup' },
    ],
    sharesPerMinute: 20,
    randomBytes: (length) => new Uint8Array(length).fill(7),
    ...options,
  }).start();

const sharesOf = (log: readonly Logged[]): ForwardedShare[] =>
  log.flatMap(({ shares }: Logged & { readonly shares?: readonly ForwardedShare[] }) => shares ?? []);

describe.each(['aggregate', 'pass-through'] as const)(
  'a proxy, %s, whose first pool is away for a while',
  (mode) => {
    let logs: Readonly<Record<'one' | 'two' | 'proxy' | 'device' | 'miner', readonly Logged[]>>;

    beforeAll(() => {
      const network = memoryNetwork();
      const stream$ = new Subject<ByteStream>();
      const listen = merge(network.listen({ address: 'pool' }), stream$.pipe(acceptConnections({})));
      logs = virtually(end, () => ({
        provider: memoryTemplateProvider(network, {
          nbits,
          seed: 1,
          blockInterval: 311_000,
          refreshInterval: 15_000,
          transactionsPerSecond: 0.2,
          initialTransactions: 10,
        }).start(),
        one: merge(
          poolAt(network, 'one:1', 1).pipe(takeUntil(timer(1_000 * down))),
          during(up, end, poolAt(network, 'one:1', 2)),
        ),
        two: poolAt(network, 'two:2', 3),
        proxy: proxyAt(network, { listen, mode }),
        device: device(dial(stream$), bitaxe('standard'), 1_200),
        miner: memoryMiner(network, { hashRate: 2_000, userIdentity: 'alice.rig1' }).start(),
      }));
    }, 120_000);

    it('has its work from the second one meanwhile, goes back, and says so', () => {
      expect(only(logs.proxy, 'UpstreamConnected').map(({ server }) => server)).toEqual([0, 1, 0]);
      const [first, second] = only(logs.proxy, 'UpstreamLost');
      expect(first).toMatchObject({ at: down, server: 0, reason: { code: 'peer-closed' } });
      expect(second).toMatchObject({ server: 1, reason: { code: 'better-upstream' } });
      expect(only(logs.one, 'ShareAccepted').length).toBeGreaterThan(50);
      expect(only(logs.two, 'ShareAccepted').length).toBeGreaterThan(10);
    });

    it('keeps its miners connected, and tells firmware nothing that it does not know', () => {
      expect(only(logs.miner, 'disconnected')).toEqual([]);
      expect(only(logs.device, 'Disconnected').filter(({ at }) => at > 0)).toEqual([]);
      expect(only(logs.device, 'Ignored')).toEqual([]);
      expect(only(logs.device, 'Dropped')).toEqual([]);
    });

    it('has no share rejected, but those that a new tip overtook', () => {
      const tips = only(logs.two, 'NewTip').map(({ at }) => at);
      const rejected = [...only(logs.proxy, 'ShareRejected'), ...only(logs.proxy, 'UpstreamRejected')];
      const unexplained = rejected.filter(
        ({ at, errorCode }) => errorCode !== 'stale-share' || !tips.some((tip) => at >= tip && at <= tip + 1),
      );
      expect(unexplained).toEqual([]);
    });

    it('knows what became of each share that it has credited', () => {
      const credited = only(logs.proxy, 'ShareAccepted');
      const forwarded = only(logs.proxy, 'ShareForwarded');
      const kept = only(logs.proxy, 'ShareNotForwarded');
      expect(forwarded.length + kept.length).toBe(credited.length);
      expect(credited.length).toBeGreaterThan(300);
      const accepted = sharesOf(only(logs.proxy, 'UpstreamAccepted'));
      const unanswered = sharesOf(only(logs.proxy, 'UpstreamUnanswered'));
      const rejected = only(logs.proxy, 'UpstreamRejected');
      const waiting = forwarded.length - accepted.length - rejected.length - unanswered.length;
      expect(waiting).toBeLessThan(10); // those of the last seconds
      const atPools = [...only(logs.one, 'ShareAccepted'), ...only(logs.two, 'ShareAccepted')];
      expect(atPools.length).toBe(forwarded.length - rejected.length);
    });

    it('names workers to the pools', () => {
      const workers = new Set(only(logs.two, 'ShareAccepted').map(({ worker }) => worker));
      expect(workers).toEqual(new Set(['rig1', 'standard']));
    });
  },
);

describe('a proxy', () => {
  it('hands on what channels say in extensions that it does not know, and lets nobody flood its pool with it', () => {
    const network = memoryNetwork();
    const logs = virtually(60, () => ({
      provider: memoryTemplateProvider(network, { nbits, seed: 1, blockInterval: 1e9 }).start(),
      one: poolAt(network, 'one:1', 1),
      proxy: proxyAt(network, { listen: network.listen({ address: 'pool' }) }),
      talker: during(10, 60, talker(network)),
    }));
    const isUnknown = ({ message }: Logged & { readonly message?: Message }) => message?.type === 'Unknown';
    const arrived = only(logs.one, 'received').filter(isUnknown);
    expect(arrived[0]).toMatchObject({ message: { extensionType: 0x4001, messageType: 5 } });
    // what anybody may say that nobody can judge; the last of it ends with the connection
    expect(arrived.length).toBeGreaterThan(900);
    expect(arrived.length).toBeLessThanOrEqual(1_001);
    expect(only(logs.proxy, 'disconnected')).toMatchObject([{ reason: { code: 'too-much-nonsense' } }]);
  });
});

/** A client that opens a channel, and then talks of nothing but an extension of its own. */
const talker = (network: MemoryNetwork) =>
  network.connect({ address: 'pool', encrypted: false }).pipe(
    switchMap((connection) => {
      connection.send(setupConnection('mining'));
      return connection.message$.pipe(
        tap((message) => {
          if (message.type === 'SetupConnection.Success') connection.send(openExtended());
          if (message.type !== 'OpenExtendedMiningChannel.Success') return;
          const payload = Uint8Array.of(message.channelId, 0, 0, 0, 9);
          const own = { extensionType: 0x4001, messageType: 5, channelMessage: true, payload };
          connection.send(...Array.from({ length: 3_000 }, () => UnknownMessage(own)));
        }),
        map(({ type }) => ({ type })),
      );
    }),
    catchError(() => EMPTY), // it is sent away
  );
