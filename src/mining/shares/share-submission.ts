import { CodecError } from '../../codec/codec-error.js';
import {
  SubmitSharesError,
  SubmitSharesSuccess,
  userIdentityOf,
  type Message,
  type SubmitSharesExtended,
  type SubmitSharesStandard,
} from '../../messages/index.js';
import type { ChannelTargets } from '../difficulty/channel-target.js';
import { outputFor } from '../mining-server-output.js';
import type { SubmitSharesErrorCode } from '../error-codes.js';
import type { MiningServerOutcome, MiningServerOutput } from '../mining-server-types.js';
import { foundBlock, submitShare } from '../channels/server-channel.js';
import type { ServerClient } from '../channels/server-client.js';

/**
 * Answers a share: SubmitShares.Error at once for one that is rejected, SubmitShares.Success when the batch is
 * full or the share is a block, nothing otherwise (spec §5.3.13, §5.3.14).
 *
 * @param now milliseconds since 1970
 * @param targets what the share says about the channel's target is told to them
 */
export const shareSubmission = (
  { clientId, channels }: ServerClient,
  share: SubmitSharesStandard | SubmitSharesExtended,
  now: number,
  targets: ChannelTargets,
): MiningServerOutput => {
  const { channelId, sequenceNumber, jobId } = share;
  const channel = channels.get(channelId);
  const kind = share.type === 'SubmitSharesStandard' ? 'standard' : 'extended';
  if (channel?.kind !== kind) {
    const reason = `there is no ${kind} channel ${channelId}`;
    return rejected(clientId, share, 'invalid-channel-id', reason, channel?.userIdentity ?? null);
  }

  const { userIdentity } = channel;
  let worker: string;
  try {
    worker = userIdentityOf(share) ?? '';
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    channel.shares.reject('invalid-share');
    return rejected(clientId, share, 'invalid-share', error.message, userIdentity);
  }

  const result = submitShare(channel, share, now);
  if (!result.valid) {
    targets.rejected(channel, now);
    return rejected(clientId, share, result.errorCode, result.reason, userIdentity, worker);
  }

  const { hash, difficulty, acknowledgement, job } = result;
  const outcomes: MiningServerOutcome[] = [
    {
      type: 'ShareAccepted',
      clientId,
      channelId,
      userIdentity,
      worker,
      jobId,
      sequenceNumber,
      hash,
      difficulty,
      target: job.target,
    },
  ];
  if (result.isSolution) {
    const type = result.isBlock ? 'BlockFound' : 'WeakBlockFound';
    const sharer = { clientId, channelId, userIdentity, worker, jobId };
    outcomes.push({ type, ...sharer, hash, ...foundBlock(result, share) });
  }
  const messages: Message[] =
    acknowledgement === undefined ? [] : [SubmitSharesSuccess({ channelId, ...acknowledgement })];
  const retargeted = targets.accepted(clientId, channel, difficulty, now);
  for (const { messages: own } of retargeted.messages) messages.push(...own);
  outcomes.push(...retargeted.outcomes);
  return outputFor(clientId, messages, outcomes);
};

const rejected = (
  clientId: number,
  { channelId, sequenceNumber, jobId }: SubmitSharesStandard | SubmitSharesExtended,
  errorCode: SubmitSharesErrorCode,
  reason: string,
  userIdentity: string | null,
  worker = '',
): MiningServerOutput => {
  const who = { clientId, channelId, userIdentity, worker };
  return outputFor(
    clientId,
    [SubmitSharesError({ channelId, sequenceNumber, errorCode })],
    [{ type: 'ShareRejected', ...who, jobId, sequenceNumber, errorCode, reason }],
  );
};
