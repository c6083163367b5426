import { blockHash, serialiseBlockHeader } from '../../bitcoin/block-header.js';
import { joinBlock } from '../../bitcoin/block.js';
import { merkleRootFromPath } from '../../bitcoin/merkle.js';
import { parseTransaction, txid } from '../../bitcoin/transaction.js';
import type { SubmitSolution } from '../../messages/template-distribution.js';
import type { SolvedBlock } from './block-source.js';
import type { ProvidedTemplate } from './template-store.js';

/**
 * The block that a solution makes of its template (spec §7.7).
 * @param provided the template that the solution names
 * @throws Sv2Error if the coinbase is no serialised transaction: `truncated`, `trailing-bytes`,
 * `non-canonical-compact-size`, `invalid-transaction`
 */
export function assembleBlock(provided: ProvidedTemplate, solution: SubmitSolution): SolvedBlock {
  const { block, selection, message } = provided;
  const coinbaseTxid = txid(parseTransaction(solution.coinbaseTx));
  const header = serialiseBlockHeader({
    version: solution.version,
    prevHash: block.prevHash,
    merkleRoot: merkleRootFromPath(coinbaseTxid, message.merklePath),
    ntime: solution.headerTimestamp,
    nbits: block.nbits,
    nonce: solution.headerNonce,
  });
  return {
    bytes: joinBlock(header, [solution.coinbaseTx, ...selection.transactions.map(({ data }) => data)]),
    hash: blockHash(header),
    height: block.height,
  };
}
