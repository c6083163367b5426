/** Whether the pool pays for a custom job: by its declaration, or in coinbase-only mode by its token alone. */
import { buildCustomCoinbase } from '../bitcoin/coinbase.js';
import { sameBytes } from '../bitcoin/consensus-bytes.js';
import { toDisplayHex } from '../bitcoin/hash.js';
import { parseOutputs } from '../bitcoin/outputs.js';
import { decodeBip34Height } from '../bitcoin/script.js';
import { Sv2Error } from '../codec/errors.js';
import { bytesToHex } from '../codec/hex.js';
import type { SetCustomMiningJob } from '../messages/mining.js';
import type { SetCustomMiningJobErrorCode } from '../mining/error-codes.js';
import type { DeclarationTip, JobTerms } from './declared-job.js';
import type { CoinbaseCheck } from './pool-outputs.js';
import { Refusal } from './refusal.js';

/** Throws what SetCustomMiningJob.Error says. */
const refuse = (code: SetCustomMiningJobErrorCode, what: string, expected: unknown, got: unknown): never => {
  throw new Refusal<SetCustomMiningJobErrorCode>(
    code,
    `expected ${what} ${String(expected)}, got ${String(got)}`,
  );
};

const shown = (bytes: Uint8Array): string => {
  const hex = bytesToHex(bytes.subarray(0, 100));
  return bytes.length > 100 ? `${hex}… (${bytes.length} bytes)` : hex === '' ? 'no bytes' : hex;
};

/**
 * Compares a custom job with what was declared, in the order of the reference implementation: previous hash, nbits,
 * version, coinbase (version, scriptSig, sequence, outputs, locktime), merkle path; then what that does not compare.
 *
 * @param fullExtranonceSize of the channel that it is for
 * @throws Refusal with what differs
 */
export const checkCustomJob = (
  job: SetCustomMiningJob,
  terms: JobTerms,
  fullExtranonceSize: number,
): void => {
  checkTip(job, terms.tip);
  checkNumber(job, terms, 'version', 'invalid-version');
  checkNumber(job, terms, 'coinbaseTxVersion', 'invalid-coinbase-tx-version');
  checkBytes(job, terms, 'coinbasePrefix', 'invalid-coinbase-prefix');
  checkNumber(job, terms, 'coinbaseTxInputNSequence', 'invalid-coinbase-tx-input-n-sequence');
  checkBytes(job, terms, 'coinbaseTxOutputs', 'invalid-coinbase-tx-outputs');
  checkNumber(job, terms, 'coinbaseTxLocktime', 'invalid-coinbase-tx-locktime');
  if (
    job.merklePath.length !== terms.merklePath.length ||
    !job.merklePath.every((hash, index) => sameBytes(hash, terms.merklePath[index] as Uint8Array))
  ) {
    refuse(
      'invalid-merkle-path',
      'the path of the declared transactions,',
      terms.merklePath.map(toDisplayHex).join(' ') || 'none',
      job.merklePath.map(toDisplayHex).join(' ') || 'none',
    );
  }
  // the scriptSig's length is part of what was declared
  if (fullExtranonceSize !== terms.extranonceSize) {
    refuse(
      'invalid-coinbase-tx',
      "room in the declared scriptSig for the channel's full extranonce of",
      `${fullExtranonceSize} bytes`,
      `${terms.extranonceSize} bytes`,
    );
  }
};

/** The fields of a custom job whose values are of one kind. */
type FieldsOf<T> = {
  [K in keyof JobTerms & keyof SetCustomMiningJob]: SetCustomMiningJob[K] extends T ? K : never;
}[keyof JobTerms & keyof SetCustomMiningJob];

const checkNumber = (
  job: SetCustomMiningJob,
  terms: JobTerms,
  field: FieldsOf<number>,
  code: SetCustomMiningJobErrorCode,
): void => {
  if (job[field] !== terms[field]) refuse(code, `the declared ${field}`, terms[field], job[field]);
};

const checkBytes = (
  job: SetCustomMiningJob,
  terms: JobTerms,
  field: FieldsOf<Uint8Array>,
  code: SetCustomMiningJobErrorCode,
): void => {
  if (sameBytes(job[field], terms[field])) return;
  refuse(code, `the declared ${field},`, shown(terms[field]), shown(job[field]));
};

/**
 * Looks at a custom job whose transactions nobody here will see (spec §6.3.1): it must build on the tip, be for the next
 * height, and pay the pool of what it claims, and of the subsidy at least.
 *
 * @param tip as known here; null if none is, for nothing is compared with it then
 * @throws Refusal with what is wrong
 */
export const checkCoinbaseOnlyJob = (
  job: SetCustomMiningJob,
  tip: DeclarationTip | null,
  check: CoinbaseCheck,
  fullExtranonceSize: number,
): void => {
  if (tip !== null) {
    checkTip(job, tip);
    const height = decodeBip34Height(job.coinbasePrefix);
    if (height !== tip.height) {
      refuse('invalid-coinbase-prefix', 'a coinbase for height (BIP 34)', tip.height, height ?? 'none');
    }
  }
  try {
    buildCustomCoinbase(job, fullExtranonceSize);
  } catch (error) {
    if (!(error instanceof Sv2Error)) throw error;
    throw new Refusal<SetCustomMiningJobErrorCode>(
      error.code === 'bad-cb-length' ? 'invalid-coinbase-prefix' : 'invalid-coinbase-tx-outputs',
      error.message,
      error,
    );
  }
  check(parseOutputs(job.coinbaseTxOutputs), tip?.subsidy ?? 0n);
};

const checkTip = (job: SetCustomMiningJob, tip: DeclarationTip): void => {
  if (!sameBytes(job.prevHash, tip.prevHash)) {
    refuse('stale-chain-tip', 'prev_hash', toDisplayHex(tip.prevHash), toDisplayHex(job.prevHash));
  }
  if (job.nbits !== tip.nbits) refuse('invalid-nbits', 'nbits', tip.nbits, job.nbits);
  if (job.minNtime < tip.minTime) {
    refuse('invalid-min-ntime', 'a min_ntime of at least', tip.minTime, job.minNtime);
  }
};
