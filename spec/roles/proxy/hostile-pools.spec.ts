/** A proxy whose pools attack it: what is said of them, and what becomes of its miners. */
import { describe, expect, it, jest } from '@jest/globals';
import { map, merge, Subject } from 'rxjs';
import { proxy } from '../../../src/roles/proxy/proxy.js';
import { sv1Miners, type Sv1MinerEvent } from '../../../src/roles/translator/sv1-miners.js';
import { memoryNetwork, type MemoryNetwork } from '../../../src/testing/memory.js';
import {
  circle,
  floodAndRedirect,
  floodOfJobs,
  floodOfVerdicts,
  hostilePool,
  redirectAndGone,
  targetOfZero,
} from '../hostile-pools.js';
import {
  during,
  memoryMiner,
  memoryPool,
  memoryTemplateProvider,
  only,
  seeded,
  virtually,
  type Logged,
} from '../support.js';
import { memorySv1Miner, upstreamAt } from '../translator/memory.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

const nbits = 0x1d00ffff;

interface Hostility {
  readonly mode: 'aggregate' | 'pass-through';
  /** Runs what listens at `one:1`, and maybe more. */
  readonly hostile$: (network: MemoryNetwork) => ReturnType<typeof hostilePool>;
  /** Whether there is another pool, at `two:2`. */
  readonly hasSecond?: boolean;
  readonly seconds?: number;
}

/** Miners of both protocols behind a proxy at a hostile pool. */
const attacked = ({ mode, hostile$, hasSecond = true, seconds = 100 }: Hostility) => {
  const network = memoryNetwork();
  const event$ = new Subject<Sv1MinerEvent>();
  const poolAt = (address: string, mark: number) =>
    memoryPool(network, {
      listen: network.listen({ address }),
      sharesPerMinute: 20,
      randomBytes: seeded(mark),
      serverId: mark,
    }).start();
  const connect = network.connect({ address: 'proxy', encrypted: false });
  return virtually(seconds, () => ({
    provider: memoryTemplateProvider(network, { nbits, seed: 1, blockInterval: 1e9 }).start(),
    pool: poolAt('pool:1', 1),
    hostile: hostile$(network),
    second: poolAt('two:2', 2),
    proxy: proxy({
      listen: merge(
        network.listen({ address: 'proxy' }),
        network.listenSv1({ address: 'sv1' }).pipe(sv1Miners({ observer: event$, nominalHashRate: 500 })),
      ),
      upstreams: [upstreamAt(network, 'one:1'), ...(hasSecond ? [upstreamAt(network, 'two:2')] : [])],
      mode,
      sharesPerMinute: 20,
      randomBytes: seeded(7),
    }).start(),
    sv1Events: event$.pipe(map(({ outcome }): { readonly type: string } => outcome)),
    extended: during(1, seconds, memoryMiner(network, { connect, hashRate: 600 }).start()),
    standard: during(
      1.5,
      seconds,
      memoryMiner(network, { connect, hashRate: 400, channel: 'standard', userIdentity: 'bob' }).start(),
    ),
    sv1: during(2, seconds, memorySv1Miner(network, 'carol.rig', 500)),
  }));
};

type Logs = ReturnType<typeof attacked>;

const expectKept = ({ extended, standard, sv1, sv1Events }: Logs): void => {
  for (const log of [extended, standard]) {
    expect(only(log, 'connected')).toHaveLength(1);
    expect(only(log, 'disconnected')).toEqual([]);
  }
  expect(only(sv1, 'Sv1Connected')).toHaveLength(1);
  expect(only(sv1, 'Sv1Disconnected')).toEqual([]);
  expect(only(sv1Events, 'Sv1Ended')).toEqual([]);
};

/** Each share that was credited has a fate, and each connection to a pool one end at most. */
const expectTold = (log: readonly Logged[]): void => {
  const fates = only(log, 'ShareForwarded').length + only(log, 'ShareNotForwarded').length;
  expect(fates).toBe(only(log, 'ShareAccepted').length);
  const uses = log.filter(({ type }) => type === 'UpstreamConnected' || type === 'UpstreamLost');
  const types = uses.map(({ type }) => type);
  expect(types).toEqual(types.map((_, index) => (index % 2 === 0 ? 'UpstreamConnected' : 'UpstreamLost')));
};

const codeOf = (end: unknown): string => (end as { readonly reason: { readonly code: string } }).reason.code;

/** Why connections to pools ended, whether work came from them or not. */
const redirections = (log: readonly Logged[]): readonly string[] =>
  only(log, 'disconnected')
    .filter(({ clientId }) => clientId === undefined)
    .map(codeOf);

