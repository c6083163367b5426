/** Jobs that ended while a block of theirs still waits for an answer: a block is its own tip's end. */
import type { ClientJob } from './client-job.js';
import type { ClientRequests, RequestKind } from './client-requests.js';
import type { ChainTip } from '../mining/work/chain-tip.js';

/** Such jobs that are kept; of more the oldest are left out. */
const JOBS_KEPT = 16;

/** See {@link clientEnded}. */
export interface ClientEnded {
  /** A job has ended: of its requests those stay whose answers its blocks wait for. */
  add(job: ClientJob): void;
  /** There is another tip: what waits for blocks that are older than that of the one before is forgotten. */
  newTip(before: ChainTip | undefined): void;
  /** Those that are kept. */
  readonly jobs: readonly ClientJob[];
}

/**
 * Nothing of jobs that ended is waited for but what gets their blocks to the declarator and, whole, to nodes.
 * @param lost told of those whose blocks are given up
 */
export const clientEnded = (requests: ClientRequests, lost: (job: ClientJob) => void): ClientEnded => {
  let ended: readonly ClientJob[] = [];
  const forget = (job: ClientJob): void => {
    requests.forget(job);
    lost(job);
  };
  return {
    add(job) {
      const waited: RequestKind[] = [];
      if (job.unpushed.length > 0) waited.push('declaration');
      if (job.unjoined.length > 0) waited.push('data');
      requests.forget(job, waited);
      if (waited.length === 0) return;
      ended.slice(0, Math.max(0, ended.length + 1 - JOBS_KEPT)).forEach(forget);
      ended = [...ended, job].slice(-JOBS_KEPT);
    },
    newTip(before) {
      ended.filter(({ tip }) => tip !== before).forEach(forget);
      ended = ended.filter(({ tip }) => tip === before);
    },
    get jobs() {
      return ended;
    },
  };
};
