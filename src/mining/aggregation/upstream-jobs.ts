/** Jobs of an upstream channel, as jobs of the channels that share it. */
import { concatBytes } from '../../bitcoin/consensus-bytes.js';
import { Sv2Error } from '../../codec/errors.js';
import type { ClientChannel } from '../channels/client-channel.js';
import type { ChannelJob, ExtendedJob, ServerJob } from '../work/job.js';
import type { Jobs, JobSource } from '../work/job-distribution.js';
import type { UpstreamRoute } from './upstream-route.js';

/** A job that an upstream server gave an extended channel. */
export interface UpstreamJob extends JobSource {
  /** Where its shares go. */
  readonly route: UpstreamRoute;
  /** As the upstream channel has it. */
  readonly job: ChannelJob<ExtendedJob>;
}

/** Makes jobs of upstream jobs. See {@link upstreamJobs}. */
export interface UpstreamJobs extends Jobs<UpstreamJob> {
  /** What a job was made of. */
  sourceOf(job: ServerJob): UpstreamJob | undefined;
}

/** The most bytes of a field of a coinbase in NewExtendedMiningJob (B0_64K). */
const maxCoinbasePart = 0xffff;

/**
 * The bytes between an upstream's coinbase prefix and the part of the extranonce that channels here have: the upstream's
 * extranonce prefix, and zeros where more can be rolled than is needed.
 *
 * @param localSize bytes of prefix and extranonce of a channel here together; at most `extranonceSize` of the upstream channel
 */
const ahead = (
  extranoncePrefix: Uint8Array,
  { extranonceSize }: Pick<ClientChannel, 'extranonceSize'>,
  localSize: number,
): Uint8Array => concatBytes([extranoncePrefix, new Uint8Array(extranonceSize - localSize)]);

/**
 * Makes jobs of upstream jobs. The upstream's extranonce prefix becomes a part of their coinbase prefix. What a channel here has as its
 * own prefix so depends on no upstream: from one upstream to another it takes no more than another job.
 *
 * Job ids count up from 1 over all upstreams.
 *
 * @param localSize bytes of prefix and extranonce of a channel here together
 */
export const upstreamJobs = (localSize: number): UpstreamJobs => {
  const made = new WeakMap<UpstreamJob, ServerJob>();
  const sources = new WeakMap<ServerJob, UpstreamJob>();
  let lastJobId = 0;

  const make = (source: UpstreamJob): ServerJob => {
    const { job, extranoncePrefix, version, versionRollingAllowed } = source.job;
    const { coinbaseTxPrefix, coinbaseTxSuffix } = job.coinbase;
    const prefix = ahead(extranoncePrefix, source.route.channel, localSize);
    if (coinbaseTxPrefix.length + prefix.length > maxCoinbasePart) {
      throw new Sv2Error(
        'invalid-job',
        `job ${job.jobId} has a coinbase prefix of ${coinbaseTxPrefix.length} bytes, which leaves no room for the extranonce`,
        { jobId: job.jobId },
      );
    }
    const coinbase = { coinbaseTxPrefix: concatBytes([coinbaseTxPrefix, prefix]), coinbaseTxSuffix };
    lastJobId = (lastJobId % 0xffff_ffff) + 1; // 0 is never a job id
    const { merklePath } = job;
    const common = { jobId: lastJobId, version, versionRollingAllowed, merklePath };
    const own: ServerJob = {
      ...common,
      templateId: null,
      payout: null,
      coinbase,
      solutionCoinbase: coinbase,
    };
    sources.set(own, source);
    return own;
  };

  return {
    mayRecur: true,
    of(source) {
      const known = made.get(source);
      if (known !== undefined) return known;
      const job = make(source);
      made.set(source, job);
      return job;
    },
    renewed: (source) => make(source),
    sourceOf: (job) => sources.get(job),
  };
};
