/** The payout distributions of a pool: the present one, and for a while the one before (draft extension 0x0003). */
import { counted } from '../codec/counted.js';
import type { DeclareMiningJobErrorCode } from './error-codes.js';
import { checkDistributedOutputs, type PayoutDistribution } from './payout-distribution.js';
import { distributionMessage, type SetPayoutDistribution } from './payout-messages.js';
import type { CoinbaseCheck } from './pool-outputs.js';
import { Refusal, refusing } from './refusal.js';

/** How long jobs of the distribution before the present one are taken, in milliseconds. */
const GRACE = 30_000;

/** See {@link distributions}. */
export interface Distributions {
  /** What a client is told; undefined before the first. */
  readonly present: SetPayoutDistribution | undefined;
  /**
   * There is another.
   * @param isAfterBlock whether the one before was paid by a block: jobs of it are not taken any more
   */
  set(distribution: PayoutDistribution, isAfterBlock: boolean, now: number): SetPayoutDistribution;
  /** What coinbases of jobs that name a distribution must pay. @param id undefined for a job that names none */
  check(id: bigint | undefined, now: number): CoinbaseCheck;
}

/** Distributions with ids that grow, over restarts too: they are milliseconds since 1970 unless more are made. */
export const distributions = (): Distributions => {
  let present: { readonly id: bigint; readonly distribution: PayoutDistribution } | undefined;
  let before:
    { readonly id: bigint; readonly distribution: PayoutDistribution; readonly until: number } | undefined;
  let message: SetPayoutDistribution | undefined;

  return {
    get present() {
      return message;
    },
    set(distribution, isAfterBlock, now) {
      before = present === undefined || isAfterBlock ? undefined : { ...present, until: now + GRACE };
      const least = BigInt(Math.max(0, Math.floor(now)));
      const id = present !== undefined && present.id >= least ? present.id + 1n : least;
      present = { id, distribution };
      message = distributionMessage(id, distribution);
      return message;
    },
    check(id, now) {
      const refuse = (code: DeclareMiningJobErrorCode, why: string): never => {
        throw new Refusal(code, why);
      };
      if (id === undefined)
        return refuse('invalid-payout-distribution', 'expected a job that names its distribution');
      const named =
        id === present?.id ? present : id === before?.id && now < before.until ? before : undefined;
      if (named === undefined)
        return refuse(
          'stale-payout-distribution',
          `expected distribution ${present?.id ?? 'none'}, got ${id}`,
        );
      const { distribution } = named;
      return (outputs, blockValue) => {
        const claimed = outputs.reduce((sum, { value }) => sum + value, 0n);
        if (claimed < blockValue) {
          refuse(
            'invalid-payout-distribution',
            `expected outputs of at least ${counted(blockValue, 'satoshi')} in all, got ${claimed}`,
          );
        }
        refusing('invalid-payout-distribution', 'the coinbase', () =>
          checkDistributedOutputs(outputs, distribution, claimed),
        );
      };
    },
  };
};
