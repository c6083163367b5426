/** The reference's translator (sv2-apps 06e4adb6, translator_sv2) with aggregated channels, as far as a pool can notice. */
import { types, type Firmware } from './firmware.js';

/** One for miners of so many hashes per second in all. */
export const translator = (hashesPerSecond: number): Firmware => ({
  vendor: 'SRI',
  flags: 4, // REQUIRES_VERSION_ROLLING
  kind: 'extended',
  userIdentity: 'farm.translator-proxy',
  nominalHashRate: hashesPerSecond,
  minExtranonceSize: 6, // downstream_extranonce2_size 4, and 2 bytes that tell its miners apart
  // it logs SetExtranoncePrefix and NewMiningJob, and goes on
  knows: Object.values(types).filter((type) => type !== types.newMiningJob),
  maxFrame: 2 ** 24,
  maxFutureJobs: 16,
  maxMerklePath: 255,
  reconnectAfter: 1_000,
  // the last two are a panic at that commit
  fallsBackAt: [types.openError, types.closeChannel, types.reconnect, types.channelEndpointChanged],
  updateInterval: 60_000,
});
