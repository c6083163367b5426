export * from './accounts.js';
export * from './apportion.js';
export * from './audit.js';
export * from './block-journal.js';
export * from './bookkeeping.js';
export * from './credit-report.js';
export { distributedAsPaid } from './declared-payout.js';
export {
  BASIS_POINTS,
  distribute,
  divideBlock,
  type BlockDivision,
  type Cut,
  type Distribution,
  type DistributionRules,
  type Payment,
} from './distribution.js';
export * from './export.js';
export * from './fraction.js';
export * from './identity.js';
export { memoryStore, type MemoryStoreOptions } from './memory-store.js';
export { payoutCheck, type PayoutCheck } from './payout-check.js';
export * from './payout-demand.js';
export * from './output-costs.js';
export * from './payees.js';
export * from './pay-per-share.js';
export * from './payout-plan.js';
export * from './receipts.js';
export * from './record.js';
export * from './record-codec.js';
export { roundWork, type RoundWork } from './round-work.js';
export * from './server-lease.js';
export * from './settlement.js';
export * from './sliding-window.js';
export { freezeSolo, type SoloPayee } from './solo-payout.js';
export * from './spool.js';
export * from './statement.js';
export type * from './store.js';
export * from './window.js';
