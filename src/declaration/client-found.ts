/** What miners find for the jobs of a declaring client, shares and blocks, on its way to whoever it is for. */
import { joinBlock } from '../bitcoin/block.js';
import { decodeBip34Height } from '../bitcoin/script.js';
import type {
  OpenExtendedMiningChannelSuccess,
  SubmitSharesError,
  SubmitSharesExtended,
  SubmitSharesSuccess,
} from '../messages/mining.js';
import { foundShare, type ClientJob, type FoundShare, type UnjoinedBlock } from './client-job.js';
import type { ClientOutput } from './client-output.js';
import { clientShares, type ClientShares } from './client-shares.js';
import type { RequestKind } from './client-requests.js';
import type { DeclaringClientOptions, KeptBlocksLost } from './declaring-client-types.js';

/** Shares kept for a job that is not accepted yet. */
const SHARES_KEPT = 2_000;

/** Blocks kept for a job that is not declared yet, and for one whose transactions did not come yet. */
const BLOCKS_KEPT = 8;

/** See {@link clientFound}. */
export interface ClientFound {
  /** Shares are of this channel from now on. */
  open(channel: OpenExtendedMiningChannelSuccess): void;
  /** A share of a job: a block goes out at once, and the share to the pool as soon as that has accepted the job. */
  share(job: ClientJob, message: SubmitSharesExtended): void;
  /** The declarator has accepted a job: it is sent the blocks that were found before. */
  declared(job: ClientJob): void;
  /** The transactions of a job are there: blocks that were found before are whole now. */
  transactions(job: ClientJob): void;
  /** The pool has accepted a job: it is sent the shares that were found before. */
  accepted(job: ClientJob, upstreamJobId: number): void;
  /** A job will not be accepted any more: its shares are answered. */
  ended(job: ClientJob, errorCode: string): void;
  /** What its blocks wait for does not come. */
  lost(job: ClientJob, waitedFor: readonly RequestKind[], code: string): void;
  sharesAccepted(message: SubmitSharesSuccess): void;
  shareRejected(message: SubmitSharesError): void;
}

/** Shares and blocks of one channel at a time. */
export const clientFound = (
  { mode, wholeBlocks = false }: Pick<DeclaringClientOptions, 'mode' | 'wholeBlocks'>,
  out: ClientOutput,
): ClientFound => {
  const isDeclaring = mode === 'full-template';
  let shares: ClientShares = clientShares(0);

  const whole = (
    { template }: ClientJob,
    { header, hash, coinbaseTx }: UnjoinedBlock,
    transactions: readonly Uint8Array[],
  ): void => {
    const height = decodeBip34Height(template.coinbasePrefix) ?? 0;
    out.block({ bytes: joinBlock(header, [coinbaseTx, ...transactions]), hash, height });
  };

  const miss = (
    { jobId }: ClientJob,
    missedBy: KeptBlocksLost['missedBy'],
    blocks: readonly { readonly hash: Uint8Array }[],
    code: string,
  ): void => {
    const hashes = blocks.map(({ hash }) => hash);
    if (hashes.length > 0) out.tell({ type: 'KeptBlocksLost', jobId, missedBy, hashes, code });
  };

  const lost: ClientFound['lost'] = (job, waitedFor, code) => {
    const isWhole = waitedFor.includes('data');
    // what is not known is not declared
    const isPushed = waitedFor.includes('declaration') || (isWhole && !job.isDeclared);
    if (isPushed) miss(job, 'declarator', job.unpushed.splice(0), code);
    const unjoined = isWhole ? job.unjoined.splice(0) : [];
    if (wholeBlocks) miss(job, 'extra nodes', unjoined, code);
  };

  const block = (job: ClientJob, hash: Uint8Array, solution: NonNullable<FoundShare['solution']>): void => {
    const { submit, push, header } = solution;
    const { jobId, isDeclared, transactions } = job;
    const found = { header, hash, coinbaseTx: submit.coinbaseTx };
    out.tell({ type: 'OwnBlockFound', jobId, hash, header, isPushed: isDeclared });
    if (isDeclared) out.toDeclarator(push);
    else if (isDeclaring) {
      if (job.unpushed.length < BLOCKS_KEPT) job.unpushed.push({ hash, push });
      else miss(job, 'declarator', [found], 'too-many-blocks');
    }
    if (transactions !== undefined) whole(job, found, transactions);
    else if (isDeclaring || wholeBlocks) {
      if (job.unjoined.length < BLOCKS_KEPT) job.unjoined.push(found);
      else if (wholeBlocks) miss(job, 'extra nodes', [found], 'too-many-blocks');
    }
    if (job.withoutData !== undefined) lost(job, ['data'], job.withoutData);
  };

  return {
    open({ channelId }) {
      shares = clientShares(channelId);
    },
    share(job, message) {
      const { hash, isBlock, solution } = foundShare(job, message);
      // before anything else
      if (solution !== null) {
        out.toTemplates(solution.submit);
        if (isBlock) block(job, hash, solution);
      }
      if (job.stage.type === 'accepted') {
        out.toPool(shares.send(message, job.stage.upstreamJobId));
        return;
      }
      shares.keep(message);
      job.kept.push(message);
      if (job.kept.length > SHARES_KEPT) {
        for (const oldest of job.kept.splice(0, 1)) out.toMiners(...shares.drop(oldest, 'stale-share'));
      }
    },
    declared: (job) => out.toDeclarator(...job.unpushed.splice(0).map(({ push }) => push)),
    transactions(job) {
      for (const found of job.unjoined.splice(0)) whole(job, found, job.transactions ?? []);
    },
    accepted(job, upstreamJobId) {
      out.tell({ type: 'OwnJobAccepted', jobId: job.jobId, upstreamJobId, kept: job.kept.length });
      for (const share of job.kept.splice(0)) out.toPool(shares.send(share, upstreamJobId));
    },
    ended(job, errorCode) {
      if (job.kept.length === 0) return;
      out.tell({ type: 'KeptSharesLost', jobId: job.jobId, count: job.kept.length });
      for (const share of job.kept.splice(0)) out.toMiners(...shares.drop(share, errorCode));
    },
    lost,
    sharesAccepted: (message) => out.toMiners(...shares.accepted(message)),
    shareRejected: (message) => out.toMiners(...shares.rejected(message)),
  };
};
