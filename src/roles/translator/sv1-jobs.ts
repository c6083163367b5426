/** The jobs that one miner of Stratum V1 was told, and what its shares for them are. */
import { concatBytes } from '../../bitcoin/consensus-bytes.js';
import { meetsTarget } from '../../bitcoin/target.js';
import { seenShares } from '../../mining/shares/seen-shares.js';
import { validateShare, type Share } from '../../mining/shares/share-validation.js';
import { ntimeAt } from '../../mining/work/chain-tip.js';
import type { ChannelJob } from '../../mining/work/job.js';
import { findJob, type JobStore } from '../../mining/work/job-lifetime.js';
import {
  duplicateShare,
  jobNotFound,
  lowDifficulty,
  otherError,
  type StratumError,
} from '../../sv1/error-codes.js';
import type { Submit } from '../../sv1/methods.js';
import type { Sv1Work } from '../../sv1/server-session.js';
import { toldDifficulty, type ToldDifficulty } from './told-difficulty.js';

/** How a miner's extranonce lies in what its channel rolls: `zeros | extranonce1 | extranonce2`. */
export interface ExtranonceLayout {
  readonly extranonce1: Uint8Array;
  readonly extranonce2Size: number;
  /** Bytes that the channel rolls, as many as the other two have or more. */
  readonly extranonceSize: number;
}

/** What became of a share. */
export type JudgedShare =
  | { readonly type: 'refused'; readonly error: StratumError; readonly reason: string }
  /** It is accepted; null if it misses the channel's target by what the told difficulty is easier. */
  | { readonly type: 'accepted'; readonly share: Share | null; readonly isBlock: boolean };

/** Jobs that were told and may still be mined. */
interface ToldJob {
  readonly job: ChannelJob;
  readonly told: ToldDifficulty;
}

/** See {@link sv1Jobs}. */
export interface Sv1Jobs {
  /**
   * Tells a job, anew if it was told before.
   * @param job with its tip, of an extended channel
   * @param known the jobs of that channel: those before go on if they are among them
   * @param now milliseconds since 1970
   */
  tell(job: ChannelJob, layout: ExtranonceLayout, known: JobStore, now: number): Sv1Work;
  /**
   * Judges a share as the server will, and remembers it if it is accepted.
   * @param versionMask the bits that the miner may roll; null if it has not asked for any
   * @param known the jobs of its channel: shares for any other are for nothing
   * @param now milliseconds since 1970
   */
  judge(
    submit: Submit,
    versionMask: number | null,
    layout: ExtranonceLayout,
    known: JobStore,
    now: number,
  ): JudgedShare;
}

/** Jobs of one previous hash that are remembered: at a job every 30 s, half an hour. */
const maxToldJobs = 64;

/** @param nextId ids that no job had */
export function sv1Jobs(nextId: () => string): Sv1Jobs {
  const toldJobs = new Map<string, ToldJob>();
  const seen = seenShares();
  let latest: ChannelJob | undefined;

  return {
    tell(job, { extranonce1, extranonce2Size, extranonceSize }, known, now) {
      const { job: content, tip, target, version, versionRollingAllowed, extranoncePrefix } = job;
      if (content === null || tip === null)
        throw new Error('a job for Stratum V1 needs a coinbase and a previous hash');
      const isClean = latest === undefined || !isKnown(known, latest);
      if (isClean) {
        toldJobs.clear();
        seen.clear();
      }
      latest = job;
      const jobId = nextId();
      const told = toldDifficulty(target);
      toldJobs.set(jobId, { job, told });
      for (const id of toldJobs.keys()) {
        if (toldJobs.size <= maxToldJobs) break;
        toldJobs.delete(id);
      }
      const zeros = new Uint8Array(extranonceSize - extranonce1.length - extranonce2Size);
      const { coinbaseTxPrefix, coinbaseTxSuffix } = content.coinbase;
      return {
        jobId,
        prevHash: tip.prevHash,
        coinbase1: concatBytes([coinbaseTxPrefix, extranoncePrefix, zeros]),
        coinbase2: coinbaseTxSuffix,
        merkleBranch: content.merklePath,
        version,
        nbits: tip.nbits,
        ntime: ntimeAt(tip, now),
        cleanJobs: isClean,
        difficulty: told.difficulty,
        extranonce1,
        extranonce2Size,
        versionRollingAllowed,
      };
    },
    judge(submit, versionMask, layout, known, now) {
      const found = toldJobs.get(submit.jobId);
      if (found === undefined) return refused(jobNotFound, `there is no job ${submit.jobId}`);
      const { job, told } = found;
      if (!isKnown(known, job)) return refused(jobNotFound, `job ${submit.jobId} has ended`);
      const { extranonce1, extranonce2Size, extranonceSize } = layout;
      const { extranonce2, ntime, nonce, versionBits } = submit;
      if (extranonce2.length !== extranonce2Size) {
        const reason = `extranonce2 must have ${extranonce2Size} bytes, got ${extranonce2.length}`;
        return refused(otherError(reason), reason);
      }
      const mask = job.versionRollingAllowed ? (versionMask ?? 0) : 0;
      if (versionBits !== null && (versionBits & ~mask) !== 0) {
        const reason = `version bits ${versionBits.toString(16)} are outside of the mask ${mask.toString(16)}`;
        return refused(otherError(reason), reason);
      }
      const extranonce = new Uint8Array(extranonceSize);
      extranonce.set(extranonce1, extranonceSize - extranonce2Size - extranonce1.length);
      extranonce.set(extranonce2, extranonceSize - extranonce2Size);
      const version = versionBits === null ? job.version : ((job.version & ~mask) | versionBits) >>> 0;
      const share: Share = { jobId: job.jobId, nonce, ntime, version, extranonce };
      const easier = { ...job, target: told.target };
      const jobs = { future: new Map(), active: easier, past: new Map(), stale: new Set<number>() };
      const judged = validateShare(
        { jobs, extranonceSize, shares: { seen: (hash) => seen.has(hash) } },
        share,
        now,
      );
      if (!judged.valid) {
        const { errorCode, reason } = judged;
        const error = errorCode === 'duplicate-share' ? duplicateShare : lowDifficulty;
        const hasOwn = errorCode === 'duplicate-share' || errorCode === 'difficulty-too-low';
        return refused(hasOwn ? error : otherError(reason), reason);
      }
      const { hash, isBlock } = judged;
      seen.add(hash);
      const counts = isBlock || meetsTarget(hash, job.target);
      return { type: 'accepted', share: counts ? share : null, isBlock };
    },
  };
}

/** Whether a job is mined, or was before on the same tip. */
const isKnown = (known: JobStore, { jobId }: ChannelJob): boolean =>
  typeof findJob(known, jobId) !== 'string';

const refused = (error: StratumError, reason: string): JudgedShare => ({ type: 'refused', error, reason });
