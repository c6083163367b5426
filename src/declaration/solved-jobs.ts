/** The declared jobs that a solution may be for, in bounded memory. */
import { Sv2Error } from '../codec/errors.js';
import { bytesToHex } from '../codec/hex.js';
import type { PushSolution } from '../messages/job-declaration.js';
import { solvedBlock, type DeclaredJob, type ReconstructedBlock } from './declared-job.js';
import type { KnownTransactions } from './known-transactions.js';

/** Declared jobs of a connection that a solution may be for: the last, and those that miners may still work on. */
const JOBS_OF_CLIENT = 3;

/** Hashes of blocks remembered, so that none is submitted twice. */
const BLOCKS_REMEMBERED = 64;

/** See {@link solvedJobs}. */
export interface SolvedJobs {
  /** Keeps a job for its solution, in place of the oldest of its client. */
  add(clientId: number, job: DeclaredJob): void;
  /** A client is gone, and its jobs with it. */
  removeClient(clientId: number): void;
  /** The block that a client's solution makes of one of its jobs, or why it makes none. */
  solve(clientId: number, solution: PushSolution): ReconstructedBlock | string;
  readonly size: number;
}

/**
 * Of each connection the last {@link JOBS_OF_CLIENT} declared jobs, and their transactions with them; when those are more
 * bytes than there may be, jobs are forgotten of whoever has most.
 */
export const solvedJobs = (transactions: KnownTransactions, maxBytes: number): SolvedJobs => {
  const byClient = new Map<number, DeclaredJob[]>();
  const submitted = new Set<string>();

  const forget = (job: DeclaredJob): void => transactions.release(job.transactions);

  return {
    add(clientId, job) {
      const own = byClient.get(clientId) ?? [];
      byClient.set(clientId, own);
      transactions.keep(job.transactions);
      own.push(job);
      if (own.length > JOBS_OF_CLIENT) own.splice(0, 1).forEach(forget);
      while (transactions.bytes > maxBytes) {
        // the last job of the one who just declared it stays
        let most = own.length > 1 ? own : undefined;
        for (const other of byClient.values())
          if (other !== own && other.length > (most?.length ?? 0)) most = other;
        if (most === undefined) return;
        most.splice(0, 1).forEach(forget);
      }
    },
    removeClient(clientId) {
      byClient.get(clientId)?.forEach(forget);
      byClient.delete(clientId);
    },
    solve(clientId, solution) {
      const own = byClient.get(clientId) ?? [];
      let reason = 'no declared job of this connection is known';
      for (const job of own.toReversed()) {
        try {
          const block = solvedBlock(job, solution);
          const hash = bytesToHex(block.hash);
          if (submitted.has(hash)) return 'this block was pushed before';
          submitted.add(hash);
          const [oldest] = submitted;
          if (submitted.size > BLOCKS_REMEMBERED && oldest !== undefined) submitted.delete(oldest);
          return block;
        } catch (error) {
          if (!(error instanceof Sv2Error)) throw error;
          if (job === own.at(-1)) reason = error.message;
        }
      }
      return reason;
    },
    get size() {
      return [...byClient.values()].reduce((sum, { length }) => sum + length, 0);
    },
  };
};
