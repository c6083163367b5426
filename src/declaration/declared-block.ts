/** The blocks that declared jobs make: to be judged by a node, and of solutions. */
import { blockHash, parseBlockHeader, serialiseBlockHeader } from '../bitcoin/block-header.js';
import { joinBlock } from '../bitcoin/block.js';
import { assembleCoinbase } from '../bitcoin/coinbase.js';
import { sameBytes } from '../bitcoin/consensus-bytes.js';
import { doubleSha256, toDisplayHex } from '../bitcoin/hash.js';
import { merkleRootFromPath } from '../bitcoin/merkle.js';
import { meetsTarget, targetFromNbits } from '../bitcoin/target.js';
import { Sv2Error } from '../codec/errors.js';
import type { PushSolution } from '../messages/job-declaration.js';
import type { DeclaredJob } from './declared-job.js';

/** A block as it is submitted. */
export interface ReconstructedBlock {
  /** Serialised, with witnesses. */
  readonly bytes: Uint8Array;
  /** 32 bytes in wire order. */
  readonly hash: Uint8Array;
  readonly height: number;
}

/** The block of a declared job. */
export interface DeclaredBlock extends ReconstructedBlock {
  /** 80 bytes. */
  readonly header: Uint8Array;
  /** As it was declared, with BIP 141 fields if it has any. */
  readonly coinbaseTx: Uint8Array;
  /** Whose token its job was declared with. */
  readonly userIdentifier: string;
}

/** A block that a miner of the pool found on a custom job, as the pool has it: all but its transactions. */
export interface CustomBlock {
  /** 32 bytes as SHA-256 returned them. */
  readonly hash: Uint8Array;
  /** 80 bytes. */
  readonly header: Uint8Array;
  /** The whole coinbase, with or without witness. */
  readonly coinbaseTx: Uint8Array;
}

/** The time and nonce that a job is proposed with, or was solved with. */
type HeaderFields = Pick<PushSolution, 'extranonce' | 'ntime' | 'nonce' | 'version'>;

const blockOf = (job: DeclaredJob, fields: HeaderFields): DeclaredBlock => {
  const { coinbase, transactions, userIdentifier } = job;
  const { tip, merklePath } = job.terms;
  const { extranonce, version, ntime, nonce } = fields;
  const coinbaseTxid = doubleSha256(assembleCoinbase(coinbase.stripped, extranonce));
  const header = serialiseBlockHeader({
    version,
    prevHash: tip.prevHash,
    merkleRoot: merkleRootFromPath(coinbaseTxid, merklePath),
    ntime,
    nbits: tip.nbits,
    nonce,
  });
  const coinbaseTx = assembleCoinbase(coinbase.parts, extranonce);
  return {
    get bytes() {
      return joinBlock(header, [coinbaseTx, ...transactions.map(({ data }) => data)]);
    },
    hash: blockHash(header),
    height: tip.height,
    header,
    coinbaseTx,
    userIdentifier,
  };
};

/**
 * The block that a job would be, without proof of work: for a node to judge (BIP 23, block proposal).
 * @returns serialised, with witnesses
 */
export const proposalOf = (job: DeclaredJob): Uint8Array =>
  blockOf(job, {
    extranonce: new Uint8Array(job.coinbase.extranonceSize),
    version: job.terms.version,
    ntime: job.terms.tip.minTime,
    nonce: 0,
  }).bytes;

/**
 * The block that a PushSolution makes of a job (spec §6.4.9).
 *
 * @throws Sv2Error `solution-for-another-job` with what does not go together, `high-hash` without proof of work
 */
export const solvedBlock = (job: DeclaredJob, solution: PushSolution): DeclaredBlock => {
  const { tip, extranonceSize } = job.terms;
  const { prevHash, nbits, extranonce } = solution;
  const wrong = (what: string, expected: string | number, got: string | number): Sv2Error =>
    new Sv2Error('solution-for-another-job', `expected ${what} ${expected}, got ${got}`);
  if (!sameBytes(prevHash, tip.prevHash))
    throw wrong('prev_hash', toDisplayHex(tip.prevHash), toDisplayHex(prevHash));
  if (nbits !== tip.nbits) throw wrong('nbits', tip.nbits, nbits);
  if (extranonce.length !== extranonceSize)
    throw wrong('an extranonce with bytes:', extranonceSize, extranonce.length);
  const block = blockOf(job, solution);
  if (!meetsTarget(block.hash, targetFromNbits(nbits))) {
    throw new Sv2Error(
      'high-hash',
      `its hash ${toDisplayHex(block.hash)} is above the target of nbits ${nbits}`,
    );
  }
  return block;
};

/**
 * The block of a custom job, if it is this one that it was declared as.
 * @returns undefined if it is not
 */
export const customJobBlock = (
  job: DeclaredJob,
  { header, coinbaseTx, hash }: CustomBlock,
): DeclaredBlock | undefined => {
  const { version, prevHash, ntime, nonce, nbits } = parseBlockHeader(header);
  const { tip, extranonceSize } = job.terms;
  if (nbits !== tip.nbits || !sameBytes(prevHash, tip.prevHash)) return undefined;
  for (const { coinbaseTxPrefix, coinbaseTxSuffix } of [job.coinbase.parts, job.coinbase.stripped]) {
    const start = coinbaseTxPrefix.length;
    if (coinbaseTx.length !== start + extranonceSize + coinbaseTxSuffix.length) continue;
    const extranonce = coinbaseTx.slice(start, start + extranonceSize);
    const block = blockOf(job, { extranonce, version, ntime, nonce });
    if (sameBytes(block.hash, hash)) return block;
  }
  return undefined;
};
