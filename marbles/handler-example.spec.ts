import { it } from '@jest/globals';
import { of } from 'rxjs';
import { createServer, SubmitSharesStandard } from 'rx-sv2';
import { like, marbles, setupConnection } from 'rx-sv2/testing';
import { trustingPool } from '../examples/handler/handler.js';

const share = SubmitSharesStandard({
  channelId: 1,
  sequenceNumber: 7,
  jobId: 1,
  nonce: 0,
  ntime: 0,
  version: 2,
});

it('acknowledges and counts shares', () => {
  marbles(({ connection, expectSent, expectOutcomes }) => {
    const miner = connection('s 9ms a 9ms a', { s: setupConnection('mining'), a: share });
    const server = createServer({ listen: of(miner), mining: trustingPool });

    expectSent(miner).toBe('s 9ms a 9ms a', {
      s: like({ type: 'SetupConnection.Success' }),
      a: like({ type: 'SubmitShares.Success', lastSequenceNumber: 7 }),
    });
    expectOutcomes(server.start(), 'SharesCounted').toBe('10ms a 9ms b', {
      a: { type: 'SharesCounted', shares: 1 },
      b: { type: 'SharesCounted', shares: 2 },
    });
  });
});