const usersAt = (pool: readonly Logged[], from: number): Set<unknown> =>
  new Set(
    only(pool, 'ShareAccepted')
      .filter(({ at }) => at >= from)
      .map(({ worker }) => worker),
  );

describe.each(['aggregate', 'pass-through'] as const)('a proxy, %s, at a pool', (mode) => {
  it.each([
    ['sets a target of 0', targetOfZero(10), 'channel-unusable'],
    ['sends 10,000 jobs a second', floodOfJobs(10), 'too-many-jobs'],
    ['sends 10,000 verdicts a second on nothing', floodOfVerdicts(10), 'too-many-jobs'],
  ])(
    'that %s leaves it for the next, with all its miners',
    (_, attack, code) => {
      const logs = attacked({ mode, hostile$: (network) => hostilePool(network, 'one:1', attack) });
      expect(only(logs.proxy, 'UpstreamFault').map((fault) => fault['code'])).toEqual([code]);
      expect(only(logs.proxy, 'UpstreamLost')).toMatchObject([{ server: 0, reason: { code } }]);
      expect(only(logs.proxy, 'UpstreamConnected').map(({ server }) => server)).toEqual([0, 1]);
      expectKept(logs);
      expectTold(logs.proxy);
      expect(usersAt(logs.second, 30)).toEqual(new Set(['alice', 'bob', 'rig']));
      // no more of it is passed on, or told of, than anybody could mine
      for (const log of [logs.extended, logs.standard, logs.sv1])
        expect(only(log, 'JobStarted').length).toBeLessThan(420);
      expect(only(logs.proxy, 'UpstreamRejected').length).toBeLessThan(420);
      expect(only(logs.hostile, 'disconnected').length).toBeGreaterThan(0);
    },
    60_000,
  );

  it('that sends it round in circles goes on at the next, and looks after the first less and less often', () => {
    const logs = attacked({
      mode,
      hostile$: (network) =>
        merge(hostilePool(network, 'one:1', circle(3)), hostilePool(network, 'one:3', circle(1))),
    });
    expectKept(logs);
    expectTold(logs.proxy);
    expect(only(logs.proxy, 'UpstreamConnected').at(-1)).toMatchObject({ server: 1 });
    // the first is followed to itself four times, and tried again after that in the background
    expect(redirections(logs.proxy).slice(0, 5)).toEqual(Array(5).fill('redirected'));
    expect(only(logs.proxy, 'switched').map(({ upstream, left }) => [upstream, codeOf(left)])).toEqual([
      [1, 'redirected'],
    ]);
    expect(usersAt(logs.second, 40)).toEqual(new Set(['alice', 'bob', 'rig']));
    expect(only(logs.hostile, 'connected').length).toBeLessThan(12);
  }, 60_000);

  it('that is the only one and sends it round in circles for a while has its miners wait, and mine afterwards', () => {
    const logs = attacked({
      mode,
      hasSecond: false,
      seconds: 200,
      hostile$: (network) =>
        merge(
          during(
            0,
            100,
            merge(hostilePool(network, 'one:1', circle(3)), hostilePool(network, 'one:3', circle(1))),
          ),
          during(
            101,
            200,
            hostilePool(network, 'one:1', (message$) => message$),
          ),
        ),
    });
    expectKept(logs);
    expectTold(logs.proxy);
    // after 1, 2, 4 … 30 s, less a part by chance
    const during100 = only(logs.hostile, 'connected').filter(({ at }) => at < 100);
    expect(during100.length).toBeGreaterThan(4);
    expect(during100.length).toBeLessThan(10);
    expect(usersAt(logs.pool, 100)).toEqual(new Set(['alice', 'bob', 'rig']));
  }, 60_000);

  it.each([
    ['goes with the message that sends it elsewhere', redirectAndGone(10, 4)],
    ['floods it with jobs and sends it elsewhere with the last of them', floodAndRedirect(10, 4)],
  ])(
    'that %s is followed, or left for the next',
    (_, attack) => {
      const logs = attacked({
        mode,
        hostile$: (network) =>
          merge(
            hostilePool(network, 'one:1', attack),
            hostilePool(network, 'one:4', (message$) => message$),
          ),
      });
      expectKept(logs);
      expectTold(logs.proxy);
      expect(only(logs.proxy, 'UpstreamLost')).toHaveLength(1);
      expect(only(logs.proxy, 'UpstreamConnected')).toHaveLength(2);
      const users = [...usersAt(logs.pool, 30), ...usersAt(logs.second, 30)];
      expect(new Set(users)).toEqual(new Set(['alice', 'bob', 'rig']));
    },
    60_000,
  );
});
