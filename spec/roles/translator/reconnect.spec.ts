/** A pool that sends a translator elsewhere: miners of Stratum V1 notice nothing but another job. */
import { expect, it, jest } from '@jest/globals';
import { map } from 'rxjs';
import { Reconnect } from '../../../src/messages/index.js';
import { createServer, ofEvent, send, type MiningServerHandler } from '../../../src/service/index.js';
import { memoryNetwork } from '../../../src/testing/memory.js';
import { during, memoryPool, memoryTemplateProvider, only, virtually } from '../support.js';
import { nbits } from './raw-miners.js';
import { memorySv1Miner, memoryTranslator } from './memory.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

/** Sends everyone to another port of the same host. */
const elsewhere: MiningServerHandler = (event$) =>
  event$.pipe(
    ofEvent('clientAdded'),
    map(({ clientId }) => send(clientId, Reconnect({ newHost: '', newPort: 2 }))),
  );

it('miners stay connected, and mine where the translator was sent (R13)', () => {
  const network = memoryNetwork();
  const { service, sv1$ } = memoryTranslator(network, ['pool:1']);
  const pool = memoryPool(network, { sharesPerMinute: 20, listen: network.listen({ address: 'pool:2' }) });
  const logs = virtually(60, () => ({
    provider: memoryTemplateProvider(network, { nbits, seed: 1, blockInterval: 1e9 }).start(),
    moved: createServer({ listen: network.listen({ address: 'pool:1' }), mining: elsewhere }).start(),
    pool: pool.start(),
    translator: service.start(),
    sv1: sv1$,
    miner: during(1, 60, memorySv1Miner(network, 'alice.rig1', 1_000)),
  }));
  expect(only(logs.moved, 'connected').length).toBeGreaterThan(0);
  expect(only(logs.sv1, 'Sv1Ended')).toEqual([]);
  expect(only(logs.miner, 'Sv1Connected')).toHaveLength(1);
  expect(only(logs.miner, 'Sv1Disconnected')).toEqual([]);
  expect(only(logs.miner, 'ShareAccepted').length).toBeGreaterThan(5);
  expect(only(logs.pool, 'ShareAccepted').length).toBeGreaterThan(5);
});
