import { blockHash, serialiseBlockHeader } from '../../bitcoin/block-header.js';
import { joinBlock } from '../../bitcoin/block.js';
import { toDisplayHex } from '../../bitcoin/hash.js';
import { merkleRootFromPath } from '../../bitcoin/merkle.js';
import { meetsTarget, targetFromNbits } from '../../bitcoin/target.js';
import { parseTransaction, txid } from '../../bitcoin/transaction.js';
import { Sv2Error } from '../../codec/errors.js';
import type { SubmitSolution } from '../../messages/template-distribution.js';
import type { SolvedBlock } from './block-source.js';
import type { ProvidedTemplate } from './live-templates.js';

/**
 * The block that a solution makes of its template (spec §7.7), if it has the proof of work that the template asks for.
 * @param provided the template that the solution names
 * @throws Sv2Error `high-hash` (Bitcoin Core's word) if the header misses the target; if the coinbase is no serialised
 * transaction `truncated`, `trailing-bytes`, `non-canonical-compact-size`, `invalid-transaction`
 */
export function assembleBlock(provided: ProvidedTemplate, solution: SubmitSolution): SolvedBlock {
  const { prevHash, nbits, height, transactions, message } = provided;
  const header = serialiseBlockHeader({
    version: solution.version,
    prevHash,
    merkleRoot: merkleRootFromPath(coinbaseTxid(solution), message.merklePath),
    ntime: solution.headerTimestamp,
    nbits,
    nonce: solution.headerNonce,
  });
  const hash = blockHash(header);
  if (!meetsTarget(hash, targetFromNbits(nbits))) {
    const target = nbits.toString(16).padStart(8, '0');
    throw new Sv2Error('high-hash', `its hash ${toDisplayHex(hash)} is above the target of nbits ${target}`, {
      hash,
      nbits,
    });
  }
  return { bytes: joinBlock(header, [solution.coinbaseTx, ...transactions]), hash, height };
}

function coinbaseTxid({ coinbaseTx }: SubmitSolution): Uint8Array {
  try {
    return txid(parseTransaction(coinbaseTx));
  } catch (error) {
    if (!(error instanceof Sv2Error)) throw error;
    throw new Sv2Error(error.code, `the coinbase is no transaction: ${error.message}`, error.detail, error);
  }
}
