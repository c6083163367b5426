/**
 * The error codes this library sends, as strings of the specification (§5.3) and of the reference
 * implementation (`mining_sv2`, and its pool). Other servers may send others.
 */

/** `OpenMiningChannel.Error.errorCode`. */
export type OpenMiningChannelErrorCode =
  | 'unknown-user'
  | 'max-target-out-of-range'
  | 'invalid-nominal-hashrate'
  | 'min-extranonce-size-too-large'
  /** A standard channel on a connection with REQUIRES_WORK_SELECTION. */
  | 'standard-channels-not-supported-for-custom-work'
  /** An extended channel on a connection with REQUIRES_STANDARD_JOBS. */
  | 'extended-channels-not-supported-for-standard-jobs'
  /** All extranonce prefixes are taken, or were on a recent previous hash. */
  | 'channel-capacity-exhausted'
  /** Our own: the connection's limit is reached. */
  | 'too-many-channels';

/** `UpdateChannel.Error.errorCode`. */
export type UpdateChannelErrorCode =
  'invalid-channel-id' | 'invalid-nominal-hashrate' | 'max-target-out-of-range';

/** `SubmitShares.Error.errorCode`. */
export type SubmitSharesErrorCode =
  | 'invalid-channel-id'
  | 'invalid-job-id'
  | 'stale-share'
  | 'duplicate-share'
  | 'difficulty-too-low'
  | 'bad-extranonce-size'
  | 'version-rolling-not-allowed'
  /** A version bit outside of BIP 323's was changed. */
  | 'invalid-non-rollable-version-bit'
  /** The ntime is out of range (the reference implementation has no code of its own for it). */
  | 'invalid-share';

/**
 * `SetCustomMiningJob.Error.errorCode`. The codes from `invalid-mining-job-token` on need to know what was
 * declared, so they are for `MiningServerOptions.acceptCustomJob` to give.
 */
export type SetCustomMiningJobErrorCode =
  | 'jd-not-supported'
  | 'invalid-channel-id'
  | 'stale-chain-tip'
  | 'invalid-min-ntime'
  | 'invalid-nbits'
  | 'invalid-merkle-path'
  | 'invalid-coinbase-prefix'
  | 'invalid-coinbase-tx-outputs'
  /** Our own: the connection was set up without REQUIRES_WORK_SELECTION. */
  | 'work-selection-not-negotiated'
  /** Draft extension 0x0003. */
  | 'stale-payout-distribution'
  /** Draft extension 0x0003. */
  | 'invalid-payout-distribution'
  | 'invalid-mining-job-token'
  | 'job-not-yet-validated'
  | 'pool-payout-script-missing'
  | 'invalid-version'
  | 'invalid-coinbase-tx'
  | 'invalid-coinbase-tx-version'
  | 'invalid-coinbase-tx-input-n-sequence'
  | 'invalid-coinbase-tx-locktime';
