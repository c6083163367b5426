/** A translator whose first pool attacks it: miners of Stratum V1 hear of it by another job, and of no more jobs than they can mine. */
import { describe, expect, it, jest } from '@jest/globals';
import { concat, map, merge, NEVER, of, Subject } from 'rxjs';
import { mineSv1 } from '../../../src/roles/miner/sv1-miner.js';
import type { Sv1MinerEvent } from '../../../src/roles/translator/sv1-miners.js';
import { translator } from '../../../src/roles/translator/translator.js';
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
import {
  during,
  memoryPool,
  memoryTemplateProvider,
  only,
  seeded,
  virtualHasher,
  virtually,
} from '../support.js';
import { nbits } from './raw-miners.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

const attacked = (attack: Attack, aggregate: boolean) => {
  const network = memoryNetwork();
  const event$ = new Subject<Sv1MinerEvent>();
  const poolAt = (address: string) =>
    memoryPool(network, { listen: network.listen({ address }), sharesPerMinute: 20 }).start();
  const upstream = (address: string) => ({
    connect: network.connect({ address, encrypted: false }),
    userIdentity: 'farm',
  });
  const miner = (user: string, from: number) =>
    during(
      from,
      80,
      mineSv1({
        connect: network.connectSv1({ address: 'sv1' }),
        user,
        hasher$: concat(of(virtualHasher(700)), NEVER),
      }),
    );
  return virtually(80, () => ({
    provider: memoryTemplateProvider(network, { nbits, seed: 1, blockInterval: 1e9 }).start(),
    good: poolAt('pool:1'),
    // what it sends its clients to attacks as well
    hostile: merge(hostilePool(network, 'one:1', attack), hostilePool(network, 'one:3', attack)),
    second: poolAt('two:2'),
    translator: translator({
      listen: network.listenSv1({ address: 'sv1' }),
      upstreams: [upstream('one:1'), upstream('two:2')],
      ...{ aggregate, nominalHashRate: 700, sharesPerMinute: 20, randomBytes: seeded(5), observer: event$ },
    }).start(),
    events: event$.pipe(map(({ outcome }): { readonly type: string } => outcome)),
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
