import { BLOCK_HEADER_SIZE, parseBlockHeader, serialiseBlockHeader } from './block-header.js';
import type { BlockHeader } from './block-header.js';
import { encodeCompactSize } from './compact-size.js';
import { concatBytes, createConsensusReader } from './consensus-bytes.js';
import { readTransaction, serialiseTransaction } from './transaction.js';
import type { Transaction } from './transaction.js';

/** A block: its header and its transactions, the coinbase first. */
export interface Block {
  readonly header: BlockHeader;
  readonly transactions: readonly Transaction[];
}

/** The smallest serialised transaction: version, one input, no outputs, locktime. */
const MIN_TRANSACTION_SIZE = 51;

/**
 * Parses a serialised block. Checks the serialisation only; for the consensus rules see `checkBlock`.
 *
 * @param bytes the block and nothing else
 * @returns the block; hashes, scripts and witnesses are views of `bytes`
 * @throws Sv2Error `truncated`, `trailing-bytes`, `non-canonical-compact-size`, `invalid-transaction`
 */
export const parseBlock = (bytes: Uint8Array): Block => {
  const reader = createConsensusReader(bytes, 'block');
  const header = parseBlockHeader(reader.bytes(BLOCK_HEADER_SIZE, 'header'));
  const count = reader.count(MIN_TRANSACTION_SIZE, 'transactions');
  const transactions: Transaction[] = [];
  for (let index = 0; index < count; index++) transactions.push(readTransaction(reader));
  reader.end();
  return { header, transactions };
};

/**
 * Serialises a block, with witnesses where there are any.
 *
 * @throws Sv2Error as `serialiseBlockHeader` and `serialiseTransaction`
 */
export const serialiseBlock = ({ header, transactions }: Block): Uint8Array =>
  joinBlock(serialiseBlockHeader(header), transactions.map(serialiseTransaction));

/**
 * A serialised block from its serialised parts.
 *
 * @param header 80 bytes
 * @param transactions each serialised with its witnesses, the coinbase first
 */
export const joinBlock = (header: Uint8Array, transactions: readonly Uint8Array[]): Uint8Array =>
  concatBytes([header, encodeCompactSize(transactions.length), ...transactions]);
