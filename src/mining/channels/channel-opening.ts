import { Sv2Error } from '../../codec/errors.js';
import {
  OpenExtendedMiningChannelSuccess,
  OpenMiningChannelError,
  OpenStandardMiningChannelSuccess,
  type OpenExtendedMiningChannel,
  type OpenStandardMiningChannel,
} from '../../messages/index.js';
import type { OpenMiningChannelErrorCode } from '../error-codes.js';
import { firstJobs, type JobOf, type Work } from '../work/job-distribution.js';
import { outputFor } from '../mining-server-output.js';
import type { MiningServerOptions, MiningServerOutput } from '../mining-server-types.js';
import type { ChannelCount } from './channel-limits.js';
import { serverChannel, targetFor, type TargetPolicy } from './server-channel.js';
import { addChannel, groupForNewChannel, nextId, type ServerClient } from './server-client.js';

type OpenChannel = OpenStandardMiningChannel | OpenExtendedMiningChannel;

/** What opens channels for a mining server (spec §5.3.2 to §5.3.6). */
export const channelOpening = (
  options: MiningServerOptions,
  targetPolicy: TargetPolicy,
  work: Work,
  jobOf: JobOf,
  count: ChannelCount,
) => {
  const { extranonce, shareBatchSize, isKnownUser = () => true } = options;

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

  const allocate = (request: OpenChannel) => {
    try {
      return request.type === 'OpenStandardMiningChannel'
        ? { extranoncePrefix: extranonce.allocateStandard(), extranonceSize: 0 }
        : extranonce.allocateExtended(request.minExtranonceSize);
    } catch (error) {
      if (!(error instanceof Sv2Error)) throw error;
      if (error.code === 'min-extranonce-size-too-large') return error.code;
      if (error.code === 'extranonce-space-exhausted') return 'too-many-channels';
      throw error;
    }
  };

  /** Opens a channel, gives it its first jobs; or says why not. */
  return (client: ServerClient, request: OpenChannel): MiningServerOutput => {
    const { clientId } = client;
    const { requestId, userIdentity, nominalHashRate } = request;
    const refuse = (errorCode: OpenMiningChannelErrorCode): MiningServerOutput =>
      outputFor(
        clientId,
        [OpenMiningChannelError({ requestId, errorCode })],
        [{ type: 'ChannelRefused', clientId, userIdentity, errorCode }],
      );

    const errorCode = refusal(client, request);
    if (errorCode !== null) return refuse(errorCode);
    const target = targetFor(nominalHashRate, request.maxTarget, targetPolicy);
    if (typeof target === 'string') return refuse(target);
    const space = allocate(request);
    if (typeof space === 'string') return refuse(space);

    const groupChannelId = groupForNewChannel(client);
    const channelId = nextId(client);
    const channel = serverChannel(request, { channelId, groupChannelId, target, shareBatchSize, ...space });
    addChannel(client, channel);
    count.opened(client);

    const { kind } = channel;
    const { extranoncePrefix, extranonceSize } = space;
    const opened = { requestId, channelId, target, extranoncePrefix, groupChannelId };
    return outputFor(
      clientId,
      [
        kind === 'standard'
          ? OpenStandardMiningChannelSuccess(opened)
          : OpenExtendedMiningChannelSuccess({ ...opened, extranonceSize }),
        ...firstJobs(client, channel, work, jobOf),
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
