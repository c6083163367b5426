import { Sv2Error } from '../codec/errors.js';
import { blockHash } from './block-header.js';
import type { BlockHeader } from './block-header.js';
import { MAX_COINBASE_SCRIPT_SIG_SIZE, MIN_COINBASE_SCRIPT_SIG_SIZE } from './coinbase.js';
import { encodeCompactSize } from './compact-size.js';
import { sameBytes } from './consensus-bytes.js';
import { toDisplayHex } from './hash.js';
import { findWitnessCommitment, merkleRoot, witnessCommitment, witnessMerkleRoot } from './merkle.js';
import { decodeBip34Height, encodeBip34Height } from './script.js';
import { meetsTarget, targetFromNbits } from './target.js';
import { transactionWeight, txid } from './transaction.js';
import type { Transaction } from './transaction.js';

/** Satoshis in a bitcoin. */
export const COIN = 100_000_000n;
/** Blocks between two halvings on mainnet. */
export const HALVING_INTERVAL = 210_000;
/** The most a block may weigh (BIP 141), in weight units. */
export const MAX_BLOCK_WEIGHT = 4_000_000;
/** How many seconds a header's ntime may be ahead of the clock. */
export const MAX_FUTURE_BLOCK_TIME = 7200;

/**
 * The block subsidy: 50 bitcoins, halved every interval.
 *
 * @param height of the block, 0 for the first
 * @param halvingInterval blocks; 150 on regtest
 * @returns satoshis
 */
export const subsidy = (height: number, halvingInterval: number = HALVING_INTERVAL): bigint =>
  (50n * COIN) >> BigInt(Math.floor(height / halvingInterval));

/**
 * The median of the last 11 blocks' ntimes, which the next block's ntime must exceed (BIP 113).
 *
 * @param ntimes of blocks in chain order, at least one; all but the last 11 are ignored
 */
export const medianTimePast = (ntimes: readonly number[]): number => {
  const last = ntimes.slice(-11).sort((a, b) => a - b);
  const median = last[Math.floor(last.length / 2)];
  if (median === undefined) throw new Sv2Error('empty-list', 'a median needs at least one ntime');
  return median;
};

/** A block as far as {@link checkBlock} looks at it: other transactions than the coinbase are known by their hashes. */
export interface BlockCandidate {
  readonly header: BlockHeader;
  readonly coinbase: Transaction;
  /** All but the coinbase, in block order: hashes of 32 bytes in wire order, weight in weight units. */
  readonly transactions: readonly {
    readonly txid: Uint8Array;
    readonly wtxid: Uint8Array;
    readonly weight: number;
  }[];
}

/** Where in the chain a block must fit. */
export interface BlockContext {
  /** The hash of the block before, 32 bytes in wire order. */
  readonly prevHash: Uint8Array;
  readonly height: number;
  readonly nbits: number;
  /** See {@link medianTimePast}. */
  readonly medianTimePast: number;
  /** The clock, in seconds since 1970. */
  readonly now: number;
  /** {@link subsidy} plus the fees of all transactions, in satoshis. */
  readonly maxCoinbaseValue: bigint;
}

/**
 * Checks a block by the consensus rules that a miner can break: proof of work, the header's place in the chain,
 * merkle root, coinbase (its form, BIP 34 height, value), witness commitment (BIP 141), weight. Other
 * transactions are taken to be valid.
 *
 * @returns the block's hash, 32 bytes in wire order
 * @throws Sv2Error with the reason as Bitcoin Core names it: `high-hash`, `bad-prevblk`, `bad-diffbits`,
 *   `time-too-old`, `time-too-new`, `bad-txnmrklroot`, `bad-txns-duplicate`, `bad-cb-missing`,
 *   `bad-txns-vout-empty`, `bad-cb-length`, `bad-txns-nonfinal`, `bad-cb-height`, `bad-witness-nonce-size`,
 *   `bad-witness-merkle-match`, `unexpected-witness`, `bad-blk-weight`, `bad-cb-amount`
 */
export const checkBlock = (candidate: BlockCandidate, context: BlockContext): Uint8Array => {
  const hash = checkHeader(candidate.header, context);
  checkMerkleRoot(candidate);
  checkProposal(candidate, context);
  return hash;
};

/**
 * Checks of a block what can be checked before there is a header for it (BIP 23, block proposal): the coinbase (its form,
 * BIP 34 height, value), witness commitment (BIP 141), weight.
 *
 * @throws Sv2Error as {@link checkBlock}, but for what it says of header and merkle root
 */
export const checkProposal = (
  proposal: Pick<BlockCandidate, 'coinbase' | 'transactions'>,
  context: Pick<BlockContext, 'height' | 'medianTimePast' | 'maxCoinbaseValue'>,
): void => {
  checkCoinbase(proposal.coinbase, context);
  checkWitnessCommitment(proposal);
  checkWeight(proposal);
  const value = proposal.coinbase.outputs.reduce((sum, output) => sum + output.value, 0n);
  if (value > context.maxCoinbaseValue) {
    refuse(
      'bad-cb-amount',
      `the coinbase pays ${value} satoshis, subsidy and fees are ${context.maxCoinbaseValue}`,
      { value },
    );
  }
};

const refuse = (code: string, message: string, detail: Readonly<Record<string, unknown>> = {}): never => {
  throw new Sv2Error(code, message, detail);
};

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;

