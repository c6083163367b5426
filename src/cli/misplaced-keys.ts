/** Finds secret keys in settings that others get to see. */
import { Sv2Error } from '../codec/errors.js';
import { decodeAuthoritySecretKey } from '../noise/authority-key.js';

/** Runs of the alphabet of base58, with enough letters for 32 bytes and a checksum. */
const base58Runs = /[1-9A-HJ-NP-Za-km-z]{40,}/g;

/**
 * Whether a text holds an authority secret key, whole and with its checksum, as `sv2 keygen` prints it. (A text that
 * only resembles one may be an address or an extended public key.)
 */
export function holdsSecretKey(text: string): boolean {
  return (text.match(base58Runs) ?? []).some((run) => {
    try {
      decodeAuthoritySecretKey(run).fill(0);
      return true;
    } catch (error) {
      if (error instanceof Sv2Error) return false;
      throw error;
    }
  });
}
