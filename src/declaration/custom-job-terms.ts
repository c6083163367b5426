/** What a custom job is compared with: what was declared, or what a sealed token says of that. */
import { concatBytes, sameBytes } from '../bitcoin/consensus-bytes.js';
import { bytesToHex } from '../codec/hex.js';
import type { CryptoProvider } from '../crypto/index.js';
import type { JobTerms } from './declared-job.js';

/** Bytes that others must be the same as. */
export interface Committed {
  /** Whether these are the same. */
  isSame(bytes: Uint8Array): boolean;
  /** They, for people. */
  readonly shown: string;
  /** Others, so that they can be compared with `shown`. */
  showOther(bytes: Uint8Array): string;
}

/** The terms of a declared job. Numbers as in `JobTerms`. */
export interface CustomJobTerms extends Pick<
  JobTerms,
  'version' | 'coinbaseTxVersion' | 'coinbaseTxInputNSequence' | 'coinbaseTxLocktime' | 'extranonceSize'
> {
  readonly tip: Pick<JobTerms['tip'], 'prevHash' | 'nbits' | 'minTime'>;
  readonly coinbasePrefix: Committed;
  readonly coinbaseTxOutputs: Committed;
  /** The hashes one after the other. */
  readonly merklePath: Committed;
}

/** Terms whose bytes are known. */
export const knownTerms = (terms: JobTerms): CustomJobTerms => ({
  ...terms,
  coinbasePrefix: known(terms.coinbasePrefix),
  coinbaseTxOutputs: known(terms.coinbaseTxOutputs),
  merklePath: known(concatBytes(terms.merklePath)),
});

const shown = (bytes: Uint8Array): string => {
  const hex = bytesToHex(bytes.subarray(0, 100));
  return bytes.length > 100 ? `${hex}… (${bytes.length} bytes)` : hex === '' ? 'no bytes' : hex;
};

const known = (expected: Uint8Array): Committed => ({
  isSame: (bytes) => sameBytes(bytes, expected),
  shown: shown(expected),
  showOther: shown,
});

/** Bytes of which the SHA-256 alone is known. @param digest 32 bytes */
export const hashed = (digest: Uint8Array, { sha256 }: Pick<CryptoProvider, 'sha256'>): Committed => ({
  isSame: (bytes) => sameBytes(sha256(bytes), digest),
  shown: `SHA-256 ${bytesToHex(digest)}`,
  showOther: (bytes) => `SHA-256 ${bytesToHex(sha256(bytes))}`,
});
