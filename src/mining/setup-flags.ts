/**
 * Bits of `SetupConnection.flags` and `SetupConnection.Success.flags` in the Mining Protocol (spec §5.3.1).
 */

/** SetupConnection: the client can't process extended jobs. */
export const REQUIRES_STANDARD_JOBS = 1 << 0;
/** SetupConnection: the client will send SetCustomMiningJob. */
export const REQUIRES_WORK_SELECTION = 1 << 1;
/** SetupConnection: the client needs to roll version bits. */
export const REQUIRES_VERSION_ROLLING = 1 << 2;

/** SetupConnection.Success: the server accepts no changes to the version. */
export const REQUIRES_FIXED_VERSION = 1 << 0;
/** SetupConnection.Success: the server opens no standard channels. */
export const REQUIRES_EXTENDED_CHANNELS = 1 << 1;
