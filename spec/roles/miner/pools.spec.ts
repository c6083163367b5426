/** A miner that has a list of pools. */
import { expect, it, jest } from '@jest/globals';
import { merge } from 'rxjs';
import { memoryNetwork } from '../../../src/testing/memory.js';
import { during, memoryMiner, memoryPool, memoryTemplateProvider, only, virtually } from '../support.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

it('mines for the next of its pools while one is away, and goes back when that has been good for a minute', () => {
  const network = memoryNetwork();
  const connect = (address: string) => network.connect({ address, encrypted: false });
  const poolAt = (address: string) =>
    memoryPool(network, { listen: network.listen({ address }), sharesPerMinute: 20 }).start();
  const logs = virtually(200, () => ({
    provider: memoryTemplateProvider(network, { nbits: 0x1d00ffff, seed: 1, blockInterval: 1e9 }).start(),
    first: merge(during(0, 40, poolAt('one:1')), during(60, 200, poolAt('one:1'))),
    second: poolAt('two:2'),
    miner: during(
      1,
      200,
      memoryMiner(network, { connect: [connect('one:1'), connect('two:2')], hashRate: 500 }).start(),
    ),
  }));
  expect(only(logs.miner, 'switched').map(({ upstream }) => upstream)).toEqual([1, 0]);
  const isBetween = (from: number, to: number) => (share: { readonly at: number }) =>
    share.at >= from && share.at < to;
  const [atFirst, atSecond] = [only(logs.first, 'ShareAccepted'), only(logs.second, 'ShareAccepted')];
  expect(atFirst.filter(isBetween(0, 40)).length).toBeGreaterThan(3);
  expect(atSecond.filter(isBetween(45, 120)).length).toBeGreaterThan(5);
  expect(atFirst.filter(isBetween(170, 200)).length).toBeGreaterThan(2);
  expect(atSecond.filter(isBetween(170, 200))).toEqual([]);
});
