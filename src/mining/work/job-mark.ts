import { defaultCrypto, type RandomBytes } from '../../crypto/index.js';

/** Bytes of a mark of {@link jobMarks}: two processes with 1,000 jobs each on one tip share one in 10^9 times. */
export const JOB_MARK_SIZE = 5;

/** Gives the next job its mark: bytes that no other job has, each time as many. */
export type JobMarks = () => Uint8Array;

/**
 * Marks for the coinbases of jobs. A header can be valid for one job alone then, whatever tip comes back and
 * whatever another process was given the same template for: a share cannot count for two jobs.
 *
 * Marks count up from a number of the process's own, so none comes twice within 2^40 jobs.
 *
 * @param randomBytes where that number comes from; the default is Web Crypto
 * @returns marks of {@link JOB_MARK_SIZE} bytes, big-endian
 */
export const jobMarks = (randomBytes: RandomBytes = defaultCrypto.randomBytes): JobMarks => {
  const next = randomBytes(JOB_MARK_SIZE).slice();
  return () => {
    for (let at = next.length - 1; at >= 0; at--) {
      next[at] = (next[at] ?? 0) + 1;
      if (next[at] !== 0) break;
    }
    return next.slice();
  };
};
