/** Bitaxe's firmware (esp-miner, components/stratum_v2/include/sv2_protocol.h), as far as a pool can notice. */
import { OpenExtendedMiningChannel, OpenStandardMiningChannel } from '../../src/messages/index.js';
import type { Firmware } from './device.js';

const common = {
  requestId: 1,
  userIdentity: 'bitaxe.1',
  nominalHashRate: 1e12,
  maxTarget: new Uint8Array(32).fill(0xff),
};

/** One that opens a channel of this kind. */
export const bitaxe = (kind: 'standard' | 'extended'): Firmware => ({
  vendor: 'bitaxe',
  flags: kind === 'standard' ? 1 : 0,
  request:
    kind === 'standard'
      ? OpenStandardMiningChannel(common)
      : OpenExtendedMiningChannel({ ...common, minExtranonceSize: 2 }),
  // it knows 0x00 to 0x02, 0x10 to 0x15, 0x1a to 0x1d and 0x1f to 0x21
  ignores: ['SetExtranoncePrefix', 'CloseChannel', 'Reconnect', 'SetGroupChannel', 'UpdateChannel.Error'],
  maxFrame: 8_192,
  maxFutureJobs: 8,
  maxMerklePath: 20,
  maxSilence: 180_000,
  reconnectAfter: 5_000,
  fallsBackAt: [],
});
