/** The reference's translator (sv2-apps 06e4adb6, translator_sv2) with aggregated channels, as far as a pool can notice. */
import { OpenExtendedMiningChannel } from '../../src/messages/index.js';
import { miningSetupFlags } from '../../src/messages/setup-flags.js';
import type { Firmware } from './device.js';

/** One for miners of so many hashes per second in all. */
export const translator = (hashesPerSecond: number): Firmware => ({
  vendor: 'SRI',
  flags: miningSetupFlags.requiresVersionRolling,
  request: OpenExtendedMiningChannel({
    requestId: 1,
    userIdentity: 'farm.translator-proxy',
    nominalHashRate: hashesPerSecond,
    maxTarget: new Uint8Array(32).fill(0xff),
    minExtranonceSize: 6, // downstream_extranonce2_size 4, and 2 bytes that tell its miners apart
  }),
  // it logs the first two and goes on; Reconnect and ChannelEndpointChanged are a panic at that commit
  ignores: ['SetExtranoncePrefix', 'NewMiningJob'],
  maxFrame: 2 ** 24,
  maxFutureJobs: 16,
  maxMerklePath: 255,
  reconnectAfter: 1_000,
  fallsBackAt: ['OpenMiningChannel.Error', 'CloseChannel', 'Reconnect', 'ChannelEndpointChanged'],
  updateInterval: 60_000,
});
