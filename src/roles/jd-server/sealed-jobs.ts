/** For a pool whose declaration server is another process: custom jobs are judged by their sealed tokens. */
import { decodeBip34Height } from '../../bitcoin/script.js';
import type { CustomJobChannel } from '../../declaration/job-declarator-types.js';
import { sealedCustomJobs, type SealedCustomJobsOptions } from '../../declaration/sealed-custom-jobs.js';
import type { ServerChannel } from '../../mining/channels/server-channel.js';
import type { MiningServerOptions } from '../../mining/mining-server-types.js';

/** What `PoolOptions.acceptCustomJob` is: one function for each pool, as it remembers which tokens were used. */
export type AcceptCustomJob = NonNullable<MiningServerOptions['acceptCustomJob']>;

/** A channel as declarators know it. */
export const customJobChannel = ({
  userIdentity,
  extranoncePrefix,
  extranonceSize,
}: ServerChannel): CustomJobChannel => ({
  userIdentity,
  fullExtranonceSize: extranoncePrefix.length + extranonceSize,
});

/**
 * Judges a pool's custom jobs by their tokens, which a declaration server elsewhere has sealed (`JobDeclarationServerOptions.seal`).
 * The blocks found on them come from their clients: by PushSolution to that server, and to their own nodes.
 */
export const acceptSealedJobs = (options: SealedCustomJobsOptions): AcceptCustomJob => {
  const jobs = sealedCustomJobs(options);
  return (job, channel, now, template) =>
    jobs.judge(
      job,
      customJobChannel(channel),
      template === null ? null : decodeBip34Height(template.coinbasePrefix),
      now,
    );
};
