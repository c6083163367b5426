import { describe, expect, it, jest } from '@jest/globals';
import { merge } from 'rxjs';
import { memoryNetwork } from '../../../src/testing/memory.js';
import { toDisplayHex } from '../../../src/bitcoin/hash.js';
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

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

/** What is found when, and by whom, is chance: what is expected here holds for all of them. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7];

/** One hash in 2^14 is a block, so that no miner is without one in any likely run: chances are below one in 1,000. */
const easyNbits = 0x1f03ffff;

/** Difficulty 1: nothing hashed here is a block. */
const hardNbits = 0x1d00ffff;

const hashesOf = (log: readonly Logged[], type: string) =>
  only(log, type).map((outcome) => toDisplayHex((outcome as unknown as { hash: Uint8Array }).hash));

/** The hashes of blocks without those on a previous block that one was found on before. */
const firstOnTip = (found: readonly Readonly<Record<string, unknown>>[]): readonly string[] => {
  const byParent = new Map<string, string>();
  for (const { header, hash } of found) {
    const parent = toDisplayHex((header as Uint8Array).subarray(4, 36));
    if (!byParent.has(parent)) byParent.set(parent, toDisplayHex(hash as Uint8Array));
  }
  return [...byParent.values()];
};

const sumOf = (outcomes: readonly Readonly<Record<string, unknown>>[], property: string): number =>
  outcomes.reduce((sum, outcome) => sum + (outcome[property] as number), 0);

describe.each(SEEDS)('a pool between its template provider and its miners, seed %d', (seed) => {
  const network = memoryNetwork();
  const pool = memoryPool(network, { sharesPerMinute: 20, randomBytes: seeded(seed) });
  const logs = virtually(90, () => ({
    provider: memoryTemplateProvider(network, { nbits: easyNbits }).start(),
    pool: pool.start(),
    alice: memoryMiner(network).start(),
    bob: memoryMiner(network, { userIdentity: 'bob', channel: 'standard', hashRate: 2_300 }).start(),
  }));

  it('turns every block found into one that the template provider accepts, from both kinds of channels', () => {
    const found = only(logs.pool, 'BlockFound');
    expect(new Set(found.map(({ userIdentity }) => userIdentity))).toEqual(new Set(['alice', 'bob']));
    const first = firstOnTip(found);
    expect(hashesOf(logs.provider, 'BlockAccepted')).toEqual(first);
    // what was found before the new tip was known stands beside another
    expect(only(logs.provider, 'BlockRejected')).toHaveLength(found.length - first.length);
    // each is the next one's previous hash
    expect(
      only(logs.pool, 'NewTip')
        .map(({ prevHash }) => toDisplayHex(prevHash as Uint8Array))
        .slice(1),
    ).toEqual(first);
  });

  it('accepts what its miners find, but for what comes too late for a new tip', () => {
    for (const user of ['alice', 'bob'] as const) {
      const found = only(logs[user], 'ShareFound').length;
      expect(found).toBeGreaterThan(15);
      expect(only(logs[user], 'ShareRejected')).toEqual([]);
      expect(
        only(logs.pool, 'ShareAccepted').filter(({ userIdentity }) => userIdentity === user),
      ).toHaveLength(found);
    }
  });

  it('acknowledges shares at blocks and every five seconds', () => {
    const accepted = only(logs.pool, 'ShareAccepted').filter(({ userIdentity }) => userIdentity === 'alice');
    const acknowledged = only(logs.alice, 'SharesAccepted');
    const early = accepted.filter(({ at }) => at <= 85);
    // of the last five seconds, those before a block or the turn of their channel
    expect(sumOf(acknowledged, 'count')).toBeGreaterThanOrEqual(early.length);
    expect(sumOf(acknowledged, 'count')).toBeLessThanOrEqual(accepted.length);
    for (const { at } of early) {
      const first = acknowledged.find((acknowledgement) => acknowledgement.at >= at);
      expect((first?.at ?? Infinity) - at).toBeLessThanOrEqual(5);
    }
  });

  it('keeps accounts by user, after the end too', () => {
    const { accounts, others } = pool.accounts();
    expect(accounts.map(({ user, worker }) => [user, worker]).sort()).toEqual([
      ['alice', ''],
      ['bob', ''],
    ]);
    for (const { user, ...totals } of accounts) {
      const accepted = only(logs.pool, 'ShareAccepted').filter(({ userIdentity }) => userIdentity === user);
      expect(totals.accepted).toBe(accepted.length);
      expect(totals.difficultySum).toBeCloseTo(sumOf(accepted, 'difficulty'), 12);
      expect(totals.blocksFound).toBe(
        only(logs.pool, 'BlockFound').filter(({ userIdentity }) => userIdentity === user).length,
      );
    }
    expect(others.accepted).toBe(0);
  });

  it('lets the miners know their hash rate', () => {
    const rates = only(logs.bob, 'HashRate').map(({ hashesPerSecond }) => hashesPerSecond as number);
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
    expect(Math.abs(mean / 2_300 - 1)).toBeLessThan(0.1);
  });

  it('starts anew when it is started again', () => {
    const again = virtually(20, () => ({
      provider: memoryTemplateProvider(network).start(),
      pool: pool.start(),
      alice: memoryMiner(network).start(),
    }));
    expect(only(again.pool, 'handlerError')).toEqual([]);
    expect(only(again.alice, 'ChannelOpened')).toHaveLength(1);
    expect(pool.accounts().accounts).toMatchObject([
      { user: 'alice', worker: '', accepted: only(again.pool, 'ShareAccepted').length },
    ]);
  });
});

