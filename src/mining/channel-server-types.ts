/** What a channel server is made of, and what it does. */
import type { SetCustomMiningJob } from '../messages/index.js';
import type { ServerClient } from './channels/server-client.js';
import type { MiningServer, MiningServerOptions, MiningServerOutput } from './mining-server-types.js';
import type { JobFactoryOptions } from './work/job-factory.js';
import type { Jobs, JobSource, Work } from './work/job-distribution.js';
import type { WorkIntake } from './work/work-intake.js';

/** Where a `channelServer` gets its work. */
export interface ServerWork<S extends JobSource> {
  readonly jobs: Jobs<S>;
  /** What answers SetCustomMiningJob. */
  readonly customJobs: (
    work: Work<S>,
  ) => (client: ServerClient, message: SetCustomMiningJob, now: number) => MiningServerOutput;
  /** Whether targets are held to the network's; otherwise to what `setHardestTarget` was told. */
  readonly followsNetwork: boolean;
}

/** A mining server whatever its jobs are made of. */
export type ChannelServer<S extends JobSource> = Omit<MiningServer, 'newTemplate'> &
  Pick<WorkIntake<S>, 'newTemplate' | 'endWork'> & {
    /** See `ChannelTargets.setHardest`. */
    setHardestTarget(target: Uint8Array, now: number): MiningServerOutput;
    /** A client and its channels, as they are; live. */
    client(clientId: number): ServerClient | undefined;
    /** Lets a client go with its channels open. */
    release(client: ServerClient): void;
    /** Takes a client that another server of the same extranonce allocator has let go, and gives it the work that is done here. */
    adopt(client: ServerClient, now: number): MiningServerOutput;
  };

/** Options of a `channelServer`. */
export type ChannelServerOptions = Omit<MiningServerOptions, keyof JobFactoryOptions | 'acceptCustomJob'> &
  Pick<MiningServerOptions, 'versionRollingAllowed'>;
