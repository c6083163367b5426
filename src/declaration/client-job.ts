/** A job that a client made of its own template, from the template to the pool's acceptance. */
import {
  assembleCoinbase,
  buildCoinbase,
  coinbaseScriptSigPrefix,
  type Coinbase,
} from '../bitcoin/coinbase.js';
import { blockHash } from '../bitcoin/block-header.js';
import { concatBytes } from '../bitcoin/consensus-bytes.js';
import { doubleSha256 } from '../bitcoin/hash.js';
import { findWitnessCommitment, merkleRootFromPath } from '../bitcoin/merkle.js';
import { parseTemplateOutputs, serialiseOutputs, type TxOut } from '../bitcoin/outputs.js';
import { meetsTarget } from '../bitcoin/target.js';
import { DeclareMiningJob, PushSolution } from '../messages/job-declaration.js';
import {
  NewExtendedMiningJob,
  SetCustomMiningJob,
  type OpenExtendedMiningChannelSuccess,
  type SubmitSharesExtended,
} from '../messages/mining.js';
import { SubmitSolution, type NewTemplate } from '../messages/template-distribution.js';
import type { ChainTip } from '../mining/work/chain-tip.js';

/** How far a job has come. */
export type JobStage =
  /** Its transactions are asked for, or it waits for a token. */
  | { readonly type: 'made' }
  /** Declared, and not answered. */
  | { readonly type: 'declaring' }
  /** Told to the pool, and not answered. */
  | { readonly type: 'setting' }
  /** Shares can be submitted. */
  | { readonly type: 'accepted'; readonly upstreamJobId: number }
  /** It was refused, for now. */
  | { readonly type: 'stale'; readonly retryAt: number };

/** See {@link makeClientJob}. */
export interface ClientJob {
  /** As miners have it. */
  readonly jobId: number;
  readonly template: NewTemplate;
  readonly tip: ChainTip;
  readonly coinbase: Coinbase;
  readonly hasCommitment: boolean;
  readonly scriptSigPrefix: Uint8Array;
  /** Behind their count. */
  readonly coinbaseTxOutputs: Uint8Array;
  readonly extranoncePrefix: Uint8Array;
  readonly extranonceSize: number;
  stage: JobStage;
  /** All but the coinbase, serialised with witnesses; undefined until they came, and in coinbase-only mode. */
  transactions: readonly Uint8Array[] | undefined;
  excessData: Uint8Array;
  /** Whether the declarator has accepted it: it takes its solutions then. */
  isDeclared: boolean;
  /** How often it was refused for a reason that passes. */
  attempts: number;
  /** Shares that were found before the pool has accepted it. */
  readonly kept: SubmitSharesExtended[];
  /** Solutions that were found before the declarator has accepted it. */
  readonly unpushed: PushSolution[];
}

/** What a share is. */
export interface FoundShare {
  /** 32 bytes in wire order. */
  readonly hash: Uint8Array;
  /** For the template provider; null if it is no block. */
  readonly solution: { readonly submit: SubmitSolution; readonly push: PushSolution } | null;
}

/**
 * A job of a template: its value goes to the pool's payout output, all but what the pool's other outputs have.
 *
 * @param outputs the pool's, the first for its payout
 * @param tag for the scriptSig
 * @throws Sv2Error as `buildCoinbase`
 */
export const makeClientJob = (
  jobId: number,
  template: NewTemplate,
  tip: ChainTip,
  { extranoncePrefix, extranonceSize }: OpenExtendedMiningChannelSuccess,
  [first, ...others]: readonly [TxOut, ...TxOut[]],
  tag: Uint8Array,
): ClientJob => {
  const rest = others.reduce((sum, { value }) => sum + value, 0n);
  const value = template.coinbaseTxValueRemaining - rest;
  const payoutOutputs = [{ ...first, value: value < 0n ? 0n : value }, ...others];
  const additions = { tag, fullExtranonceSize: extranoncePrefix.length + extranonceSize, payoutOutputs };
  const templateOutputs = parseTemplateOutputs(template.coinbaseTxOutputs, template.coinbaseTxOutputsCount);
  return {
    jobId,
    template,
    tip,
    coinbase: buildCoinbase(template, additions),
    hasCommitment: findWitnessCommitment(templateOutputs) !== null,
    scriptSigPrefix: coinbaseScriptSigPrefix(template.coinbasePrefix, additions),
    coinbaseTxOutputs: serialiseOutputs([...payoutOutputs, ...templateOutputs]),
    extranoncePrefix,
    extranonceSize,
    stage: { type: 'made' },
    transactions: undefined,
    excessData: new Uint8Array(0),
    isDeclared: false,
    attempts: 0,
    kept: [],
    unpushed: [],
  };
};

const partsOf = ({ coinbase, hasCommitment }: ClientJob) =>
  hasCommitment ? coinbase.withWitness : coinbase.stripped;

/** The job as miners are told it, to be begun at once. */
export const minersJob = (job: ClientJob, channelId: number, minNtime: number | null): NewExtendedMiningJob =>
  NewExtendedMiningJob({
    channelId,
    jobId: job.jobId,
    minNtime,
    version: job.template.version,
    versionRollingAllowed: true,
    merklePath: job.template.merklePath,
    ...job.coinbase.stripped,
  });

/** Its declaration. */
export const declarationOf = (
  job: ClientJob,
  requestId: number,
  miningJobToken: Uint8Array,
): DeclareMiningJob =>
  DeclareMiningJob({
    requestId,
    miningJobToken,
    version: job.template.version,
    ...partsOf(job),
    wtxidList: (job.transactions ?? []).map(doubleSha256),
    excessData: job.excessData,
  });

/** The job as the pool is told it. */
export const customJobOf = (
  { template, tip, scriptSigPrefix, coinbaseTxOutputs }: ClientJob,
  channelId: number,
  requestId: number,
  miningJobToken: Uint8Array,
): SetCustomMiningJob =>
  SetCustomMiningJob({
    channelId,
    requestId,
    miningJobToken,
    version: template.version,
    prevHash: tip.prevHash,
    minNtime: tip.minNtime,
    nbits: tip.nbits,
    coinbaseTxVersion: template.coinbaseTxVersion,
    coinbasePrefix: scriptSigPrefix,
    coinbaseTxInputNSequence: template.coinbaseTxInputSequence,
    coinbaseTxOutputs,
    coinbaseTxLocktime: template.coinbaseTxLocktime,
    merklePath: template.merklePath,
  });

/** What a share of a job is: its hash, and its solution if that is a block or what the template provider wants. */
export const foundShare = (
  job: ClientJob,
  { nonce, ntime, version, extranonce }: SubmitSharesExtended,
): FoundShare => {
  const { template, tip } = job;
  const full = concatBytes([job.extranoncePrefix, extranonce]);
  const { prevHash, nbits } = tip;
  const merkleRoot = merkleRootFromPath(
    doubleSha256(assembleCoinbase(job.coinbase.stripped, full)),
    template.merklePath,
  );
  const header = { version, prevHash, merkleRoot, ntime, nbits, nonce };
  const hash = blockHash(header);
  if (!meetsTarget(hash, tip.solutionTarget)) return { hash, solution: null };
  const submit = SubmitSolution({
    templateId: template.templateId,
    version,
    headerTimestamp: ntime,
    headerNonce: nonce,
    coinbaseTx: assembleCoinbase(partsOf(job), full),
  });
  return {
    hash,
    solution: { submit, push: PushSolution({ extranonce: full, prevHash, nonce, ntime, nbits, version }) },
  };
};
