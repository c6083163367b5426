/** What becomes of a share that was credited here: where it goes, or why not. */
import { concatBytes } from '../../bitcoin/consensus-bytes.js';
import { meetsTarget } from '../../bitcoin/target.js';
import type { SubmitSharesExtended, SubmitSharesStandard } from '../../messages/mining.js';
import type { ServerChannel } from '../channels/server-channel.js';
import type { ShareAccepted } from '../mining-server-types.js';
import { fullExtranonceOf } from '../shares/share-validation.js';
import { findJob } from '../work/job-lifetime.js';
import { workerNameOf } from '../worker-name.js';
import type { NotForwardedReason } from './mining-proxy-types.js';
import type { ProxyOutput } from './output.js';
import type { UpstreamJobs } from './upstream-jobs.js';

/**
 * Sends a share to the upstream that its job is from, if it meets the target there or is a block.
 *
 * @param channel whose share it is
 * @param accepted as it was credited
 * @param message as it was sent here
 * @param takesWorkerNames whether an upstream does
 * @returns the upstream that it was work for; undefined if that is gone, or has ended the job
 */
export const forwardShare = (
  channel: ServerChannel,
  accepted: ShareAccepted,
  isBlock: boolean,
  message: SubmitSharesStandard | SubmitSharesExtended,
  jobs: UpstreamJobs,
  takesWorkerNames: (upstream: number) => boolean,
  out: ProxyOutput,
): number | undefined => {
  const { clientId, channelId, sequenceNumber, difficulty, userIdentity } = accepted;
  const own = findJob(channel.jobs, accepted.jobId);
  const source = typeof own === 'string' ? undefined : jobs.sourceOf(own.job);
  const keep = (reason: NotForwardedReason): undefined => {
    const upstream = source?.route.upstream ?? null;
    const share = { clientId, channelId, sequenceNumber, difficulty };
    out.tell({ type: 'ShareNotForwarded', ...share, upstream, reason });
    return undefined;
  };
  if (typeof own === 'string' || source === undefined) return keep('upstream-job-ended');
  const { route, job } = source;
  const { upstream } = route;
  const isTaken = findJob(route.channel.jobs, job.jobId) === job;
  if (!isBlock && !meetsTarget(accepted.hash, job.target)) {
    keep('below-upstream-target');
    return route.isOpen && isTaken ? upstream : undefined;
  }
  if (!route.isOpen) return keep('upstream-gone');
  if (!isTaken) return keep('upstream-job-ended');

  const extranonce = message.type === 'SubmitSharesExtended' ? message.extranonce : undefined;
  const local = fullExtranonceOf(own, extranonce);
  const padding = new Uint8Array(route.channel.extranonceSize - local.length);
  const { nonce, ntime, version } = message;
  const share = { jobId: job.jobId, nonce, ntime, version, extranonce: concatBytes([padding, local]) };
  const worker = accepted.worker === '' ? nameIn(userIdentity) : accepted.worker;
  const sent = route.submit(accepted, share, job.target, worker, takesWorkerNames(upstream));
  const upstreamChannelId = route.channel.channelId;
  out.toUpstream(upstream, sent.message);
  out.tell({ type: 'ShareForwarded', upstream, upstreamChannelId, share: sent.share, isBlock });
  if (sent.given.length > 0) {
    const reason = 'too many shares wait for an answer';
    out.tell({ type: 'UpstreamUnanswered', upstream, upstreamChannelId, shares: sent.given, reason });
  }
  return upstream;
};

/** The worker that a user identity names: what comes after the first dot, or all of it. */
const nameIn = (userIdentity: string): string =>
  workerNameOf(userIdentity) ?? workerNameOf(`.${userIdentity}`) ?? '';
