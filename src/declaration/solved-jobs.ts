/** The declared jobs that a solution may be for, in bounded memory. */
import { sameBytes } from '../bitcoin/consensus-bytes.js';
import { Sv2Error } from '../codec/errors.js';
import { bytesToHex } from '../codec/hex.js';
import type { PushSolution } from '../messages/job-declaration.js';
import { customJobBlock, solvedBlock, type CustomBlock, type DeclaredBlock } from './declared-block.js';
import type { DeclaredJob } from './declared-job.js';
import type { KnownTransactions } from './known-transactions.js';

/** Declared jobs of a connection that a solution may be for: as many as a pool takes shares for on one tip. */
const JOBS_OF_CLIENT = 16;

/** Jobs kept of connections that are gone: their miners may still work on them. */
const JOBS_OF_GONE = 64;

/** Hashes of blocks remembered, so that none is submitted twice. */
const BLOCKS_REMEMBERED = 64;

/** Why a solution makes no block that is to be submitted. */
export type Unsolved =
  | { readonly type: 'refused'; readonly reason: string }
  /** The other side was faster: client or pool. */
  | { readonly type: 'known'; readonly hash: Uint8Array; readonly height: number };

/** See {@link solvedJobs}. */
export interface SolvedJobs {
  /** Keeps a job for its solution, in place of the oldest of its client. */
  add(clientId: number, job: DeclaredJob): void;
  /** A client is gone. What its miners still find is the pool's to submit, until the tip changes. */
  removeClient(clientId: number): void;
  /** The chain has this tip now. @param prevHash 32 bytes in wire order */
  setTip(prevHash: Uint8Array): void;
  /** What a client's solution makes of one of its jobs. */
  solve(clientId: number, solution: PushSolution): DeclaredBlock | Unsolved;
  /** What a block makes that the pool's miner found on a custom job. */
  solveCustom(block: CustomBlock): DeclaredBlock | Unsolved;
  readonly size: number;
}

/**
 * Of each connection the last {@link JOBS_OF_CLIENT} declared jobs, and their transactions with them, and of those that are
 * gone {@link JOBS_OF_GONE} in all; when they are more bytes than there may be, jobs are forgotten of those that are gone
 * first, then of whoever has most.
 */
export const solvedJobs = (transactions: KnownTransactions, maxBytes: number): SolvedJobs => {
  const byClient = new Map<number, DeclaredJob[]>();
  let gone: DeclaredJob[] = [];
  /** Who has brought a block: a client by its id, or the pool. */
  const submitted = new Map<string, Set<number | 'pool'>>();

  const forget = (job: DeclaredJob): void => transactions.release(job.transactions);

  /** Whether a block is to be submitted: its first time. */
  const once = (block: DeclaredBlock, by: number | 'pool'): DeclaredBlock | Unsolved => {
    const key = bytesToHex(block.hash);
    const before = submitted.get(key);
    if (before?.has(by) === true) return { type: 'refused', reason: 'this block was pushed before' };
    if (before !== undefined) {
      before.add(by);
      return { type: 'known', hash: block.hash, height: block.height };
    }
    submitted.set(key, new Set([by]));
    const [oldest] = submitted.keys();
    if (submitted.size > BLOCKS_REMEMBERED && oldest !== undefined) submitted.delete(oldest);
    return block;
  };

  return {
    add(clientId, job) {
      const own = byClient.get(clientId) ?? [];
      byClient.set(clientId, own);
      transactions.keep(job.transactions);
      own.push(job);
      if (own.length > JOBS_OF_CLIENT) own.splice(0, 1).forEach(forget);
      while (transactions.bytes > maxBytes) {
        // the last job of the one who just declared it stays
        let most = gone.length > 0 ? gone : own.length > 1 ? own : undefined;
        if (most !== gone) {
          for (const other of byClient.values())
            if (other !== own && other.length > (most?.length ?? 0)) most = other;
        }
        if (most === undefined) return;
        most.splice(0, 1).forEach(forget);
      }
    },
    removeClient(clientId) {
      gone.push(...(byClient.get(clientId) ?? []));
      byClient.delete(clientId);
      gone.splice(0, Math.max(0, gone.length - JOBS_OF_GONE)).forEach(forget);
    },
    setTip(prevHash) {
      const isOld = ({ terms }: DeclaredJob) => !sameBytes(terms.tip.prevHash, prevHash);
      gone.filter(isOld).forEach(forget);
      gone = gone.filter((job) => !isOld(job));
    },
    solve(clientId, solution) {
      const own = byClient.get(clientId) ?? [];
      let reason = 'no declared job of this connection is known';
      for (const job of own.toReversed()) {
        try {
          return once(solvedBlock(job, solution), clientId);
        } catch (error) {
          if (!(error instanceof Sv2Error)) throw error;
          if (job === own.at(-1)) reason = error.message;
        }
      }
      return { type: 'refused', reason };
    },
    solveCustom(block) {
      for (const jobs of [...byClient.values(), gone]) {
        for (const job of jobs) {
          const solved = customJobBlock(job, block);
          if (solved !== undefined) return once(solved, 'pool');
        }
      }
      return { type: 'refused', reason: 'no declared job that is known has this coinbase' };
    },
    get size() {
      return [...byClient.values()].reduce((sum, { length }) => sum + length, gone.length);
    },
  };
};
