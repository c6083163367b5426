import {
  merklePathOfCoinbase,
  witnessCommitment,
  witnessCommitmentScript,
  witnessMerkleRoot,
} from '../../bitcoin/merkle.js';
import { serialiseTemplateOutputs } from '../../bitcoin/outputs.js';
import { encodeBip34Height } from '../../bitcoin/script.js';
import { NewTemplate } from '../../messages/template-distribution.js';
import type { BlockTemplate, TemplateTransaction } from './block-source.js';
import type { Selection } from './select-transactions.js';

/** What templates with the same transactions have in common. */
export interface TemplateContents {
  /** Serialised, with witnesses, in block order, without the coinbase. */
  readonly transactions: readonly Uint8Array[];
  readonly merklePath: readonly Uint8Array[];
  /** The witness commitment; none in a block without. */
  readonly outputs: { readonly count: number; readonly bytes: Uint8Array };
}

/**
 * Makes a function that looks a selection's contents up, or makes them: thousands of hashes, and a list that takes
 * 8 bytes a transaction. Selections with the same list of transactions share them.
 */
export function templateContents(): (selection: Selection) => TemplateContents {
  const known = new WeakMap<readonly TemplateTransaction[], TemplateContents>();
  return ({ transactions, hasCommitment }) => {
    let contents = known.get(transactions);
    if (contents === undefined) {
      contents = {
        transactions: transactions.map(({ data }) => data),
        merklePath: merklePathOfCoinbase(transactions.map(({ txid }) => txid)),
        outputs: hasCommitment ? commitmentOutputs(transactions) : { count: 0, bytes: new Uint8Array(0) },
      };
      known.set(transactions, contents);
    }
    return contents;
  };
}

function commitmentOutputs(transactions: readonly TemplateTransaction[]): TemplateContents['outputs'] {
  const commitment = witnessCommitment(witnessMerkleRoot(transactions.map(({ wtxid }) => wtxid)));
  const output = { value: 0n, scriptPubKey: witnessCommitmentScript(commitment) };
  return { count: 1, bytes: serialiseTemplateOutputs([output]) };
}

/** The message for a template: its coinbase has version 2 and a final sequence, and pays its witness commitment last. */
export const newTemplate = (
  templateId: bigint,
  { height, version }: BlockTemplate,
  { coinbaseValue }: Selection,
  { merklePath, outputs }: TemplateContents,
): NewTemplate =>
  NewTemplate({
    templateId,
    futureTemplate: false,
    version,
    coinbaseTxVersion: 2,
    coinbasePrefix: encodeBip34Height(height),
    coinbaseTxInputSequence: 0xffff_ffff,
    coinbaseTxValueRemaining: coinbaseValue,
    coinbaseTxOutputsCount: outputs.count,
    coinbaseTxOutputs: outputs.bytes,
    coinbaseTxLocktime: 0,
    merklePath,
  });
