import { describe, it } from '@jest/globals';
import { map } from 'rxjs';
import { ofMessage, send, SubmitSharesStandard, SubmitSharesSuccess, type MiningServerHandler } from 'rx-sv2';
import { fromClient, marbles } from 'rx-sv2/testing';

const acceptEverything: MiningServerHandler = (event$) =>
  event$.pipe(
    ofMessage(SubmitSharesStandard),
    map(({ clientId, message: { channelId, sequenceNumber } }) =>
      send(clientId, success(channelId, sequenceNumber)),
    ),
  );

const success = (channelId: number, lastSequenceNumber: number) =>
  SubmitSharesSuccess({ channelId, lastSequenceNumber, newSubmitsAcceptedCount: 1, newSharesSum: 1n });

/** What the README shows. */
describe('a handler', () => {
  const share = (sequenceNumber: number) =>
    SubmitSharesStandard({ channelId: 1, sequenceNumber, jobId: 1, nonce: 7, ntime: 0, version: 2 });

  it('accepts every share', () => {
    marbles(({ hot, expectObservable }) => {
      const event$ = hot('-a--b-', { a: fromClient(1, share(10)), b: fromClient(2, share(20)) });

      expectObservable(acceptEverything(event$)).toBe('-a--b-', {
        a: send(1, success(1, 10)),
        b: send(2, success(1, 20)),
      });
    });
  });
});
