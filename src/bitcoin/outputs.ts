import { concatBytes, createConsensusReader, u64Bytes, varBytes } from './consensus-bytes.js';
import type { ConsensusReader } from './consensus-bytes.js';
import { encodeCompactSize } from './compact-size.js';

/** A transaction output: an amount in satoshis (U64) and the script that locks it, without its length. */
export interface TxOut {
  readonly value: bigint;
  readonly scriptPubKey: Uint8Array;
}

/** The smallest serialised output: an amount and the length of an empty script. */
export const MIN_OUTPUT_SIZE = 9;

/** Reads one output. Its script is a view of the reader's source. */
export const readOutput = (reader: ConsensusReader, index: number): TxOut => ({
  value: reader.u64(`output ${index} value`),
  scriptPubKey: reader.varBytes(`output ${index} script`),
});

/**
 * Parses outputs that aren't preceded by their count, as in `NewTemplate.coinbaseTxOutputs`.
 *
 * @param bytes the outputs one after another and nothing else
 * @param count how many there must be, `NewTemplate.coinbaseTxOutputsCount`
 * @returns the outputs; scripts are views of `bytes`
 * @throws Sv2Error `truncated`, `trailing-bytes`, `non-canonical-compact-size`
 */
export const parseTemplateOutputs = (bytes: Uint8Array, count: number): TxOut[] => {
  const reader = createConsensusReader(bytes, 'coinbase outputs');
  const outputs: TxOut[] = [];
  for (let index = 0; index < count; index++) outputs.push(readOutput(reader, index));
  reader.end();
  return outputs;
};

/**
 * Parses outputs behind their count as CompactSize, as in `SetCustomMiningJob.coinbaseTxOutputs` and
 * `AllocateMiningJobToken.Success.coinbaseTxOutputs`.
 *
 * @param bytes the count, the outputs and nothing else
 * @returns the outputs; scripts are views of `bytes`
 * @throws Sv2Error `truncated`, `trailing-bytes`, `non-canonical-compact-size`
 */
export const parseOutputs = (bytes: Uint8Array): TxOut[] => {
  const reader = createConsensusReader(bytes, 'coinbase outputs');
  const count = reader.count(MIN_OUTPUT_SIZE, 'outputs');
  const outputs: TxOut[] = [];
  for (let index = 0; index < count; index++) outputs.push(readOutput(reader, index));
  reader.end();
  return outputs;
};

/**
 * Serialises one output: value, script length, script.
 *
 * @throws Sv2Error `out-of-range` when the value isn't a U64
 */
export const serialiseOutput = (output: TxOut): Uint8Array =>
  concatBytes([u64Bytes(output.value, 'output value'), varBytes(output.scriptPubKey)]);

/**
 * Serialises outputs without a count: the inverse of {@link parseTemplateOutputs}.
 *
 * @throws Sv2Error `out-of-range` when a value isn't a U64
 */
export const serialiseTemplateOutputs = (outputs: readonly TxOut[]): Uint8Array =>
  concatBytes(outputs.map(serialiseOutput));

/**
 * Serialises outputs behind their count as CompactSize: the inverse of {@link parseOutputs}.
 *
 * @throws Sv2Error `out-of-range` when a value isn't a U64
 */
export const serialiseOutputs = (outputs: readonly TxOut[]): Uint8Array =>
  concatBytes([encodeCompactSize(outputs.length), serialiseTemplateOutputs(outputs)]);
