import { describe, expect, it } from '@jest/globals';
import type { ChainTip } from '../../../src/mining/work/chain-tip.js';
import type { ChannelJob } from '../../../src/mining/work/job.js';
import {
  activateJob,
  addActiveJob,
  addFutureJob,
  findJob,
  isPrefixInUse,
  jobStore,
  MAX_FUTURE_JOBS,
  MAX_PAST_JOBS,
  retireJobs,
} from '../../../src/mining/work/job-lifetime.js';
import { hash, HARD_NBITS, NOW, NTIME } from '../support.js';

const tip: ChainTip = {
  prevHash: hash(1),
  minNtime: NTIME,
  nbits: HARD_NBITS,
  networkTarget: hash(2),
  solutionTarget: hash(2),
  receivedAt: NOW,
};
const job = (jobId: number, at: ChainTip | null = tip, prefix = 0): ChannelJob => ({
  jobId,
  version: 1,
  versionRollingAllowed: true,
  job: null,
  extranoncePrefix: Uint8Array.of(prefix),
  merkleRoot: hash(jobId),
  target: hash(3),
  tip: at,
});

describe('job store', () => {
  it('keeps the job before the active one as a past job', () => {
    const store = jobStore();
    addActiveJob(store, job(1));
    addActiveJob(store, job(2));
    expect(store.active?.jobId).toBe(2);
    expect(findJob(store, 1)).toMatchObject({ jobId: 1 });
    expect(findJob(store, 2)).toBe(store.active);
    expect(findJob(store, 3)).toBe('unknown');
  });

  it('does not find future jobs for shares', () => {
    const store = jobStore();
    addFutureJob(store, job(1, null));
    expect(findJob(store, 1)).toBe('unknown');
  });

  it('activates a future job with the tip and target of that time, and retires all others', () => {
    const store = jobStore();
    addActiveJob(store, job(1));
    addActiveJob(store, job(2));
    addFutureJob(store, job(3, null));
    addFutureJob(store, job(4, null));
    const next = { ...tip, prevHash: hash(50) };
    const activated = activateJob(store, 4, next, hash(51));
    expect(activated).toBe(store.active);
    expect(activated).toMatchObject({ jobId: 4, tip: next, target: hash(51) });
    expect([1, 2, 3].map((jobId) => findJob(store, jobId))).toEqual(['stale', 'stale', 'unknown']);
    expect(store.future.size).toBe(0);
    expect(store.past.size).toBe(0);
  });

  it('changes nothing when it is to activate a job that is not there', () => {
    const store = jobStore();
    addActiveJob(store, job(1));
    addFutureJob(store, job(2, null));
    expect(activateJob(store, 7, tip, hash(51))).toBeNull();
    expect(store.active?.jobId).toBe(1);
    expect(store.future.has(2)).toBe(true);
  });

  it('forgets stale jobs at the next tip but one', () => {
    const store = jobStore();
    addActiveJob(store, job(1));
    retireJobs(store);
    expect(findJob(store, 1)).toBe('stale');
    addActiveJob(store, job(2));
    retireJobs(store);
    expect(findJob(store, 1)).toBe('unknown');
    expect(findJob(store, 2)).toBe('stale');
  });

  it('is bounded, whatever comes in', () => {
    const store = jobStore();
    for (let jobId = 1; jobId <= 1000; jobId++) {
      addActiveJob(store, job(jobId));
      addFutureJob(store, job(10_000 + jobId, null));
      expect(store.future.size).toBeLessThanOrEqual(MAX_FUTURE_JOBS);
      expect(store.past.size).toBeLessThanOrEqual(MAX_PAST_JOBS);
    }
    // the newest are the ones kept
    expect([...store.future.keys()][0]).toBe(11_000 - MAX_FUTURE_JOBS + 1);
    expect(findJob(store, 1000 - MAX_PAST_JOBS)).toMatchObject({ jobId: 1000 - MAX_PAST_JOBS });
    expect(findJob(store, 1000 - MAX_PAST_JOBS - 1)).toBe('unknown');
    retireJobs(store);
    expect(store.stale.size).toBe(MAX_PAST_JOBS + 1);
    expect(findJob(store, 1000)).toBe('stale');
  });

  it('replaces a job of the same id', () => {
    const store = jobStore();
    addFutureJob(store, job(1, null, 1));
    addFutureJob(store, job(1, null, 2));
    expect(store.future.size).toBe(1);
    expect(store.future.get(1)?.extranoncePrefix).toEqual(Uint8Array.of(2));
  });

  it('knows which prefixes shares may still come with', () => {
    const store = jobStore();
    addActiveJob(store, job(1, tip, 1));
    addActiveJob(store, job(2, tip, 2));
    addFutureJob(store, job(3, null, 3));
    const inUse = () => [1, 2, 3, 4].map((prefix) => isPrefixInUse(store, Uint8Array.of(prefix)));
    expect(inUse()).toEqual([true, true, true, false]);
    activateJob(store, 3, tip, hash(3));
    expect(inUse()).toEqual([false, false, true, false]);
  });
});
