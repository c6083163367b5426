/** Miners of Stratum V1 behind a translator whose first pool is away for a while, hashing really, in virtual time. */
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { merge } from 'rxjs';
import { memoryNetwork } from '../../../src/testing/memory.js';
import { during, memoryPool, memoryTemplateProvider, only, virtually, type Logged } from '../support.js';
import { memorySv1Miner, memoryTranslator } from './memory.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

const nbits = 0x1d00ffff;

describe.each([
  ['on one channel for all', true, ['farm.translator-proxy']],
  ['on a channel for each', false, ['farm.miner1', 'farm.miner2']],
])('miners %s', (_, aggregate, identities) => {
  let logs: Readonly<Record<'first' | 'second' | 'translator' | 'alice' | 'bob' | 'sv1', readonly Logged[]>>;

  beforeAll(() => {
    const network = memoryNetwork();
    const pool = (address: string) =>
      memoryPool(network, { sharesPerMinute: 20, listen: network.listen({ address }) }).start();
    const { service, sv1$ } = memoryTranslator(network, ['one:1', 'two:2'], { aggregate });
    logs = virtually(600, () => ({
      provider: memoryTemplateProvider(network, {
        nbits,
        seed: 1,
        blockInterval: 111_000,
        refreshInterval: 15_000,
      }).start(),
      first: merge(during(0, 200, pool('one:1')), during(260, 600, pool('one:1'))),
      second: pool('two:2'),
      translator: service.start(),
      sv1: sv1$,
      alice: during(1, 600, memorySv1Miner(network, 'alice.rig1', 1_200)),
      bob: during(1, 600, memorySv1Miner(network, 'bob', 800)),
    }));
  }, 180_000);

  const creditedAt = (pool: readonly Logged[]) =>
    only(pool, 'ShareAccepted') as unknown as readonly {
      readonly userIdentity: string;
      readonly worker: string;
      readonly at: number;
    }[];

  it('stay connected when the pool is left for the second, and when it is gone back to (R9)', () => {
    for (const miner of [logs.alice, logs.bob]) {
      expect(only(miner, 'Sv1Connected')).toHaveLength(1);
      expect(only(miner, 'Sv1Disconnected')).toEqual([]);
    }
    expect(only(logs.sv1, 'Sv1Ended')).toEqual([]);
    const used = only(logs.translator, 'UpstreamConnected').map(({ server }) => server);
    expect(used.slice(-3)).toEqual([0, 1, 0]);
  });

  it('are credited at the pool that is used, by the names of their workers (R11)', () => {
    const [first, second] = [creditedAt(logs.first), creditedAt(logs.second)];
    expect(first.filter(({ at }) => at < 200).length).toBeGreaterThan(20);
    expect(second.length).toBeGreaterThan(20);
    expect(first.filter(({ at }) => at > 400).length).toBeGreaterThan(20);
    for (const pool of [first, second]) {
      expect([...new Set(pool.map(({ userIdentity }) => userIdentity))].sort()).toEqual(identities);
      expect([...new Set(pool.map(({ worker }) => worker))].sort()).toEqual(['bob', 'rig1']);
    }
  });

  it('have every share answered, and hardly any rejected', () => {
    for (const miner of [logs.alice, logs.bob]) {
      const found = only(miner, 'ShareFound').length;
      const accepted = only(miner, 'ShareAccepted').length;
      expect(found).toBeGreaterThan(60);
      expect(accepted).toBeGreaterThan(0.9 * found);
      expect(accepted + only(miner, 'ShareRejected').length).toBe(found);
    }
  });
});
