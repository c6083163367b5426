import { CodecError } from '../../codec/codec-error.js';
import {
  SubmitSharesError,
  SubmitSharesSuccess,
  type Message,
  type SubmitSharesExtended,
  type SubmitSharesStandard,
} from '../../messages/index.js';
import type { ChannelTargets } from '../difficulty/channel-target.js';
import { outputFor } from '../mining-server-output.js';
import type { SubmitSharesErrorCode } from '../error-codes.js';
import type { MiningServerOutcome, MiningServerOutput } from '../mining-server-types.js';
import { channelOwner, shareOwner, type ShareOwner, type UnknownOwner } from './share-owner.js';
import { foundBlock, submitShare } from '../channels/server-channel.js';
import type { ServerClient } from '../channels/server-client.js';

/**
 * Answers a share: SubmitShares.Error at once for one that is rejected, SubmitShares.Success when the batch is
 * full or the share is a block, nothing otherwise (spec §5.3.13, §5.3.14).
 *
 * @param now milliseconds since 1970
 * @param targets what the share says about the channel's target is told to them
 * @param refusal why shares are stale whatever they are; null if they are not
 */
export const shareSubmission = (
  { clientId, channels }: ServerClient,
  share: SubmitSharesStandard | SubmitSharesExtended,
  now: number,
  targets: ChannelTargets,
  refusal: string | null,
): MiningServerOutput => {
  const { channelId, sequenceNumber, jobId } = share;
  const channel = channels.get(channelId);
  const kind = share.type === 'SubmitSharesStandard' ? 'standard' : 'extended';
  if (channel?.kind !== kind) {
    const reason = `there is no ${kind} channel ${channelId}`;
    return rejected(clientId, share, 'invalid-channel-id', reason, channelOwner(channel));
  }

  let owner: ShareOwner;
  try {
    owner = shareOwner(channel, share);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    channel.shares.reject('invalid-share');
    return rejected(clientId, share, 'invalid-share', error.message, channelOwner(channel));
  }

  if (refusal !== null) {
    channel.shares.reject('stale-share');
    targets.rejected(channel, now);
    return rejected(clientId, share, 'stale-share', refusal, owner);
  }
  const result = submitShare(channel, share, now);
  if (!result.valid) {
    targets.rejected(channel, now);
    return rejected(clientId, share, result.errorCode, result.reason, owner);
  }

  const { userIdentity, worker } = owner;
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
    const ofShare = { clientId, channelId, userIdentity, worker, jobId };
    outcomes.push({ type, ...ofShare, hash, ...foundBlock(result, share) });
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
  owner: ShareOwner | UnknownOwner,
): MiningServerOutput =>
  outputFor(
    clientId,
    [SubmitSharesError({ channelId, sequenceNumber, errorCode })],
    [{ type: 'ShareRejected', clientId, channelId, ...owner, jobId, sequenceNumber, errorCode, reason }],
  );
