import { Sv2Error } from '../../codec/errors.js';
import {
  OpenExtendedMiningChannelSuccess,
  OpenMiningChannelError,
  OpenStandardMiningChannelSuccess,
  type OpenExtendedMiningChannel,
  type OpenStandardMiningChannel,
} from '../../messages/index.js';
import type { OpenMiningChannelErrorCode } from '../error-codes.js';
import { firstJobs, type Jobs, type JobSource, type Work } from '../work/job-distribution.js';
import { outputFor } from '../mining-server-output.js';
import type { MiningServerOptions, MiningServerOutput } from '../mining-server-types.js';
import type { ChannelCount } from './channel-limits.js';
import { refusedTarget, type ChannelTargets } from '../difficulty/channel-target.js';
import { serverChannel } from './server-channel.js';
import { addChannel, groupForNewChannel, nextId, type ServerClient } from './server-client.js';

type OpenChannel = OpenStandardMiningChannel | OpenExtendedMiningChannel;

/** A channel's part of the extranonce space. */
interface Space {
  readonly extranoncePrefix: Uint8Array;
  readonly extranonceSize: number;
  /** Whether another channel had it on a previous hash that may still be valid. */
  readonly wasUsed: boolean;
}

/** What opens channels for a mining server (spec §5.3.2 to §5.3.6). */
export const channelOpening = <S extends JobSource>(
  options: Pick<
    MiningServerOptions,
    'extranonce' | 'shareBatchSize' | 'isKnownUser' | 'payoutOf' | 'alreadySeen'
  >,
  targets: ChannelTargets,
  work: Work<S>,
  jobs: Jobs<S>,
  count: ChannelCount,
) => {
  const { extranonce, shareBatchSize, alreadySeen, payoutOf, isKnownUser = () => true } = options;

  /** Why a client can't have a channel whatever there is room for. */
  const refusal = (
    client: ServerClient,
    { type, userIdentity }: OpenChannel,
  ): OpenMiningChannelErrorCode | null => {
    if (!isKnownUser(userIdentity)) return 'unknown-user';
    if (type === 'OpenStandardMiningChannel') {
      if (client.requiresWorkSelection) return 'standard-channels-not-supported-for-custom-work';
    } else if (client.requiresStandardJobs) return 'extended-channels-not-supported-for-standard-jobs';
    return count.hasRoom(client) ? null : 'too-many-channels';
  };

  /** Room in the extranonce space, at best one that no channel had on a recent previous hash. */
  const allocate = (client: ServerClient, request: OpenChannel): Space | OpenMiningChannelErrorCode => {
    const take = (takesResting: boolean) =>
      request.type === 'OpenStandardMiningChannel'
        ? { extranoncePrefix: extranonce.allocateStandard(takesResting), extranonceSize: 0 }
        : extranonce.allocateExtended(request.minExtranonceSize, takesResting);
    try {
      return { ...take(false), wasUsed: false };
    } catch (error) {
      const errorCode = allocationError(error);
      // whoever else makes the coinbases could make the same again
      const isElsewhere = jobs.mayRecur || client.requiresWorkSelection;
      if (errorCode !== 'channel-capacity-exhausted' || isElsewhere) return errorCode;
    }
    try {
      return { ...take(true), wasUsed: true };
    } catch (error) {
      return allocationError(error);
    }
  };

  /** Opens a channel, gives it its first jobs; or says why not. */
  return (client: ServerClient, request: OpenChannel, now: number): MiningServerOutput => {
    const { clientId } = client;
    const { requestId, userIdentity, nominalHashRate } = request;
    const refuse = (errorCode: OpenMiningChannelErrorCode, reason?: string): MiningServerOutput =>
      outputFor(
        clientId,
        [OpenMiningChannelError({ requestId, errorCode })],
        [
          {
            type: 'ChannelRefused',
            clientId,
            userIdentity,
            errorCode,
            ...(reason === undefined ? {} : { reason }),
          },
        ],
      );

    const errorCode = refusal(client, request);
    if (errorCode !== null) return refuse(errorCode);
    const refused = refusedTarget(nominalHashRate, request.maxTarget);
    if (refused !== null) return refuse(refused);
    const payout = payoutOf?.(userIdentity, clientId) ?? null;
    if (typeof payout === 'object' && payout !== null) return refuse('unknown-user', payout.reason);
    const space = allocate(client, request);
    if (typeof space === 'string') return refuse(space);

    const groupChannelId = groupForNewChannel(client, payout);
    const channelId = nextId(client);
    const { extranoncePrefix, extranonceSize, wasUsed } = space;
    const channel = serverChannel(request, {
      channelId,
      groupChannelId,
      payout,
      vardiff: targets.open(request, now),
      shareBatchSize,
      alreadySeen,
      extranoncePrefix,
      extranonceSize,
      jobsMayRecur: jobs.mayRecur,
    });
    addChannel(client, channel);
    count.opened(client);

    const { kind, target } = channel;
    const opened = { requestId, channelId, target, extranoncePrefix, groupChannelId };
    return outputFor(
      clientId,
      [
        kind === 'standard'
          ? OpenStandardMiningChannelSuccess(opened)
          : OpenExtendedMiningChannelSuccess({ ...opened, extranonceSize }),
        ...firstJobs(client, channel, work, jobs, wasUsed),
      ],
      [
        {
          type: 'ChannelOpened',
          clientId,
          channelId,
          kind,
          userIdentity,
          nominalHashRate,
          target,
          maxTarget: channel.maxTarget,
        },
      ],
    );
  };
};

/** The wire's code for what an allocator threw. */
const allocationError = (error: unknown): OpenMiningChannelErrorCode => {
  if (error instanceof Sv2Error) {
    if (error.code === 'min-extranonce-size-too-large') return error.code;
    if (error.code === 'extranonce-space-exhausted') return 'channel-capacity-exhausted';
  }
  throw error;
};
