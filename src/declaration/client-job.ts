/** A job that a client made of its own template, from the template to the pool's acceptance. */
import {
  assembleCoinbase,
  buildCoinbase,
  coinbaseScriptSigPrefix,
  type Coinbase,
} from '../bitcoin/coinbase.js';
import { blockHash, serialiseBlockHeader } from '../bitcoin/block-header.js';
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
import type { DeclaringClientOptions } from './declaring-client-types.js';
import { distributionTlv } from './payout-messages.js';
import type { Tlv } from '../codec/tlv.js';
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

/** Whom the pool has blocks pay. */
export interface PoolPayout {
  /** @param value what a template leaves, in satoshis */
  readonly outputsOf: (value: bigint) => readonly TxOut[];
  /** Of draft extension 0x0003. */
  readonly distributionId?: bigint;
}

/**
 * The payout of a token's outputs: the first has all but what the others have.
 */
export const payoutOf = ([first, ...others]: readonly [TxOut, ...TxOut[]]): PoolPayout => ({
  outputsOf: (value) => {
    const rest = others.reduce((left, output) => left - output.value, value);
    return [{ ...first, value: rest < 0n ? 0n : rest }, ...others];
  },
});

/** A block but for its transactions. */
export interface UnjoinedBlock {
  /** 80 bytes. */
  readonly header: Uint8Array;
  /** 32 bytes in wire order. */
  readonly hash: Uint8Array;
  /** With BIP 141 fields. */
  readonly coinbaseTx: Uint8Array;
}

/** A block that the declarator is not told of yet. */
export interface UnpushedBlock {
  /** 32 bytes in wire order. */
  readonly hash: Uint8Array;
  readonly push: PushSolution;
}

/** See {@link makeClientJob}. */
export interface ClientJob {
  /** As miners have it. */
  readonly jobId: number;
  readonly template: NewTemplate;
  readonly payout: PoolPayout;
  readonly tip: ChainTip;
  readonly coinbase: Coinbase;
  readonly hasCommitment: boolean;
  readonly scriptSigPrefix: Uint8Array;
  /** Behind their count. */
  readonly coinbaseTxOutputs: Uint8Array;
  readonly extranoncePrefix: Uint8Array;
  readonly extranonceSize: number;
  /** What its messages carry beside their fields. */
  readonly tlvs: readonly Tlv[];
  stage: JobStage;
  /** All but the coinbase, serialised with witnesses; undefined until they came, and where they are not asked for. */
  transactions: readonly Uint8Array[] | undefined;
  excessData: Uint8Array;
  /** Why its transactions do not come; undefined while they may, or are there. */
  withoutData: string | undefined;
  /** Whether the declarator has accepted it: it takes its solutions then. */
  isDeclared: boolean;
  /** How often it was refused for a reason that passes. */
  attempts: number;
  /** Shares that were found before the pool has accepted it. */
  readonly kept: SubmitSharesExtended[];
  /** Solutions that were found before the declarator has accepted it. */
  readonly unpushed: UnpushedBlock[];
  /** Blocks that were found before its transactions came. */
  readonly unjoined: UnjoinedBlock[];
}

/** What a share is. */
export interface FoundShare {
  /** 32 bytes in wire order. */
  readonly hash: Uint8Array;
  /** Whether it is a block, of which the declarator is told, too. */
  readonly isBlock: boolean;
  /** What the template provider wants to be sent: of a block, and of more if its target is easier; otherwise null. */
  readonly solution: {
    readonly submit: SubmitSolution;
    readonly push: PushSolution;
    /** 80 bytes. */
    readonly header: Uint8Array;
  } | null;
}

/**
 * A job of a template.
 *
 * @param payout what the pool has its value go to
 * @param tag for the scriptSig
 * @throws Sv2Error as `buildCoinbase`, and what the payout throws
 */
export const makeClientJob = (
  jobId: number,
  template: NewTemplate,
  tip: ChainTip,
  { extranoncePrefix, extranonceSize }: OpenExtendedMiningChannelSuccess,
  payout: PoolPayout,
  tag: Uint8Array,
): ClientJob => {
  const { outputsOf, distributionId } = payout;
  const payoutOutputs = outputsOf(template.coinbaseTxValueRemaining);
  const additions = { tag, fullExtranonceSize: extranoncePrefix.length + extranonceSize, payoutOutputs };
  const templateOutputs = parseTemplateOutputs(template.coinbaseTxOutputs, template.coinbaseTxOutputsCount);
  return {
    jobId,
    template,
    payout,
    tip,
    coinbase: buildCoinbase(template, additions),
    hasCommitment: findWitnessCommitment(templateOutputs) !== null,
    scriptSigPrefix: coinbaseScriptSigPrefix(template.coinbasePrefix, additions),
    coinbaseTxOutputs: serialiseOutputs([...payoutOutputs, ...templateOutputs]),
    extranoncePrefix,
    extranonceSize,
    tlvs: distributionId === undefined ? [] : [distributionTlv(distributionId)],
    stage: { type: 'made' },
    transactions: undefined,
    excessData: new Uint8Array(0),
    withoutData: undefined,
    isDeclared: false,
    attempts: 0,
    kept: [],
    unpushed: [],
    unjoined: [],
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
  DeclareMiningJob(
    {
      requestId,
      miningJobToken,
      version: job.template.version,
      ...partsOf(job),
      wtxidList: (job.transactions ?? []).map(doubleSha256),
      excessData: job.excessData,
    },
    job.tlvs,
  );

/** The job as the pool is told it, which has not heard of its distribution in coinbase-only mode. */
export const customJobOf = (
  { template, tip, scriptSigPrefix, coinbaseTxOutputs, tlvs }: ClientJob,
  channelId: number,
  requestId: number,
  miningJobToken: Uint8Array,
  mode: DeclaringClientOptions['mode'],
): SetCustomMiningJob =>
  SetCustomMiningJob(
    {
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
    },
    mode === 'coinbase-only' ? tlvs : [],
  );

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
  const isBlock = meetsTarget(hash, tip.networkTarget);
  if (!isBlock && !meetsTarget(hash, tip.solutionTarget)) return { hash, isBlock, solution: null };
  const submit = SubmitSolution({
    templateId: template.templateId,
    version,
    headerTimestamp: ntime,
    headerNonce: nonce,
    coinbaseTx: assembleCoinbase(partsOf(job), full),
  });
  return {
    hash,
    isBlock,
    solution: {
      submit,
      push: PushSolution({ extranonce: full, prevHash, nonce, ntime, nbits, version }),
      header: serialiseBlockHeader(header),
    },
  };
};
