import { sameBytes } from '../../bitcoin/consensus-bytes.js';
import { SetNewPrevHash, type Message, type NewTemplate } from '../../messages/index.js';
import { samePrevHash, type ChainTip } from './chain-tip.js';
import type { ServerJob } from './job.js';
import type { PayoutOutputs } from './job-factory.js';
import { MAX_FUTURE_JOBS } from './job-lifetime.js';
import {
  activateChannelJob,
  addChannelJob,
  extendedJobMessage,
  jobMessage,
  retireChannelJobs,
  type ServerChannel,
} from '../channels/server-channel.js';
import type { ServerClient } from '../channels/server-client.js';

/** What jobs are made of: a template, or a job of an upstream server. */
export interface JobSource {
  readonly templateId: bigint;
  /** Whether it is for a tip that is still to come. */
  readonly futureTemplate: boolean;
  /** From which time on its job may be mined, if not from its tip's: seconds since 1970, and when that was learnt of in milliseconds. */
  readonly begins?: Pick<ChainTip, 'minNtime' | 'receivedAt'>;
}

/** What there is to mine: the same for all clients. */
export interface Work<S extends JobSource = NewTemplate> {
  /** The chain tip and the template mined on it; null before the first. */
  current: { readonly tip: ChainTip; readonly template: S } | null;
  /** The last tip; as long as `current` is null there is no template for it, and clients can't be told of it. */
  lastTip?: ChainTip;
  /** The template that the last tip names and that has not come yet. */
  awaited: bigint | null;
  /** Templates for the next tip by their id, the oldest first. */
  readonly future: Map<bigint, S>;
}

/** Keeps a future template; the oldest above {@link MAX_FUTURE_JOBS} is dropped, as channels drop their jobs. */
export const keepFuture = <S extends JobSource>({ future }: Work<S>, template: S): void => {
  future.delete(template.templateId);
  future.set(template.templateId, template);
  for (const oldest of future.keys()) {
    if (future.size <= MAX_FUTURE_JOBS) break;
    future.delete(oldest);
  }
};

/** Makes jobs of templates for the channels of a server. */
export interface Jobs<S extends JobSource = NewTemplate> {
  /** The job of a template that pays this, the same each time; its id is the same whatever it pays. */
  of(template: S, payout: PayoutOutputs | null): ServerJob;
  /** Another job of a template: work that nobody had yet, unless jobs may recur. */
  renewed(template: S, payout: PayoutOutputs | null): ServerJob;
  /** Whether coinbases are made elsewhere, so that the same may come again. */
  readonly mayRecur: boolean;
}

/** The job of some work, by what it is to pay. */
export type JobByPayout = (payout: PayoutOutputs | null) => ServerJob;

/** What a group's jobs pay: the same for all its channels. */
const payoutOfGroup = (members: ReadonlySet<ServerChannel>): PayoutOutputs | null => {
  const [first] = members;
  return first?.payout ?? null;
};

/**
 * Gives each channel of a client its job: by NewMiningJob to each when it requires standard jobs, by one
 * NewExtendedMiningJob for each group otherwise (spec §5.3.15, §5.3.16). Clients that select their own work get none.
 *
 * @param tip null for a future job
 * @returns the messages that tell the client
 */
export const distributeJob = (client: ServerClient, jobOf: JobByPayout, tip: ChainTip | null): Message[] => {
  if (client.requiresWorkSelection) return [];
  const messages: Message[] = [];
  if (client.requiresStandardJobs) {
    for (const channel of client.channels.values())
      messages.push(jobMessage(channel, addChannelJob(channel, jobOf(channel.payout), tip)));
    return messages;
  }
  for (const [groupChannelId, members] of client.groups) {
    const job = jobOf(payoutOfGroup(members));
    for (const channel of members) addChannelJob(channel, job, tip);
    if (tip === null) noteFutureJob(client, groupChannelId, job);
    messages.push(extendedJobMessage(groupChannelId, job, tip));
  }
  return messages;
};

/** Remembers that a group was sent a future job: only then its SetNewPrevHash goes to the group. */
const noteFutureJob = (client: ServerClient, groupChannelId: number, { jobId }: ServerJob): void => {
  let jobIds = client.groupJobs.get(groupChannelId);
  if (jobIds === undefined) client.groupJobs.set(groupChannelId, (jobIds = new Set()));
  jobIds.add(jobId);
  for (const oldest of jobIds) {
    if (jobIds.size <= MAX_FUTURE_JOBS) break;
    jobIds.delete(oldest);
  }
};

/**
 * Sends a new group the future jobs that its channels have from another one, so that job and SetNewPrevHash come
 * by the same id.
 *
 * @returns the messages that tell the client
 */
export const groupFutureJobs = <S extends JobSource>(
  client: ServerClient,
  groupChannelId: number,
  payout: PayoutOutputs | null,
  { future }: Work<S>,
  jobs: Jobs<S>,
): Message[] =>
  client.requiresWorkSelection
    ? []
    : [...future.values()].map((template) => {
        const job = jobs.of(template, payout);
        noteFutureJob(client, groupChannelId, job);
        return extendedJobMessage(groupChannelId, job, null);
      });

