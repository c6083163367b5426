/** A declared job: what it takes for one to be right. */
import { checkProposal } from '../bitcoin/consensus.js';
import { merklePathOfCoinbase } from '../bitcoin/merkle.js';
import { serialiseOutputs } from '../bitcoin/outputs.js';
import { decodeBip34Height } from '../bitcoin/script.js';
import { Sv2Error } from '../codec/errors.js';
import { bytesKey, bytesToHex } from '../codec/hex.js';
import type { DeclareMiningJob } from '../messages/job-declaration.js';
import { readDeclaredCoinbase, type DeclaredCoinbase } from './declared-coinbase.js';
import { legacySigopCost, outpointsOf, type KnownTransaction } from './known-transactions.js';
import type { CoinbaseCheck } from './pool-outputs.js';
import { Refusal } from './refusal.js';

/** Where in the chain declared jobs belong. A block template of a node has what it takes. */
export interface DeclarationTip {
  /** The hash of the block before, 32 bytes in wire order. */
  readonly prevHash: Uint8Array;
  /** Of the block to be found. */
  readonly height: number;
  readonly nbits: number;
  /** Smallest ntime that is valid, seconds since 1970. */
  readonly minTime: number;
  /** What a coinbase may pay beside fees, in satoshis. */
  readonly subsidy: bigint;
  /** The most sigops a block may have. */
  readonly sigopLimit: number;
}

/** What a custom job must have to be the declared one; small, for it is kept as long as its token. */
export interface JobTerms {
  readonly tip: DeclarationTip;
  readonly version: number;
  readonly coinbaseTxVersion: number;
  /** Everything in the scriptSig before the extranonce. */
  readonly coinbasePrefix: Uint8Array;
  /** Bytes of the extranonce. */
  readonly extranonceSize: number;
  readonly coinbaseTxInputNSequence: number;
  /** Outputs behind their count as CompactSize. */
  readonly coinbaseTxOutputs: Uint8Array;
  readonly coinbaseTxLocktime: number;
  /** 32 bytes each, from the deepest. */
  readonly merklePath: readonly Uint8Array[];
}

/** A job whose transactions are all known. */
export interface DeclaredJob {
  readonly terms: JobTerms;
  readonly coinbase: DeclaredCoinbase;
  /** All but the coinbase, in block order. */
  readonly transactions: readonly KnownTransaction[];
  /** Whose token it was declared with. */
  readonly userIdentifier: string;
}

/** The most transactions that a block has room for: each weighs 240 at least. */
const MAX_DECLARED_TRANSACTIONS = 16_666;

/** How many blocks a tip that is another may be away: beyond, somebody is on another chain. */
const NEARBY = 6;

/** A declaration that is right as far as it can be told without its transactions. */
export interface ReadDeclaration {
  readonly version: number;
  readonly coinbase: DeclaredCoinbase;
  /** 32 bytes each; views of the message. */
  readonly wtxids: readonly Uint8Array[];
}

/**
 * Looks at what of a declaration does not need the transactions, so that nobody is asked for megabytes in vain.
 *
 * @throws Refusal `invalid-job` for the list, `invalid-coinbase-tx`, `invalid-coinbase-tx-input`, `stale-chain-tip` for a
 *   height that is near, and what the check throws
 */
export const readDeclaration = (
  message: DeclareMiningJob,
  tip: DeclarationTip,
  check: CoinbaseCheck,
): ReadDeclaration => {
  const { version, wtxidList } = message;
  if (wtxidList.length > MAX_DECLARED_TRANSACTIONS) {
    throw new Refusal(
      'invalid-job',
      `expected at most ${MAX_DECLARED_TRANSACTIONS} transactions, which is what a block has room for, got ${wtxidList.length}`,
    );
  }
  const coinbase = readDeclaredCoinbase(message);
  checkHeight(coinbase.scriptSigPrefix, tip.height);
  check(coinbase.transaction.outputs, tip.subsidy);
  const seen = new Set<string>();
  for (const [position, wtxid] of wtxidList.entries()) {
    const id = bytesKey(wtxid);
    if (seen.has(id)) throw new Refusal('invalid-job', `transaction ${position} is in the list twice`);
    seen.add(id);
  }
  return { version, coinbase, wtxids: wtxidList };
};

