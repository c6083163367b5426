import { sameBytes } from '../../bitcoin/consensus-bytes.js';
import type { ChainTip } from './chain-tip.js';
import type { ChannelJob } from './job.js';

/** Future jobs kept for a channel, as in the reference implementation; the oldest goes first. */
export const MAX_FUTURE_JOBS = 16;
/**
 * Past jobs whose late shares still count, per channel, as in the reference implementation; the oldest goes first.
 * At a template every 30 seconds it is 8 minutes old.
 */
export const MAX_PAST_JOBS = 16;

/**
 * The jobs of one channel: future ones wait for their previous hash, one is mined, past ones build on the
 * same previous hash and their late shares still count, stale ones are those of the previous hash before and
 * remembered by id only. All four are bounded.
 */
export interface JobStore<Job extends ChannelJob = ChannelJob> {
  /** By job id, the oldest first. */
  readonly future: Map<number, Job>;
  active: Job | null;
  /** By job id, the oldest first. */
  readonly past: Map<number, Job>;
  /** Job ids. */
  readonly stale: Set<number>;
}

/** A store without jobs. */
export const jobStore = <Job extends ChannelJob>(): JobStore<Job> => ({
  future: new Map(),
  active: null,
  past: new Map(),
  stale: new Set(),
});

/**
 * Keeps a job whose `tip` is null until {@link activateJob}. One with the same id is replaced; above
 * {@link MAX_FUTURE_JOBS} the oldest is dropped.
 */
export const addFutureJob = <Job extends ChannelJob>(store: JobStore<Job>, job: Job): void => {
  store.future.delete(job.jobId);
  store.future.set(job.jobId, job);
  dropOldest(store.future, MAX_FUTURE_JOBS);
};

/** Makes a job the active one on the previous hash it has as `tip`; the one before becomes a past job. */
export const addActiveJob = <Job extends ChannelJob>(store: JobStore<Job>, job: Job): void => {
  deactivate(store);
  store.past.delete(job.jobId);
  store.stale.delete(job.jobId);
  store.active = job;
};

/**
 * Makes a future job the active one (spec §5.3.17): all other jobs become invalid, the other future jobs
 * are forgotten.
 *
 * @param tip what it builds on from now on
 * @param target the channel's current one
 * @returns the job, or null when there is no such future job; nothing has changed then
 */
export const activateJob = <Job extends ChannelJob>(
  store: JobStore<Job>,
  jobId: number,
  tip: ChainTip,
  target: Uint8Array,
): Job | null => {
  const job = store.future.get(jobId);
  if (job === undefined) return null;
  retireJobs(store);
  job.tip = tip;
  job.target = target;
  store.active = job;
  return job;
};

/** Makes every job stale and forgets the future ones: the previous hash has changed. */
export const retireJobs = (store: JobStore): void => {
  store.stale.clear();
  if (store.active !== null) store.stale.add(store.active.jobId);
  for (const jobId of store.past.keys()) store.stale.add(jobId);
  store.active = null;
  store.future.clear();
  store.past.clear();
};

/**
 * The job that a share is for.
 *
 * @returns the active or a past job; `stale` for one that the last change of the previous hash retired; `unknown`
 *   for everything else: older ones, evicted ones, future ones
 */
export const findJob = <Job extends ChannelJob>(
  store: JobStore<Job>,
  jobId: number,
): Job | 'stale' | 'unknown' => {
  if (store.active?.jobId === jobId) return store.active;
  return store.past.get(jobId) ?? (store.stale.has(jobId) ? 'stale' : 'unknown');
};

/** Whether a share may still come with this extranonce prefix, so that no other channel may have it yet. */
export const isPrefixInUse = (store: JobStore, extranoncePrefix: Uint8Array): boolean => {
  const uses = (job: ChannelJob): boolean => sameBytes(job.extranoncePrefix, extranoncePrefix);
  return (
    (store.active !== null && uses(store.active)) ||
    [...store.past.values()].some(uses) ||
    [...store.future.values()].some(uses)
  );
};

const deactivate = (store: JobStore): void => {
  if (store.active === null) return;
  store.past.set(store.active.jobId, store.active);
  store.active = null;
  dropOldest(store.past, MAX_PAST_JOBS);
};

/** Drops what was inserted first (a Map keeps that order) down to the limit. */
const dropOldest = (jobs: Map<number, unknown>, limit: number): void => {
  for (const jobId of jobs.keys()) {
    if (jobs.size <= limit) return;
    jobs.delete(jobId);
  }
};
