/** What a miner of Stratum V1 is answered, and when; and what becomes of it when the pool has another opinion later (R4). */
import { expect, it, jest } from '@jest/globals';
import { map } from 'rxjs';
import { SubmitSharesError, SubmitSharesSuccess, type Message } from '../../../src/messages/index.js';
import { proxyFold } from '../../../src/observe/proxy-state.js';
import { memoryNetwork } from '../../../src/testing/memory.js';
import { hostilePool } from '../hostile-pools.js';
import { during, memoryPool, memoryTemplateProvider, only, virtually } from '../support.js';
import { nbits } from './raw-miners.js';
import { memorySv1Miner, memoryTranslator } from './memory.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

/** Every third share that the pool accepts it rejects instead. */
const everyThird = (message: Message): Message => {
  if (!SubmitSharesSuccess.match(message) || message.lastSequenceNumber % 3 !== 0) return message;
  const { channelId, lastSequenceNumber: sequenceNumber } = message;
  return SubmitSharesError({ channelId, sequenceNumber, errorCode: 'invalid-job-id' });
};

it.each([
  ['one channel for all', true],
  ['a channel for each', false],
])(
  'a share that the pool rejects after it was answered true is in state and outcomes, by code: %s',
  (_, aggregate) => {
    const network = memoryNetwork();
    const { service, sv1$ } = memoryTranslator(network, ['one:1'], { aggregate });
    const logs = virtually(240, () => ({
      provider: memoryTemplateProvider(network, { nbits, seed: 1, blockInterval: 1e9 }).start(),
      pool: memoryPool(network, {
        listen: network.listen({ address: 'pool:1' }),
        sharesPerMinute: 20,
        shareBatchSize: 1,
      }).start(),
      between: hostilePool(network, 'one:1', (message$) => message$.pipe(map(everyThird))),
      translator: service.start(),
      events: sv1$,
      miner: during(1, 240, memorySv1Miner(network, 'alice.rig1', 1_000)),
    }));
    const fold = proxyFold(0, {}, 'translator');
    for (const { at, ...outcome } of logs.translator) fold.note(outcome, 1_000 * at);
    const state = fold.state(240_000);
    const rejected = only(logs.translator, 'UpstreamRejected').length;
    expect(rejected).toBeGreaterThan(5);
    expect(state.upstreamShares.rejected).toBe(rejected);
    expect(state.upstreamShares.rejectedByCode).toEqual({ 'invalid-job-id': rejected });
    expect(state.upstreamShares.accepted).toBe(
      only(logs.translator, 'UpstreamAccepted').reduce(
        (sum, { shares }) => sum + (shares as readonly unknown[]).length,
        0,
      ),
    );
    // the miner's share counts for it: it has done the work
    expect(only(logs.miner, 'ShareRejected')).toEqual([]);
    expect(only(logs.miner, 'Sv1Disconnected')).toEqual([]);
  },
);
