/** Whether a pool pays for a custom job, by its sealed token alone: the declarator that gave it out is not asked. */
import { decodeBip34Height } from '../bitcoin/script.js';
import { parseOutputs, type TxOut } from '../bitcoin/outputs.js';
import type { SetCustomMiningJob } from '../messages/mining.js';
import type { CustomJobRefusal } from '../mining/mining-server-types.js';
import {
  checkCoinbaseOnlyJob,
  checkCustomJob,
  invalidToken,
  judgement,
  NO_COINBASE_ONLY,
} from './custom-job-judgement.js';
import type { CustomJobChannel } from './job-declarator-types.js';
import { checkPoolOutputs } from './pool-outputs.js';
import type { OpenedToken, TokenSeal } from './token-seal.js';

/** What a pool judges sealed tokens by. */
export interface SealedCustomJobsOptions {
  /** With the declarator's key, and the one before while that is being changed. */
  readonly seal: Pick<TokenSeal, 'open'>;
  /** What coinbases must have, the first for the pool's payout: its own, whatever the declarator takes them for. */
  readonly outputs: readonly [TxOut, ...TxOut[]];
  /** Most used tokens that are remembered; 100,000 unless given, which are about 10 MB. */
  readonly maxUsedTokens?: number;
}

/** See {@link sealedCustomJobs}. Times are milliseconds since 1970. */
export interface SealedCustomJobs {
  /**
   * Whether a custom job's token is good for it. A token whose job is accepted is used up.
   * @param job builds on the pool's tip, with its nbits
   * @param height of the pool's next block; null if it is not known
   * @returns null to accept
   */
  judge(
    job: SetCustomMiningJob,
    channel: CustomJobChannel,
    height: number | null,
    now: number,
  ): CustomJobRefusal | null;
  /** Used tokens that are remembered. */
  readonly used: number;
}

/**
 * Judges custom jobs where the declarator is in another process. A declared job has to be the one that its token commits to,
 * and to pay the pool's own outputs; in coinbase-only mode a job has to pay them of the subsidy at least.
 *
 * Used tokens are remembered until they expire. When they are more than `maxUsedTokens`, those that were used first could be used
 * again: what they are used for is looked at all the same, so that costs the pool nothing.
 */
export const sealedCustomJobs = (options: SealedCustomJobsOptions): SealedCustomJobs => {
  const { seal, outputs, maxUsedTokens = 100_000 } = options;
  /** Until when they can be used, by their nonces, in the order in which they were. */
  const used = new Map<bigint, number>();

  const use = ({ nonce, expiresAt }: OpenedToken, now: number): void => {
    used.set(nonce, expiresAt);
    for (const [oldest, until] of used) {
      if (until > now && used.size <= maxUsedTokens) return;
      used.delete(oldest);
    }
  };

  const check = (
    job: SetCustomMiningJob,
    { userIdentity, fullExtranonceSize }: CustomJobChannel,
    height: number | null,
    now: number,
  ): OpenedToken => {
    const token = seal.open(job.miningJobToken);
    if (token === undefined) {
      throw invalidToken(
        "expected a token sealed with the key that pool and declarator share, got another's, or one that was changed",
      );
    }
    const { minPoolShare } = token;
    if (token.expiresAt <= now)
      throw invalidToken('expected a token that can still be used, got one that has expired');
    if (!token.isOf(userIdentity))
      throw invalidToken("expected a token of the channel's own user, got one of another");
    if (used.has(token.nonce)) throw invalidToken('expected a token that was not used yet, got one that was');
    const checkOutputs = (present: readonly TxOut[], least: bigint): void =>
      minPoolShare === null ? undefined : checkPoolOutputs(present, { outputs, minPoolShare }, least);
    if (token.type === 'declared') {
      checkCustomJob(job, token.terms, fullExtranonceSize);
      checkOutputs(parseOutputs(job.coinbaseTxOutputs), 0n);
    } else if (token.coinbaseOnly) {
      checkCoinbaseOnlyJob(job, tipOf(job, token, height), checkOutputs, fullExtranonceSize);
    } else throw invalidToken(NO_COINBASE_ONLY);
    return token;
  };

  return {
    judge: (job, channel, height, now) =>
      judgement(() => {
        use(check(job, channel, height, now), now);
      }),
    get used() {
      return used.size;
    },
  };
};

/** Blocks between two halvings where they are the fewest: on regtest. Elsewhere they are 210,000. */
const FEWEST_BETWEEN_HALVINGS = 150;

/** What is left of a block's subsidy so many blocks later at least: the chain is not known here, and so not when that halves. */
const leastSubsidy = (subsidy: bigint, blocksLater: number): bigint =>
  subsidy >> BigInt(Math.min(64, Math.ceil(Math.max(0, blocksLater) / FEWEST_BETWEEN_HALVINGS)));

/** The tip as far as pool and token know it together. */
const tipOf = (
  { prevHash, nbits, coinbasePrefix }: SetCustomMiningJob,
  token: Extract<OpenedToken, { readonly type: 'allocated' }>,
  poolsHeight: number | null,
) => {
  const height = poolsHeight ?? decodeBip34Height(coinbasePrefix) ?? 0;
  const subsidy = leastSubsidy(token.subsidy, height - token.height);
  return { prevHash, nbits, minTime: token.minTime, height, subsidy };
};