describe('vardiff of a pool', () => {
  it.each([
    ['eighty times too hard', 120_000, 1_500],
    ['three times too easy', 0, 3_000],
  ])(
    'finds a target that was %s, though no template comes that would bring it',
    (_, nominalHashRate, hashRate) => {
      const rates = SEEDS.slice(0, 3).map((seed) => {
        const network = memoryNetwork();
        const logs = virtually(300, () => ({
          provider: memoryTemplateProvider(network, { nbits: hardNbits, transactionsPerSecond: 0 }).start(),
          pool: memoryPool(network, { sharesPerMinute: 30, randomBytes: seeded(seed) }).start(),
          alice: memoryMiner(network, { nominalHashRate, channel: 'standard', hashRate }).start(),
        }));
        expect(only(logs.pool, 'TargetChanged').length).toBeGreaterThan(0);
        expect(only(logs.pool, 'ShareRejected')).toEqual([]);
        expect(only(logs.pool, 'handlerError')).toEqual([]);
        return only(logs.pool, 'ShareAccepted').filter(({ at }) => at > 150).length / 75;
      });
      // 75 shares are within 12 % of what the target is made for, that within 13 % of the hash rate: one standard error
      const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
      expect({
        rates,
        isRight: Math.abs(mean - 1) < 0.2 && rates.every((rate) => Math.abs(rate - 1) < 0.6),
      }).toEqual({
        rates,
        isRight: true,
      });
    },
  );

  it('never asks for more than the network does, or blocks would be kept from the pool', () => {
    const network = memoryNetwork();
    const logs = virtually(20, () => ({
      provider: memoryTemplateProvider(network).start(),
      pool: memoryPool(network, { sharesPerMinute: 6 }).start(),
      alice: memoryMiner(network, { nominalHashRate: 1e12 }).start(),
    }));
    const [opened] = only(logs.alice, 'ChannelOpened');
    const [changed] = only(logs.alice, 'TargetChanged');
    expect(opened?.['difficulty']).toBeGreaterThan(1000);
    expect(changed?.['difficulty']).toBeLessThan(1e-4);
  });
});

describe.each(SEEDS)('a pool without its template provider, seed %d', (seed) => {
  const network = memoryNetwork();
  const logs = virtually(140, () => ({
    provider: merge(
      during(0, 20, memoryTemplateProvider(network, { nbits: easyNbits }).start()),
      during(70, 140, memoryTemplateProvider(network, { seed: 2, nbits: easyNbits }).start()),
    ),
    pool: memoryPool(network, { sharesPerMinute: 20, randomBytes: seeded(seed) }).start(),
    alice: memoryMiner(network).start(),
  }));

  it('lets its miners go on with the work there is', () => {
    const between = only(logs.pool, 'ShareAccepted').filter(({ at }) => at > 21 && at < 69);
    expect(between.length).toBeGreaterThan(5);
    expect(only(logs.alice, 'disconnected')).toEqual([]);
  });

  it('keeps the blocks found meanwhile for when it is back', () => {
    const held = only(logs.pool, 'SolutionHeld');
    expect(held).toHaveLength(1);
    const back = logs.pool.filter(({ type, at }) => type === 'connected' && at >= 70)[0];
    const found = only(logs.pool, 'BlockFound').filter(({ at }) => at > 20 && at < (back?.at ?? 0));
    expect(held[0]?.at).toBe(found[0]?.at);
    expect(only(logs.pool, 'SolutionsSentAgain')).toMatchObject([{ found: found.length }]);
    const submitted = only(logs.pool, 'sent').filter(
      ({ at, message }) => at === back?.at && (message as { type: string }).type === 'SubmitSolution',
    );
    expect(submitted).toHaveLength(Math.min(8, found.length));
  });

  it('works on what a provider gives that comes back with another chain', () => {
    const back = only(logs.provider, 'BlockAccepted').filter(({ at }) => at > 70);
    expect(back.length).toBeGreaterThan(0);
    expect(only(logs.pool, 'handlerError')).toEqual([]);
  });
});
