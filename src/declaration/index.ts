export type * from './job-declarator-types.js';
export { jobDeclarator } from './job-declarator.js';
export type { DeclaredJob, DeclarationTip } from './declared-job.js';
export {
  proposalOf,
  type CustomBlock,
  type DeclaredBlock,
  type ReconstructedBlock,
} from './declared-block.js';
export * from './declared-coinbase.js';
export type * from './error-codes.js';
export type { KnownTransaction } from './known-transactions.js';
export * from './payout-distribution.js';
export { SetPayoutDistribution, payoutDistribution } from './payout-messages.js';
export { leastPayout, type PoolOutputs } from './pool-outputs.js';
export {
  sealedCustomJobs,
  type SealedCustomJobs,
  type SealedCustomJobsOptions,
} from './sealed-custom-jobs.js';
export * from './token-seal.js';
export { defaultTokenLimits, type TokenLimits } from './tokens.js';
export { declaringClient } from './declaring-client.js';
export type * from './declaring-client-types.js';