/** @throws Refusal `stale-chain-tip` for the height of a block nearby, else `invalid-coinbase-tx` */
const checkHeight = (scriptSig: Uint8Array, expected: number): void => {
  const height = decodeBip34Height(scriptSig);
  if (height === expected) return;
  throw new Refusal(
    height !== null && Math.abs(height - expected) <= NEARBY ? 'stale-chain-tip' : 'invalid-coinbase-tx',
    `expected a coinbase for height ${expected} (BIP 34), got one for ${height ?? 'none'}`,
  );
};

/**
 * The job of a declaration whose transactions are there.
 *
 * @param transactions those of the declaration's list, in its order
 * @throws Refusal as {@link readDeclaration}, now with all fees that are known; `invalid-job` for weight,
 *   sigops, and transactions that spend what another spends or what comes after them, `invalid-coinbase-tx` for its witness commitment and its form
 */
export const declaredJob = (
  { version, coinbase }: ReadDeclaration,
  transactions: readonly KnownTransaction[],
  tip: DeclarationTip,
  check: CoinbaseCheck,
): Omit<DeclaredJob, 'userIdentifier'> => {
  const fees = transactions.map(({ fee }) => fee);
  const known = fees.reduce<bigint>((sum, fee) => sum + (fee ?? 0n), tip.subsidy);
  check(coinbase.transaction.outputs, known);
  checkSigops(coinbase, transactions, tip.sigopLimit);
  checkInputs(transactions);
  try {
    checkProposal(
      { coinbase: coinbase.transaction, transactions },
      {
        height: tip.height,
        medianTimePast: tip.minTime - 1,
        maxCoinbaseValue: fees.includes(null) ? 2n ** 64n : known,
      },
    );
  } catch (error) {
    if (!(error instanceof Sv2Error)) throw error;
    throw new Refusal(codeFor(error.code), `${error.code}: ${error.message}`, error);
  }
  const { transaction, scriptSigPrefix, extranonceSize } = coinbase;
  return {
    terms: {
      tip,
      version,
      coinbaseTxVersion: transaction.version,
      coinbasePrefix: scriptSigPrefix,
      extranonceSize,
      coinbaseTxInputNSequence: transaction.inputs[0]?.sequence ?? 0,
      coinbaseTxOutputs: serialiseOutputs(transaction.outputs),
      coinbaseTxLocktime: transaction.locktime,
      merklePath: merklePathOfCoinbase(transactions.map(({ txid }) => txid)),
    },
    coinbase,
    transactions,
  };
};

/** The answer's code for a rule of consensus. */
const codeFor = (rule: string): 'invalid-coinbase-tx' | 'invalid-coinbase-tx-outputs' | 'invalid-job' => {
  if (rule === 'bad-cb-amount') return 'invalid-coinbase-tx-outputs';
  return rule === 'bad-blk-weight' ? 'invalid-job' : 'invalid-coinbase-tx';
};

const checkSigops = (
  { transaction }: DeclaredCoinbase,
  transactions: readonly KnownTransaction[],
  limit: number,
): void => {
  const cost = transactions.reduce((sum, { sigops }) => sum + sigops, legacySigopCost(transaction));
  if (cost <= limit) return;
  throw new Refusal('invalid-job', `bad-blk-sigops: expected at most ${limit} sigops, got ${cost}`);
};

/** No output is spent twice, and none before the transaction that has it: what a list says of itself, without the chain. */
const checkInputs = (transactions: readonly KnownTransaction[]): void => {
  const positions = new Map(transactions.map(({ txid }, position) => [bytesToHex(txid), position]));
  const spentBy = new Map<string, number>();
  for (const [position, transaction] of transactions.entries()) {
    for (const outpoint of outpointsOf(transaction)) {
      const other = spentBy.get(outpoint);
      if (other !== undefined) {
        throw new Refusal(
          'invalid-job',
          `bad-txns-inputs-missingorspent: transactions ${other} and ${position} spend the same output, ${outpoint}`,
        );
      }
      spentBy.set(outpoint, position);
      const parent = positions.get(outpoint.slice(0, 64));
      if (parent !== undefined && parent >= position) {
        throw new Refusal(
          'invalid-job',
          `bad-txns-inputs-missingorspent: transaction ${position} spends an output of transaction ${parent}, which is not before it`,
        );
      }
    }
  }
};