/** Whether a channel's target has changed since its job was sent: targets are for jobs to come only (spec §5.3.21). */
export const awaitsJob = (client: ServerClient, { jobs: { active }, target }: ServerChannel): boolean =>
  !client.requiresWorkSelection && active !== null && !sameBytes(active.target, target);

/**
 * Gives a channel another job for its target alone.
 *
 * @returns the message that tells the client
 */
export const renewJob = (channel: ServerChannel, job: ServerJob, tip: ChainTip): Message => {
  channel.renewedAt = tip.receivedAt;
  return jobMessage(channel, addChannelJob(channel, job, tip));
};

/**
 * Makes a future job that was distributed the only one of all channels of a client, by SetNewPrevHash to each
 * channel or group (spec §5.3.17). For clients that select their own work, all jobs become stale.
 *
 * @param jobOf null when there is no job for this tip: then all jobs become stale, and clients hear nothing
 * @param tip null when it makes no sense; then there is no job
 * @returns the messages that tell the client
 */
export const distributePrevHash = (
  client: ServerClient,
  jobOf: JobByPayout | null,
  tip: ChainTip | null,
): Message[] => {
  const { groupJobs } = client;
  client.groupJobs = new Map();
  if (client.requiresWorkSelection || jobOf === null || tip === null) {
    for (const channel of client.channels.values()) retireChannelJobs(channel, tip);
    return [];
  }
  for (const channel of client.channels.values()) activateChannelJob(channel, jobOf(channel.payout), tip);
  if (client.requiresStandardJobs)
    return [...client.channels.values()].map(({ channelId, payout }) =>
      prevHashMessage(channelId, jobOf(payout), tip),
    );
  return [...client.groups].flatMap(([groupChannelId, members]) => {
    const job = jobOf(payoutOfGroup(members));
    // a group whose channels all opened later has this job by their own ids
    const receivers =
      groupJobs.get(groupChannelId)?.has(job.jobId) === true
        ? [groupChannelId]
        : [...members].map(({ channelId }) => channelId);
    return receivers.map((channelId) => prevHashMessage(channelId, job, tip));
  });
};

/**
 * Gives a new channel its first jobs, addressed to itself: what is mined now as a future job and the
 * SetNewPrevHash that activates it (spec §5.3.15: the first job has no min_ntime), then the jobs for the next tip.
 *
 * @param ownJob whether it needs work that no other channel had, as its extranonce prefix was another's a moment ago
 * @returns the messages to send after the channel's opening
 */
export const firstJobs = <S extends JobSource>(
  { requiresWorkSelection }: ServerClient,
  channel: ServerChannel,
  { current, future }: Work<S>,
  jobs: Jobs<S>,
  ownJob: boolean,
): Message[] => {
  if (requiresWorkSelection) return [];
  const messages: Message[] = [];
  if (current !== null) {
    const { tip, template } = current;
    const job = ownJob ? jobs.renewed(template, channel.payout) : jobs.of(template, channel.payout);
    messages.push(jobMessage(channel, addChannelJob(channel, job, null)));
    activateChannelJob(channel, job, tip);
    messages.push(prevHashMessage(channel.channelId, job, tip));
  }
  for (const template of future.values())
    messages.push(jobMessage(channel, addChannelJob(channel, jobs.of(template, channel.payout), null)));
  return messages;
};

/**
 * Gives a client that had other work until now the work that is done here. On the same previous hash late shares for
 * its jobs from before still count.
 *
 * @returns the messages that tell the client
 */
export const movedWork = <S extends JobSource>(
  client: ServerClient,
  { current, future }: Work<S>,
  jobs: Jobs<S>,
): Message[] => {
  client.groupJobs = new Map();
  for (const { jobs: own } of client.channels.values()) own.future.clear();
  if (current === null) return distributePrevHash(client, null, null);
  const { tip, template } = current;
  const jobOf: JobByPayout = (payout) => jobs.of(template, payout);
  const isSame = [...client.channels.values()].every(
    ({ tip: own }) => samePrevHash(own, tip) && own?.nbits === tip.nbits && own.minNtime <= tip.minNtime,
  );
  const now = isSame
    ? distributeJob(client, jobOf, tip)
    : [...distributeJob(client, jobOf, null), ...distributePrevHash(client, jobOf, tip)];
  const next = [...future.values()].flatMap((source) =>
    distributeJob(client, (payout) => jobs.of(source, payout), null),
  );
  return [...now, ...next];
};

const prevHashMessage = (channelId: number, { jobId }: ServerJob, tip: ChainTip): SetNewPrevHash =>
  SetNewPrevHash({ channelId, jobId, prevHash: tip.prevHash, minNtime: tip.minNtime, nbits: tip.nbits });
