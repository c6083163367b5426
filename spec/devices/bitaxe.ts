/** Bitaxe's firmware (esp-miner, components/stratum_v2/include/sv2_protocol.h), as far as a pool can notice. */
import type { Firmware } from './firmware.js';

/** One that opens a channel of this kind. */
export const bitaxe = (kind: 'standard' | 'extended'): Firmware => ({
  vendor: 'bitaxe',
  flags: kind === 'standard' ? 1 : 0,
  kind,
  userIdentity: `bitaxe.${kind}`,
  nominalHashRate: 1e12,
  minExtranonceSize: 2,
  knows: [
    ...[0x00, 0x01, 0x02],
    ...[0x10, 0x11, 0x12, 0x13, 0x14, 0x15],
    ...[0x1a, 0x1b, 0x1c, 0x1d],
    ...[0x1f, 0x20, 0x21],
  ],
  maxFrame: 8_192,
  maxFutureJobs: 8,
  maxMerklePath: 20,
  maxSilence: 180_000,
  reconnectAfter: 5_000,
  fallsBackAt: [],
});
