/** Keeps secret keys that were put in the wrong place out of everything that the command says. */
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

/**
 * A text without what could be a key, or the greater part of one: runs of 20 letters and digits or more that mix
 * digits, capitals and small letters, and 40 hex digits or more.
 */
export function withoutKeys(text: string): string {
  return text
    .replace(/[0-9A-Za-z]{20,}/g, (run) => (isMixed(run) ? hidden(run) : run))
    .replace(/[0-9a-f]{40,}/gi, hidden);
}

const isMixed = (run: string): boolean => [/\d/, /[A-Z]/, /[a-z]/].every((kind) => kind.test(run));

const hidden = (run: string): string => `(${run.length} characters, hidden: they may be a secret)`;
