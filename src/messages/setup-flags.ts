/** Flags a mining client sets in SetupConnection (spec §5.3.1). */
export const miningSetupFlags = {
  requiresStandardJobs: 1 << 0,
  requiresWorkSelection: 1 << 1,
  requiresVersionRolling: 1 << 2,
} as const;

/** Flags a mining server sets in SetupConnection.Success (spec §5.3.1). */
export const miningSuccessFlags = {
  requiresFixedVersion: 1 << 0,
  requiresExtendedChannels: 1 << 1,
} as const;

/** Flags a job declaration client sets in SetupConnection (spec §6.4.1). */
export const jobDeclarationSetupFlags = {
  declareTxData: 1 << 0,
} as const;
