import { Sv2Error } from '../codec/errors.js';
import { encodeCompactSize } from './compact-size.js';
import { concatBytes, createConsensusReader, u32Bytes, varBytes } from './consensus-bytes.js';
import type { ConsensusReader } from './consensus-bytes.js';
import { doubleSha256 } from './hash.js';
import { MIN_OUTPUT_SIZE, readOutput, serialiseOutputs } from './outputs.js';
import type { TxOut } from './outputs.js';

/** A transaction input: what it spends (32-byte txid in wire order, index) and how. `witness` is empty without SegWit. */
export interface TxIn {
  readonly previousTxid: Uint8Array;
  readonly previousIndex: number;
  readonly scriptSig: Uint8Array;
  readonly sequence: number;
  readonly witness: readonly Uint8Array[];
}

/** A transaction. `version` and `locktime` are U32. */
export interface Transaction {
  readonly version: number;
  readonly inputs: readonly TxIn[];
  readonly outputs: readonly TxOut[];
  readonly locktime: number;
}

const MIN_INPUT_SIZE = 41;

/**
 * Parses a serialised transaction, with (BIP 144) or without witnesses.
 *
 * @param bytes the transaction and nothing else
 * @returns the transaction; hashes, scripts and witnesses are views of `bytes`
 * @throws Sv2Error `truncated`, `trailing-bytes`, `non-canonical-compact-size`, `invalid-transaction` (no
 *   inputs, an unknown flag, or a witness marker without any witness)
 */
export const parseTransaction = (bytes: Uint8Array): Transaction => {
  const reader = createConsensusReader(bytes, 'transaction');
  const transaction = readTransaction(reader);
  reader.end();
  return transaction;
};

/** Reads one transaction; errors as in {@link parseTransaction}. */
export const readTransaction = (reader: ConsensusReader): Transaction => {
  const version = reader.u32('version');
  let inputCount = reader.count(MIN_INPUT_SIZE, 'inputs');
  const hasWitness = inputCount === 0;
  if (hasWitness) {
    const flag = reader.u8('flag');
    if (flag !== 1) {
      throw new Sv2Error(
        'invalid-transaction',
        `a transaction without inputs, or with the unknown witness flag ${flag}`,
        { flag },
      );
    }
    inputCount = reader.count(MIN_INPUT_SIZE, 'inputs');
    if (inputCount === 0) throw new Sv2Error('invalid-transaction', 'a transaction without inputs');
  }
  const unsigned: Omit<TxIn, 'witness'>[] = [];
  for (let index = 0; index < inputCount; index++) {
    unsigned.push({
      previousTxid: reader.bytes(32, `input ${index} txid`),
      previousIndex: reader.u32(`input ${index} index`),
      scriptSig: reader.varBytes(`input ${index} script`),
      sequence: reader.u32(`input ${index} sequence`),
    });
  }
  const outputCount = reader.count(MIN_OUTPUT_SIZE, 'outputs');
  const outputs: TxOut[] = [];
  for (let index = 0; index < outputCount; index++) outputs.push(readOutput(reader, index));
  const inputs = unsigned.map((input, index) => ({
    ...input,
    witness: hasWitness ? readWitness(reader, index) : [],
  }));
  if (hasWitness && inputs.every(({ witness }) => witness.length === 0)) {
    throw new Sv2Error(
      'invalid-transaction',
      'a transaction with the witness marker but without any witness',
    );
  }
  return { version, inputs, outputs, locktime: reader.u32('locktime') };
};

const readWitness = (reader: ConsensusReader, input: number): Uint8Array[] => {
  const count = reader.count(1, `witness elements of input ${input}`);
  const witness: Uint8Array[] = [];
  for (let index = 0; index < count; index++)
    witness.push(reader.varBytes(`witness element ${index} of input ${input}`));
  return witness;
};

/**
 * Serialises a transaction, with its witnesses if it has any (BIP 144).
 *
 * @throws Sv2Error `out-of-range`, `invalid-length` (a previous txid that isn't 32 bytes), `invalid-transaction` (no inputs)
 */
export const serialiseTransaction = (transaction: Transaction): Uint8Array => {
  if (transaction.inputs.every(({ witness }) => witness.length === 0))
    return serialiseStrippedTransaction(transaction);
  const [version, body, locktime] = strippedParts(transaction);
  const witnesses = transaction.inputs.flatMap(({ witness }) => [
    encodeCompactSize(witness.length),
    ...witness.map(varBytes),
  ]);
  return concatBytes([version, Uint8Array.of(0, 1), body, ...witnesses, locktime]);
};

/**
 * Serialises a transaction without its witnesses: the bytes its txid is the hash of.
 *
 * @throws Sv2Error as {@link serialiseTransaction}
 */
export const serialiseStrippedTransaction = (transaction: Transaction): Uint8Array =>
  concatBytes(strippedParts(transaction));

/**
 * The txid: the hash without witnesses.
 *
 * @returns 32 bytes in wire order
 */
export const txid = (transaction: Transaction): Uint8Array =>
  doubleSha256(serialiseStrippedTransaction(transaction));

/**
 * The wtxid (BIP 141): the hash with witnesses, which is the txid where there are none.
 *
 * @returns 32 bytes in wire order
 */
export const wtxid = (transaction: Transaction): Uint8Array =>
  doubleSha256(serialiseTransaction(transaction));

/** The weight (BIP 141): three times the size without witnesses plus the size with them, in weight units. */
export const transactionWeight = (transaction: Transaction): number =>
  3 * serialiseStrippedTransaction(transaction).length + serialiseTransaction(transaction).length;

/**
 * A serialised transaction without its witnesses.
 *
 * @param bytes a transaction with or without witnesses
 * @throws Sv2Error as {@link parseTransaction}
 */
export const stripWitness = (bytes: Uint8Array): Uint8Array =>
  serialiseStrippedTransaction(parseTransaction(bytes));

const strippedParts = ({
  version,
  inputs,
  outputs,
  locktime,
}: Transaction): [Uint8Array, Uint8Array, Uint8Array] => {
  if (inputs.length === 0) throw new Sv2Error('invalid-transaction', 'a transaction without inputs');
  const body = inputs.flatMap(({ previousTxid, previousIndex, scriptSig, sequence }) => {
    if (previousTxid.length !== 32) {
      throw new Sv2Error('invalid-length', `a previous txid must be 32 bytes, got ${previousTxid.length}`);
    }
    return [
      previousTxid,
      u32Bytes(previousIndex, 'previousIndex'),
      varBytes(scriptSig),
      u32Bytes(sequence, 'sequence'),
    ];
  });
  return [
    u32Bytes(version, 'transaction version'),
    concatBytes([encodeCompactSize(inputs.length), ...body, serialiseOutputs(outputs)]),
    u32Bytes(locktime, 'locktime'),
  ];
};
