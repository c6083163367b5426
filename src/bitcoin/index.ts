export * from './block-header.js';
export * from './block.js';
export * from './coinbase.js';
export * from './compact-size.js';
export * from './consensus.js';
export * from './descriptor-checksum.js';
export { doubleSha256, doubleSha256Pair, fromDisplayHex, toDisplayHex } from './hash.js';
export * from './merkle.js';
export * from './midstate.js';
export {
  parseOutputs,
  parseTemplateOutputs,
  serialiseOutput,
  serialiseOutputs,
  serialiseTemplateOutputs,
} from './outputs.js';
export type { TxOut } from './outputs.js';
export * from './payout-script.js';
export * from './script.js';
export * from './target.js';
export {
  parseTransaction,
  serialiseStrippedTransaction,
  serialiseTransaction,
  stripWitness,
  transactionWeight,
  txid,
  wtxid,
} from './transaction.js';
export type { Transaction, TxIn } from './transaction.js';
