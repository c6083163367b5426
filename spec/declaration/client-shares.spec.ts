import { describe, expect, it } from '@jest/globals';
import { clientShares } from '../../src/declaration/client-shares.js';
import { SubmitSharesError, SubmitSharesExtended, SubmitSharesSuccess } from '../../src/messages/index.js';

const share = (sequenceNumber: number) =>
  SubmitSharesExtended({
    ...{ channelId: 7, sequenceNumber, jobId: 1, nonce: 0, ntime: 0, version: 0 },
    extranonce: new Uint8Array(8),
  });
const accepted = (lastSequenceNumber: number, newSubmitsAcceptedCount = 1) =>
  SubmitSharesSuccess({ channelId: 7, lastSequenceNumber, newSubmitsAcceptedCount, newSharesSum: 5n });
const rejected = (sequenceNumber: number, errorCode = 'stale-share') =>
  SubmitSharesError({ channelId: 7, sequenceNumber, errorCode });

describe('shares that the pool has accepted while earlier ones wait', () => {
  /** Two shares, of which the first waits for its job. */
  const waiting = () => {
    const shares = clientShares(7);
    shares.keep(share(1));
    expect(shares.send(share(2), 70)).toMatchObject({ jobId: 70, sequenceNumber: 0 });
    expect(shares.accepted(accepted(0))).toEqual([]);
    return shares;
  };

  it('are acknowledged when those are answered, though nobody judges them', () => {
    const shares = waiting();
    expect(shares.drop(share(1), 'stale-share')).toEqual([rejected(1), accepted(2)]);
    expect(shares.size).toBe(0);
  });

  it('are acknowledged with those', () => {
    const shares = waiting();
    shares.send(share(1), 71);
    expect(shares.accepted(accepted(1))).toEqual([{ ...accepted(2, 2), newSharesSum: 10n }]);
  });

  it('are not rejected any more', () => {
    const shares = waiting();
    expect(shares.rejected(rejected(0))).toEqual([]);
    expect(shares.drop(share(1), 'stale-share')).toEqual([rejected(1), accepted(2)]);
  });
});

it('no more than 20,000 shares are waited for', () => {
  const shares = clientShares(7);
  for (let number = 0; number <= 20_000; number++) shares.send(share(number), 70);
  expect(shares.size).toBe(20_000);
});