const checkHeader = (header: BlockHeader, context: BlockContext): Uint8Array => {
  const hash = blockHash(header);
  if (!meetsTarget(hash, targetFromNbits(context.nbits))) {
    refuse(
      'high-hash',
      `block hash ${toDisplayHex(hash)} is above the target of nbits ${hex(context.nbits)}`,
    );
  }
  if (!sameBytes(header.prevHash, context.prevHash)) {
    refuse(
      'bad-prevblk',
      `prevHash is ${toDisplayHex(header.prevHash)}, the block before is ${toDisplayHex(context.prevHash)}`,
    );
  }
  if (header.nbits !== context.nbits) {
    refuse('bad-diffbits', `nbits is ${hex(header.nbits)}, expected ${hex(context.nbits)}`);
  }
  if (header.ntime <= context.medianTimePast) {
    refuse(
      'time-too-old',
      `ntime ${header.ntime} isn't above the median time past ${context.medianTimePast}`,
    );
  }
  if (header.ntime > context.now + MAX_FUTURE_BLOCK_TIME) {
    refuse(
      'time-too-new',
      `ntime ${header.ntime} is more than ${MAX_FUTURE_BLOCK_TIME} s ahead of the clock, ${context.now}`,
    );
  }
  return hash;
};

const checkMerkleRoot = ({ header, coinbase, transactions }: BlockCandidate): void => {
  const { root, mutated } = merkleRoot([
    txid(coinbase),
    ...transactions.map((transaction) => transaction.txid),
  ]);
  if (!sameBytes(root, header.merkleRoot)) {
    refuse(
      'bad-txnmrklroot',
      `merkle root is ${toDisplayHex(header.merkleRoot)}, that of the transactions is ${toDisplayHex(root)}`,
    );
  }
  if (mutated)
    refuse('bad-txns-duplicate', 'the block repeats transactions without changing its merkle root');
};

const checkCoinbase = (
  { inputs, outputs, locktime }: Transaction,
  { height, medianTimePast }: Pick<BlockContext, 'height' | 'medianTimePast'>,
): void => {
  const [input] = inputs;
  if (
    input === undefined ||
    inputs.length > 1 ||
    input.previousIndex !== 0xffffffff ||
    input.previousTxid.some(Boolean)
  ) {
    return refuse(
      'bad-cb-missing',
      'the first transaction is no coinbase: it must have one input, of output 0xffffffff of txid zero',
    );
  }
  if (outputs.length === 0) refuse('bad-txns-vout-empty', 'the coinbase has no outputs');
  const { scriptSig, sequence } = input;
  if (scriptSig.length < MIN_COINBASE_SCRIPT_SIG_SIZE || scriptSig.length > MAX_COINBASE_SCRIPT_SIG_SIZE) {
    refuse(
      'bad-cb-length',
      `the coinbase scriptSig is ${scriptSig.length} bytes, ${MIN_COINBASE_SCRIPT_SIG_SIZE} to ${MAX_COINBASE_SCRIPT_SIG_SIZE} are allowed`,
      { length: scriptSig.length },
    );
  }
  const final = locktime < (locktime < 500_000_000 ? height : medianTimePast) || sequence === 0xffffffff;
  if (!final && locktime !== 0)
    refuse('bad-txns-nonfinal', `the coinbase's locktime ${locktime} isn't past at height ${height}`);
  const expected = encodeBip34Height(height);
  if (!sameBytes(scriptSig.subarray(0, expected.length), expected)) {
    refuse(
      'bad-cb-height',
      `the coinbase begins with height ${decodeBip34Height(scriptSig) ?? 'none'}, expected ${height}`,
    );
  }
};

const checkWitnessCommitment = ({
  coinbase,
  transactions,
}: Pick<BlockCandidate, 'coinbase' | 'transactions'>): void => {
  const commitment = findWitnessCommitment(coinbase.outputs);
  const witness = coinbase.inputs[0]?.witness ?? [];
  if (commitment === null) {
    if (
      witness.length > 0 ||
      transactions.some((transaction) => !sameBytes(transaction.txid, transaction.wtxid))
    ) {
      refuse('unexpected-witness', 'the block has witnesses, but its coinbase has no witness commitment');
    }
    return;
  }
  const [reservedValue] = witness;
  if (reservedValue?.length !== 32 || witness.length !== 1) {
    return refuse(
      'bad-witness-nonce-size',
      `the coinbase's witness must be one element of 32 bytes, got elements of [${witness.map(({ length }) => length).join(', ')}] bytes`,
    );
  }
  const expected = witnessCommitment(
    witnessMerkleRoot(transactions.map(({ wtxid }) => wtxid)),
    reservedValue,
  );
  if (!sameBytes(commitment, expected)) {
    refuse(
      'bad-witness-merkle-match',
      `witness commitment is ${toDisplayHex(commitment)}, expected ${toDisplayHex(expected)}`,
    );
  }
};

const checkWeight = ({ coinbase, transactions }: Pick<BlockCandidate, 'coinbase' | 'transactions'>): void => {
  const overhead = 4 * (80 + encodeCompactSize(1 + transactions.length).length);
  const weight = transactions.reduce(
    (sum, transaction) => sum + transaction.weight,
    overhead + transactionWeight(coinbase),
  );
  if (weight > MAX_BLOCK_WEIGHT)
    refuse('bad-blk-weight', `the block weighs ${weight}, at most ${MAX_BLOCK_WEIGHT} are allowed`, {
      weight,
    });
};
