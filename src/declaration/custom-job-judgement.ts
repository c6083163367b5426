/** Whether the pool pays for a custom job: by its declaration, or in coinbase-only mode by its token alone. */
import { counted } from '../codec/counted.js';
import { buildCustomCoinbase } from '../bitcoin/coinbase.js';
import { concatBytes, sameBytes } from '../bitcoin/consensus-bytes.js';
import { toDisplayHex } from '../bitcoin/hash.js';
import { parseOutputs } from '../bitcoin/outputs.js';
import { decodeBip34Height } from '../bitcoin/script.js';
import { Sv2Error } from '../codec/errors.js';
import type { SetCustomMiningJob } from '../messages/mining.js';
import type { SetCustomMiningJobErrorCode } from '../mining/error-codes.js';
import type { CustomJobRefusal } from '../mining/mining-server-types.js';
import { knownTerms, type Committed, type CustomJobTerms } from './custom-job-terms.js';
import type { DeclarationTip } from './declared-job.js';
import type { CustomJobChannel } from './job-declarator-types.js';
import type { CoinbaseCheck } from './pool-outputs.js';
import { Refusal } from './refusal.js';
import type { MiningJobToken } from './tokens.js';

/** What custom jobs are judged by beside their token. */
export interface CustomJobRules {
  /** As known here; null if none is. */
  readonly tip: DeclarationTip | null;
  /** Whether custom jobs are taken whose transactions were not declared. */
  readonly coinbaseOnly: boolean;
  readonly isSameUser: (tokenUser: string, channelUser: string) => boolean;
  /** What a coinbase must pay whose job was not declared. @throws Refusal */
  readonly checkFor: () => CoinbaseCheck;
}

/** Why a token is of no use. */
export const invalidToken = (reason: string) =>
  new Refusal<SetCustomMiningJobErrorCode>('invalid-mining-job-token', reason);

/** What a pool is told when a check throws a Refusal; null when it does not. */
export const judgement = (check: () => void): CustomJobRefusal | null => {
  try {
    check();
    return null;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { errorCode: error.code as SetCustomMiningJobErrorCode, reason: error.message };
  }
};

/**
 * Judges a custom job by its token: against what was declared, or in coinbase-only mode by itself.
 * @param token undefined for one that is unknown
 * @returns null for one that is right
 */
export const judgeCustomJob = (
  job: SetCustomMiningJob,
  { userIdentity, fullExtranonceSize }: CustomJobChannel,
  token: MiningJobToken | undefined,
  { tip, coinbaseOnly, isSameUser, checkFor }: CustomJobRules,
): CustomJobRefusal | null =>
  judgement(() => {
    if (token === undefined)
      throw invalidToken('expected a token of ours, got one that is unknown, used or expired');
    const { state, userIdentifier } = token;
    if (!isSameUser(userIdentifier, userIdentity))
      throw invalidToken("expected a token of the channel's own user, got one of another");
    if (state.type === 'declaring') {
      throw new Refusal<SetCustomMiningJobErrorCode>(
        'job-not-yet-validated',
        'expected the token of DeclareMiningJob.Success, got that of its declaration, which is not answered yet',
      );
    }
    if (state.type === 'declared') checkCustomJob(job, knownTerms(state.terms), fullExtranonceSize);
    else if (coinbaseOnly) checkCoinbaseOnlyJob(job, tip, checkFor(), fullExtranonceSize);
    else throw invalidToken(NO_COINBASE_ONLY);
  });

/** Why a token that was allocated is no good by itself. */
export const NO_COINBASE_ONLY =
  'expected the token of a declared job: coinbase-only mode is not offered here';

/** Throws what SetCustomMiningJob.Error says. */
const refuse = (code: SetCustomMiningJobErrorCode, what: string, expected: unknown, got: unknown): never => {
  throw new Refusal<SetCustomMiningJobErrorCode>(
    code,
    `expected ${what} ${String(expected)}, got ${String(got)}`,
  );
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
  terms: CustomJobTerms,
  fullExtranonceSize: number,
): void => {
  checkTip(job, terms.tip);
  checkNumber(job, terms, 'version', 'invalid-version');
  checkNumber(job, terms, 'coinbaseTxVersion', 'invalid-coinbase-tx-version');
  checkBytes('coinbasePrefix', job.coinbasePrefix, terms.coinbasePrefix, 'invalid-coinbase-prefix');
  checkNumber(job, terms, 'coinbaseTxInputNSequence', 'invalid-coinbase-tx-input-n-sequence');
  checkBytes(
    'coinbaseTxOutputs',
    job.coinbaseTxOutputs,
    terms.coinbaseTxOutputs,
    'invalid-coinbase-tx-outputs',
  );
  checkNumber(job, terms, 'coinbaseTxLocktime', 'invalid-coinbase-tx-locktime');
  checkBytes('merklePath', concatBytes(job.merklePath), terms.merklePath, 'invalid-merkle-path');
  // the scriptSig's length is part of what was declared
  if (fullExtranonceSize !== terms.extranonceSize) {
    refuse(
      'invalid-coinbase-tx',
      "room in the declared scriptSig for the channel's full extranonce of",
      counted(fullExtranonceSize, 'byte'),
      counted(terms.extranonceSize, 'byte'),
    );
  }
};

/** The fields of a custom job that are numbers of its declaration. */
type NumberField = {
  [K in keyof CustomJobTerms & keyof SetCustomMiningJob]: CustomJobTerms[K] extends number ? K : never;
}[keyof CustomJobTerms & keyof SetCustomMiningJob];

const checkNumber = (
  job: SetCustomMiningJob,
  terms: CustomJobTerms,
  field: NumberField,
  code: SetCustomMiningJobErrorCode,
): void => {
  if (job[field] !== terms[field]) refuse(code, `the declared ${field}`, terms[field], job[field]);
};

const checkBytes = (
  field: string,
  bytes: Uint8Array,
  declared: Committed,
  code: SetCustomMiningJobErrorCode,
): void => {
  if (declared.isSame(bytes)) return;
  refuse(code, `the declared ${field},`, declared.shown, declared.showOther(bytes));
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
  tip: Omit<DeclarationTip, 'sigopLimit'> | null,
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

const checkTip = (job: SetCustomMiningJob, tip: CustomJobTerms['tip']): void => {
  if (!sameBytes(job.prevHash, tip.prevHash)) {
    refuse('stale-chain-tip', 'prev_hash', toDisplayHex(tip.prevHash), toDisplayHex(job.prevHash));
  }
  if (job.nbits !== tip.nbits) refuse('invalid-nbits', 'nbits', tip.nbits, job.nbits);
  if (job.minNtime < tip.minTime) {
    refuse('invalid-min-ntime', 'a min_ntime of at least', tip.minTime, job.minNtime);
  }
};
