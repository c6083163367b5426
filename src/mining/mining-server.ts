import type { NewTemplate } from '../messages/index.js';
import { channelServer } from './channel-server.js';
import type { MiningServer, MiningServerOptions } from './mining-server-types.js';
import { customJobs } from './work/custom-job.js';
import { jobFactory } from './work/job-factory.js';
import { jobMarks } from './work/job-mark.js';

/**
 * A mining server (spec chapter 5) without its connections: it takes what clients send, and templates, and says
 * what to send to whom and what happened. It does no I/O, reads no clock and throws only at its caller; whatever
 * a client sends is answered.
 *
 * Routine operation sends nothing that firmware in the field ignores. What Bitaxe's has no case for, and what that
 * costs (its components/stratum_v2/include/sv2_protocol.h at 0734812: it reads 0x00 to 0x02, 0x10 to 0x15, 0x1a to 0x1d,
 * 0x1f to 0x21, and builds neither UpdateChannel nor SetCustomMiningJob, hence the last two rows):
 *
 * | message                        | sent                              | who ignores it                               |
 * |--------------------------------|-----------------------------------|----------------------------------------------|
 * | SetExtranoncePrefix            | only by `setExtranoncePrefix`     | goes on with the old prefix, all is rejected |
 * | SetGroupChannel                | only by `setGroupChannel`         | misses jobs: not for one that has one channel |
 * | CloseChannel                   | only by `closeChannel`            | goes on into `invalid-channel-id`: disconnect it |
 * | UpdateChannel.Error            | to an UpdateChannel               | sends none                                   |
 * | SetCustomMiningJob.Success, .Error | to a SetCustomMiningJob       | sends none                                   |
 *
 * All channels that pay the same (`payoutOf`) share the jobs made from a template and, of one client, a group, so a job costs
 * one coinbase for each payout however many channels there are, and a merkle root for each channel that must be told one.
 *
 * @throws Sv2Error `invalid-shares-per-minute`, `invalid-hashrate` for `minHashrate`, `out-of-range` for `shareBatchSize`
 */
export const miningServer = (options: MiningServerOptions): MiningServer => {
  const { size } = options.extranonce;
  const factory = jobFactory({ marks: jobMarks(), ...options });
  return channelServer<NewTemplate>(options, {
    jobs: {
      of: (template, payout) => factory.fromTemplate(template, size, payout),
      renewed: (template, payout) => factory.renewed(template, size, payout),
      mayRecur: false,
    },
    customJobs: (work) => customJobs(options, work, factory),
    followsNetwork: true,
  });
};
