/** Messages of the Template Distribution Protocol (spec chapter 7). Field names are the specification's in camelCase. */
import { B0_16M, B0_255, B0_64K, STR0_255, U256 } from '../codec/bytes.js';
import { BOOL, U16, U32, U64 } from '../codec/scalars.js';
import { SEQ0_255, SEQ0_64K } from '../codec/sequences.js';
import { defineMessage, type MessageOf } from './define-message.js';

/** Tells how many bytes and sigops the client will add to the coinbase outputs. (spec §7.1) */
export const CoinbaseOutputConstraints = defineMessage('CoinbaseOutputConstraints', {
  protocol: 'templateDistribution',
  sentBy: 'client',
  messageType: 0x70,
  channelMessage: false,
  fields: {
    coinbaseOutputMaxAdditionalSize: U32,
    coinbaseOutputMaxAdditionalSigops: U16,
  },
});
/** What {@link CoinbaseOutputConstraints} makes. */
export type CoinbaseOutputConstraints = MessageOf<typeof CoinbaseOutputConstraints>;

/** A block template; `coinbaseTxValueRemaining` is in satoshis, outputs have no count before them. (spec §7.2) */
export const NewTemplate = defineMessage('NewTemplate', {
  protocol: 'templateDistribution',
  sentBy: 'server',
  messageType: 0x71,
  channelMessage: false,
  fields: {
    templateId: U64,
    futureTemplate: BOOL,
    version: U32,
    coinbaseTxVersion: U32,
    coinbasePrefix: B0_255,
    coinbaseTxInputSequence: U32,
    coinbaseTxValueRemaining: U64,
    coinbaseTxOutputsCount: U32,
    coinbaseTxOutputs: B0_64K,
    coinbaseTxLocktime: U32,
    merklePath: SEQ0_255(U256),
  },
});
/** What {@link NewTemplate} makes. */
export type NewTemplate = MessageOf<typeof NewTemplate>;

/** Makes a future template the current one on a new previous block. (spec §7.3) */
export const SetNewPrevHashTemplate = defineMessage('TemplateDistribution.SetNewPrevHash', {
  name: 'SetNewPrevHash',
  protocol: 'templateDistribution',
  sentBy: 'server',
  messageType: 0x72,
  channelMessage: false,
  fields: {
    templateId: U64,
    prevHash: U256,
    headerTimestamp: U32,
    nBits: U32,
    target: U256,
  },
});
/** What {@link SetNewPrevHashTemplate} makes. */
export type SetNewPrevHashTemplate = MessageOf<typeof SetNewPrevHashTemplate>;

/** Asks for the transactions of a template. (spec §7.4) */
export const RequestTransactionData = defineMessage('RequestTransactionData', {
  protocol: 'templateDistribution',
  sentBy: 'client',
  messageType: 0x73,
  channelMessage: false,
  fields: {
    templateId: U64,
  },
});
/** What {@link RequestTransactionData} makes. */
export type RequestTransactionData = MessageOf<typeof RequestTransactionData>;

/** Gives the transactions of a template, without the coinbase. (spec §7.5) */
export const RequestTransactionDataSuccess = defineMessage('RequestTransactionData.Success', {
  protocol: 'templateDistribution',
  sentBy: 'server',
  messageType: 0x74,
  channelMessage: false,
  fields: {
    templateId: U64,
    excessData: B0_64K,
    transactionList: SEQ0_64K(B0_16M),
  },
});
/** What {@link RequestTransactionDataSuccess} makes. */
export type RequestTransactionDataSuccess = MessageOf<typeof RequestTransactionDataSuccess>;

/** Says why there are no transactions for a template. (spec §7.6) */
export const RequestTransactionDataError = defineMessage('RequestTransactionData.Error', {
  protocol: 'templateDistribution',
  sentBy: 'server',
  messageType: 0x75,
  channelMessage: false,
  fields: {
    templateId: U64,
    errorCode: STR0_255,
  },
});
/** What {@link RequestTransactionDataError} makes. */
export type RequestTransactionDataError = MessageOf<typeof RequestTransactionDataError>;

/** A found block; the coinbase keeps its BIP 141 fields. (spec §7.7) */
export const SubmitSolution = defineMessage('SubmitSolution', {
  protocol: 'templateDistribution',
  sentBy: 'client',
  messageType: 0x76,
  channelMessage: false,
  fields: {
    templateId: U64,
    version: U32,
    headerTimestamp: U32,
    headerNonce: U32,
    coinbaseTx: B0_64K,
  },
});
/** What {@link SubmitSolution} makes. */
export type SubmitSolution = MessageOf<typeof SubmitSolution>;
