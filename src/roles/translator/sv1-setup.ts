/** How a Stratum V1 miner is introduced to a mining server, and a translator to a pool. */
import { SetupConnection } from '../../messages/common.js';
import { miningSetupFlags } from '../../messages/setup-flags.js';

/** What a translator says at pools that it is, as the reference implementation's does: monitoring tells it from miners by this. */
export const translatorHardware = 'Translator Proxy';

/** The SetupConnection of a miner. @param userAgent what it says that it is; null if it does not */
export const setupConnection = (userAgent: string | null): SetupConnection =>
  SetupConnection({
    protocol: 0,
    minVersion: 2,
    maxVersion: 2,
    flags: miningSetupFlags.requiresVersionRolling,
    endpointHost: '',
    endpointPort: 0,
    vendor: 'Stratum V1',
    hardwareVersion: '',
    firmware: printableText(userAgent ?? ''),
    deviceId: '',
  });

/** Text without control characters, as Stratum V2 has it, of 255 bytes at most. */
const printableText = (text: string): string =>
  [...text]
    .filter(
      (character) => character >= ' ' && character !== '\x7f' && !/[\ud800-\udfff\ufffd]/.test(character),
    )
    .join('')
    .slice(0, 80);
