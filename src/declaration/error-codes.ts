/** The error codes of job declaration that this library sends: those of the reference implementation, and some of our own. */

/** `DeclareMiningJob.Error.errorCode`; `job_declaration_sv2` has all but those said to be our own. */
export type DeclareMiningJobErrorCode =
  | 'invalid-mining-job-token'
  | 'invalid-coinbase-tx'
  | 'invalid-coinbase-tx-input'
  | 'missing-txs'
  | 'stale-chain-tip'
  | 'invalid-job'
  | 'internal-error'
  /** Our own: the coinbase pays the pool less than it must. */
  | 'invalid-coinbase-tx-outputs'
  /** Our own: the coinbase lacks an output of the pool's. */
  | 'pool-payout-script-missing'
  /** Draft extension 0x0003: the distribution is another now; not a reason to leave unless it goes on. */
  | 'stale-payout-distribution'
  /** Draft extension 0x0003: the coinbase does not pay by the distribution that it names. */
  | 'invalid-payout-distribution'
  /** Our own: there are too many declarations of this client under way. */
  | 'too-many-declarations';
