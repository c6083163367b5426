import { map, merge } from 'rxjs';
import {
  handleEach,
  ofMessage,
  OpenStandardMiningChannel,
  OpenStandardMiningChannelSuccess,
  send,
  SubmitSharesStandard,
  SubmitSharesSuccess,
  targetFromDifficulty,
  type MiningServerHandler,
} from 'rx-sv2';

/** Opens a channel for whoever asks, takes every share on trust, and counts them. */
export const trustingPool: MiningServerHandler<{ type: 'SharesCounted'; shares: number }> = (event$) => {
  const share$ = event$.pipe(ofMessage(SubmitSharesStandard));
  return merge(
    event$.pipe(
      ofMessage(OpenStandardMiningChannel),
      handleEach('mining', ({ clientId, message: { requestId } }) => [
        send(
          clientId,
          OpenStandardMiningChannelSuccess({
            requestId,
            channelId: 1,
            target: targetFromDifficulty(1),
            extranoncePrefix: Uint8Array.of(clientId),
            groupChannelId: 2,
          }),
        ),
      ]),
    ),
    share$.pipe(
      handleEach('mining', ({ clientId, message: { channelId, sequenceNumber } }) => [
        send(
          clientId,
          SubmitSharesSuccess({
            channelId,
            lastSequenceNumber: sequenceNumber,
            newSubmitsAcceptedCount: 1,
            newSharesSum: 1n,
          }),
        ),
      ]),
    ),
    share$.pipe(map((_, index) => ({ type: 'SharesCounted' as const, shares: index + 1 }))),
  );
};
