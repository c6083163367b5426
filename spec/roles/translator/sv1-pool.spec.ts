/** Miners of Stratum V1 at a pool, hashing really, in virtual time. */
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { filter, map, merge } from 'rxjs';
import { memoryNetwork } from '../../../src/testing/memory.js';
import type { memoryPool } from '../support.js';
import { during, memoryMiner, memoryTemplateProvider, only, virtually, type Logged } from '../support.js';
import { nbits, poolWithSv1 } from './raw-miners.js';
import { memorySv1Miner } from './memory.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

describe('miners of Stratum V1 at a pool beside one of Stratum V2, for twenty minutes with a restart of the template provider', () => {
  let logs: Readonly<Record<'pool' | 'sv1' | 'miner' | 'other' | 'provider', readonly Logged[]>>;
  let accounts: ReturnType<ReturnType<typeof memoryPool>['accounts']>;

  beforeAll(() => {
    const network = memoryNetwork();
    const provider = (seed: number) =>
      memoryTemplateProvider(network, {
        nbits,
        seed,
        blockInterval: 111_000,
        refreshInterval: 15_000,
        transactionsPerSecond: 0.2,
        initialTransactions: 10,
      }).start();
    const { pool, event$ } = poolWithSv1(network);
    logs = virtually(1_200, () => ({
      provider: merge(during(0, 400, provider(1)), during(450, 1_200, provider(2))),
      pool: pool.start(),
      sv1: event$,
      miner: memorySv1Miner(network, 'bob.rig7', 1_200),
      other: memoryMiner(network, { hashRate: 800 }).start(),
    }));
    accounts = pool.accounts();
  }, 120_000);

  it('has every share of theirs answered as it counts at the pool', () => {
    const found = only(logs.miner, 'ShareFound').length;
    const accepted = only(logs.miner, 'ShareAccepted').length;
    const rejected = only(logs.miner, 'ShareRejected');
    const atPool = only(logs.pool, 'ShareAccepted').filter(({ userIdentity }) => userIdentity === 'bob.rig7');
    expect(found).toBeGreaterThan(200);
    expect(accepted + rejected.length).toBe(found);
    expect(rejected.filter(({ error }) => (error as { code: number }).code !== 21)).toEqual([]);
    expect(rejected.length).toBeLessThan(found / 20);
    expect(only(logs.sv1, 'Sv1ShareLost')).toEqual([]);
    expect(only(logs.sv1, 'Sv1ShareAccepted').filter(({ isForwarded }) => isForwarded)).toHaveLength(
      atPool.length,
    );
    expect(only(logs.sv1, 'Sv1ShareAccepted').length - atPool.length).toBeLessThanOrEqual(1);
  });

  it('has the worker of their name, and are credited what their hash rate is', () => {
    const of = (user: string) => accounts.accounts.filter((account) => account.user === user);
    const delivered = (user: string) => of(user).reduce((sum, { difficultySum }) => sum + difficultySum, 0);
    expect(of('bob.rig7').filter(({ accepted }) => accepted > 0)).toMatchObject([{ worker: 'rig7' }]);
    const ratio = delivered('bob.rig7') / delivered('alice');
    expect(ratio).toBeGreaterThan(1.1);
    expect(ratio).toBeLessThan(2);
  });

  it('are told a difficulty that is never harder than the target, and six digits long', () => {
    const told = only(logs.miner, 'DifficultyChanged').map(({ difficulty }) => difficulty as number);
    expect(told.length).toBeGreaterThan(2);
    for (const difficulty of told) expect(Number(difficulty.toPrecision(6))).toBe(difficulty);
  });

  it('are given clean jobs at a new tip, and others between', () => {
    const jobs = only(logs.sv1, 'Sv1JobSent');
    const tips = only(logs.pool, 'NewTip').filter(({ missing }) => missing === null);
    const clean = jobs.filter(({ isClean }) => isClean).length;
    expect(clean).toBeGreaterThan(5);
    expect(clean).toBeLessThanOrEqual(tips.length);
    expect(jobs.length - clean).toBeGreaterThan(clean);
  });
});

it('a miner that hears of no job for a minute is told the last one again, with a later time (R10)', () => {
  const network = memoryNetwork();
  const { pool, event$ } = poolWithSv1(network);
  const { sv1: events, miner } = virtually(400, () => ({
    provider: memoryTemplateProvider(network, {
      nbits,
      seed: 1,
      blockInterval: 1e9,
      refreshInterval: 1e9,
    }).start(),
    pool: pool.start(),
    sv1: event$,
    miner: memorySv1Miner(network, 'bob.rig7', 1),
  }));
  const jobs = only(events, 'Sv1JobSent').map(({ at }) => at);
  expect(Math.max(...jobs.slice(1).map((at, index) => at - (jobs[index] as number)))).toBeLessThanOrEqual(
    60.1,
  );
  expect(only(miner, 'JobStarted').length).toBe(jobs.length);
  expect(new Set(only(miner, 'JobStarted').map(({ jobId }) => jobId)).size).toBe(jobs.length);
});

it('a miner that only ever sends what is refused goes after a thousand of them, and others stay (R3)', () => {
  const network = memoryNetwork();
  const { pool, event$ } = poolWithSv1(network);
  const flood$ = network.connectSv1({ address: 'sv1' }).pipe(
    map((connection) => {
      connection.send(
        ...Array.from(
          { length: 1_100 },
          (_, id) => ({ type: 'unknown', id, method: 'mining.dance', params: [] }) as const,
        ),
      );
      return connection;
    }),
    map(({ message$ }) => message$),
    filter((message$) => message$ !== undefined),
  );
  const { sv1: events, miner } = virtually(60, () => ({
    provider: memoryTemplateProvider(network, { nbits, seed: 1 }).start(),
    pool: pool.start(),
    sv1: event$,
    miner: memorySv1Miner(network, 'bob.rig7', 1_000),
    flood: during(5, 60, flood$.pipe(map(() => ({ type: 'sent' })))),
  }));
  expect(only(events, 'Sv1Ended')).toMatchObject([{ code: 'too-much-nonsense' }]);
  expect(only(events, 'Sv1Nonsense')).toHaveLength(1_001);
  expect(only(miner, 'Sv1Disconnected')).toEqual([]);
});
