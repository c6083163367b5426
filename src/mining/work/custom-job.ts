import { sameBytes } from '../../bitcoin/consensus-bytes.js';
import { MAX_FUTURE_BLOCK_TIME } from '../../bitcoin/consensus.js';
import { Sv2Error } from '../../codec/errors.js';
import {
  SetCustomMiningJobError,
  SetCustomMiningJobSuccess,
  type SetCustomMiningJob,
} from '../../messages/index.js';
import { chainTipFrom, type ChainTip } from './chain-tip.js';
import type { SetCustomMiningJobErrorCode } from '../error-codes.js';
import type { ServerJob } from './job.js';
import type { Work } from './job-distribution.js';
import type { JobFactory } from './job-factory.js';
import { outputFor } from '../mining-server-output.js';
import type { MiningServerOptions, MiningServerOutput } from '../mining-server-types.js';
import { addCustomJob } from '../channels/server-channel.js';
import { addressed, type ServerClient } from '../channels/server-client.js';

/** A merkle path this long would be that of more transactions than fit a block. */
const MAX_MERKLE_PATH_LENGTH = 24;

/** A custom job that can be mined, or why not. */
export type CustomJobResult =
  | { readonly valid: true; readonly job: ServerJob; readonly tip: ChainTip }
  | { readonly valid: false; readonly errorCode: SetCustomMiningJobErrorCode; readonly reason: string };

/**
 * What answers SetCustomMiningJob for a mining server (spec §5.3.18 to §5.3.20). Sent to a group, the job is for
 * its extended channels.
 */
export const customJobs =
  ({ acceptCustomJob }: MiningServerOptions, work: Work, factory: JobFactory) =>
  (client: ServerClient, message: SetCustomMiningJob, now: number): MiningServerOutput => {
    const { clientId } = client;
    const { channelId, requestId } = message;
    const refuse = (errorCode: SetCustomMiningJobErrorCode, reason: string): MiningServerOutput =>
      refusal(client, message, errorCode, reason);

    if (acceptCustomJob === undefined) return noCustomJobs(client, message);
    if (!client.requiresWorkSelection) {
      return refuse('work-selection-not-negotiated', 'SetupConnection was without REQUIRES_WORK_SELECTION');
    }
    const channels = addressed(client, channelId); // all extended: such a client can open no others
    const [channel] = channels;
    if (channel === undefined) {
      return refuse('invalid-channel-id', `there is no extended channel or group ${channelId}`);
    }
    const fullExtranonceSize = channel.extranoncePrefix.length + channel.extranonceSize;
    const result = customJob(message, work.lastTip ?? null, factory, fullExtranonceSize, now);
    if (!result.valid) return refuse(result.errorCode, result.reason);
    const refused = acceptCustomJob(message, channel, now, work.current?.template ?? null);
    if (typeof refused === 'string') return refuse(refused, 'the pool does not accept the job');
    if (refused !== null) return refuse(refused.errorCode, refused.reason);

    const { job, tip } = result;
    const { jobId } = job;
    for (const member of channels) addCustomJob(member, job, tip);
    return outputFor(
      clientId,
      [SetCustomMiningJobSuccess({ channelId, requestId, jobId })],
      [{ type: 'CustomJobAccepted', clientId, channelId, jobId }],
    );
  };

/** What answers SetCustomMiningJob where no custom jobs are accepted. */
export const noCustomJobs = (client: ServerClient, message: SetCustomMiningJob): MiningServerOutput =>
  refusal(client, message, 'jd-not-supported', 'custom jobs are not accepted here');

const refusal = (
  { clientId }: ServerClient,
  { channelId, requestId }: SetCustomMiningJob,
  errorCode: SetCustomMiningJobErrorCode,
  reason: string,
): MiningServerOutput =>
  outputFor(
    clientId,
    [SetCustomMiningJobError({ channelId, requestId, errorCode })],
    [{ type: 'CustomJobRefused', clientId, channelId, errorCode, reason }],
  );

/**
 * Checks what a pool can tell of a SetCustomMiningJob without knowing what was declared (spec §5.3.18): that it
 * builds on the chain tip, and that its coinbase can be put together. Its own `minNtime` is the lower limit for
 * its shares.
 *
 * @param tip the server's; null before the first SetNewPrevHash
 * @param fullExtranonceSize of the channels it is for
 * @param now milliseconds since 1970
 */
const customJob = (
  message: SetCustomMiningJob,
  tip: ChainTip | null,
  factory: JobFactory,
  fullExtranonceSize: number,
  now: number,
): CustomJobResult => {
  if (tip === null || !sameBytes(message.prevHash, tip.prevHash)) {
    return refused('stale-chain-tip', "the job doesn't build on the chain tip known here");
  }
  if (message.nbits !== tip.nbits) {
    return refused('invalid-nbits', `nbits must be ${tip.nbits}, got ${message.nbits}`);
  }
  const latest = Math.max(Math.floor(now / 1000), tip.minNtime) + MAX_FUTURE_BLOCK_TIME;
  if (message.minNtime > latest) {
    return refused('invalid-min-ntime', `min_ntime must be at most ${latest}, got ${message.minNtime}`);
  }
  if (message.merklePath.length > MAX_MERKLE_PATH_LENGTH) {
    return refused(
      'invalid-merkle-path',
      `the merkle path can have at most ${MAX_MERKLE_PATH_LENGTH} hashes, got ${message.merklePath.length}`,
    );
  }
  try {
    return {
      valid: true,
      job: factory.fromCustomJob(message, fullExtranonceSize),
      tip: chainTipFrom(message, now),
    };
  } catch (error) {
    if (!(error instanceof Sv2Error)) throw error;
    const errorCode =
      error.code === 'bad-cb-length' ? 'invalid-coinbase-prefix' : 'invalid-coinbase-tx-outputs';
    return refused(errorCode, error.message);
  }
};

const refused = (errorCode: SetCustomMiningJobErrorCode, reason: string): CustomJobResult => ({
  valid: false,
  errorCode,
  reason,
});
