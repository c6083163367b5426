/** A translator whose first pool attacks it: miners of Stratum V1 hear of it by another job, and of no more jobs than they can mine. */
import { describe, expect, it, jest } from '@jest/globals';
import { merge } from 'rxjs';
import { memoryNetwork } from '../../../src/testing/memory.js';
import {
  circle,
  floodAndRedirect,
  floodOfJobs,
  floodOfVerdicts,
  hostilePool,
  targetOfZero,
  type Attack,
} from '../hostile-pools.js';
import { during, memoryPool, memoryTemplateProvider, only, virtually } from '../support.js';
import { nbits } from './raw-miners.js';
import { memorySv1Miner, memoryTranslator } from './memory.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

const attacked = (attack: Attack, aggregate: boolean) => {
  const network = memoryNetwork();
  const { service, sv1$ } = memoryTranslator(network, ['one:1', 'two:2'], {
    aggregate,
    nominalHashRate: 700,
  });
  const poolAt = (address: string) =>
    memoryPool(network, { listen: network.listen({ address }), sharesPerMinute: 20 }).start();
  const miner = (user: string, from: number) => during(from, 80, memorySv1Miner(network, user, 700));
  return virtually(80, () => ({
    provider: memoryTemplateProvider(network, { nbits, seed: 1, blockInterval: 1e9 }).start(),
    good: poolAt('pool:1'),
    // what it sends its clients to attacks as well
    hostile: merge(hostilePool(network, 'one:1', attack), hostilePool(network, 'one:3', attack)),
    second: poolAt('two:2'),
    translator: service.start(),
    events: sv1$,
    alice: miner('alice.rig1', 1),
    bob: miner('bob', 2),
  }));
};

describe.each([
  ['one channel for all', true],
  ['a channel for each', false],
])('miners of a translator, %s, whose pool', (_, aggregate) => {
  it.each([
    ['sets a target of 0', targetOfZero(10), ['channel-unusable']],
    ['sends 10,000 jobs a second', floodOfJobs(10), ['too-many-jobs']],
    ['sends 10,000 verdicts a second on nothing', floodOfVerdicts(10), ['too-many-jobs']],
    ['sends it round in circles', circle(3), []],
    ['floods it and sends it elsewhere, again and again', floodAndRedirect(10, 3), ['too-many-jobs']],
  ])('%s stay, have every share answered, and mine for the next', (_name, attack, codes) => {
    const logs = attacked(attack, aggregate);
    expect([...new Set(only(logs.translator, 'UpstreamFault').map(({ code }) => code))]).toEqual(codes);
    expect(only(logs.events, 'Sv1Ended')).toEqual([]);
    expect(only(logs.translator, 'switched')[0]).toMatchObject({ upstream: 1 });
    for (const miner of [logs.alice, logs.bob]) {
      expect(only(miner, 'Sv1Connected')).toHaveLength(1);
      expect(only(miner, 'Sv1Disconnected')).toEqual([]);
      expect(only(miner, 'JobStarted').length).toBeLessThan(420);
      const found = only(miner, 'ShareFound').length;
      const rejected = only(miner, 'ShareRejected').length;
      // those of the last moment are answered later
      expect(found - only(miner, 'ShareAccepted').length - rejected).toBeLessThan(2);
    }
    const workers = only(logs.second, 'ShareAccepted').map(({ worker }) => worker);
    expect([...new Set(workers)].sort()).toEqual(['bob', 'rig1']);
  });
});
