/** Messages of the Job Declaration Protocol (spec §6.4). Field names are the specification's in camelCase. */
import { B0_16M, B0_255, B0_32, B0_64K, STR0_255, U256 } from '../codec/bytes.js';
import { U16, U32 } from '../codec/scalars.js';
import { SEQ0_64K } from '../codec/sequences.js';
import { defineMessage, type MessageOf } from './define-message.js';

/** Asks for a token to declare a job with. (spec §6.4.2) */
export const AllocateMiningJobToken = defineMessage('AllocateMiningJobToken', {
  protocol: 'jobDeclaration',
  sentBy: 'client',
  messageType: 0x50,
  channelMessage: false,
  fields: {
    userIdentifier: STR0_255,
    requestId: U32,
  },
});
/** What {@link AllocateMiningJobToken} makes. */
export type AllocateMiningJobToken = MessageOf<typeof AllocateMiningJobToken>;

/** Gives a token and the outputs the pool wants (behind a CompactSize count). (spec §6.4.3) */
export const AllocateMiningJobTokenSuccess = defineMessage('AllocateMiningJobToken.Success', {
  protocol: 'jobDeclaration',
  sentBy: 'server',
  messageType: 0x51,
  channelMessage: false,
  fields: {
    requestId: U32,
    miningJobToken: B0_255,
    coinbaseTxOutputs: B0_64K,
  },
});
/** What {@link AllocateMiningJobTokenSuccess} makes. */
export type AllocateMiningJobTokenSuccess = MessageOf<typeof AllocateMiningJobTokenSuccess>;

/** Asks for transactions of a declared job by position, without the coinbase. (spec §6.4.7) */
export const ProvideMissingTransactions = defineMessage('ProvideMissingTransactions', {
  protocol: 'jobDeclaration',
  sentBy: 'server',
  messageType: 0x55,
  channelMessage: false,
  fields: {
    requestId: U32,
    unknownTxPositionList: SEQ0_64K(U16),
  },
});
/** What {@link ProvideMissingTransactions} makes. */
export type ProvideMissingTransactions = MessageOf<typeof ProvideMissingTransactions>;

/** Gives the transactions asked for, in that order. (spec §6.4.8) */
export const ProvideMissingTransactionsSuccess = defineMessage('ProvideMissingTransactions.Success', {
  protocol: 'jobDeclaration',
  sentBy: 'client',
  messageType: 0x56,
  channelMessage: false,
  fields: {
    requestId: U32,
    transactionList: SEQ0_64K(B0_16M),
  },
});
/** What {@link ProvideMissingTransactionsSuccess} makes. */
export type ProvideMissingTransactionsSuccess = MessageOf<typeof ProvideMissingTransactionsSuccess>;

/** Declares a job; the coinbase keeps its BIP 141 fields. (spec §6.4.4) */
export const DeclareMiningJob = defineMessage('DeclareMiningJob', {
  protocol: 'jobDeclaration',
  sentBy: 'client',
  messageType: 0x57,
  channelMessage: false,
  fields: {
    requestId: U32,
    miningJobToken: B0_255,
    version: U32,
    coinbaseTxPrefix: B0_64K,
    coinbaseTxSuffix: B0_64K,
    wtxidList: SEQ0_64K(U256),
    excessData: B0_64K,
  },
});
/** What {@link DeclareMiningJob} makes. */
export type DeclareMiningJob = MessageOf<typeof DeclareMiningJob>;

/** Accepts a declared job. (spec §6.4.5) */
export const DeclareMiningJobSuccess = defineMessage('DeclareMiningJob.Success', {
  protocol: 'jobDeclaration',
  sentBy: 'server',
  messageType: 0x58,
  channelMessage: false,
  fields: {
    requestId: U32,
    newMiningJobToken: B0_255,
  },
});
/** What {@link DeclareMiningJobSuccess} makes. */
export type DeclareMiningJobSuccess = MessageOf<typeof DeclareMiningJobSuccess>;

/** Refuses a declared job. (spec §6.4.6) */
export const DeclareMiningJobError = defineMessage('DeclareMiningJob.Error', {
  protocol: 'jobDeclaration',
  sentBy: 'server',
  messageType: 0x59,
  channelMessage: false,
  fields: {
    requestId: U32,
    errorCode: STR0_255,
    errorDetails: B0_64K,
  },
});
/** What {@link DeclareMiningJobError} makes. */
export type DeclareMiningJobError = MessageOf<typeof DeclareMiningJobError>;

/** A found block of the last declared job; `extranonce` is the full one. (spec §6.4.9) */
export const PushSolution = defineMessage('PushSolution', {
  protocol: 'jobDeclaration',
  sentBy: 'client',
  messageType: 0x60,
  channelMessage: false,
  fields: {
    extranonce: B0_32,
    prevHash: U256,
    nonce: U32,
    ntime: U32,
    nbits: U32,
    version: U32,
  },
});
/** What {@link PushSolution} makes. */
export type PushSolution = MessageOf<typeof PushSolution>;
