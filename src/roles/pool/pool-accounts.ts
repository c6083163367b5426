import type { MiningServerOutcome } from '../../mining/mining-server-types.js';
import type { ShareTotals } from '../../mining/shares/share-accounting.js';
import { userAccounting } from '../../mining/shares/user-accounting.js';

/** What users delivered since the pool was started. */
export interface PoolAccounts {
  /** By user identity, the one active last at the end; the 10,000 users that were active last. */
  readonly users: ReadonlyMap<string, ShareTotals>;
  /** The sum over all other users. */
  readonly others: ShareTotals;
}

/** Keeps the accounts of a pool's users. */
export interface Bookkeeper {
  /** Starts with empty accounts. */
  reset(): void;
  /** Counts the shares and blocks among the outcomes of one input to a mining server. */
  count(outcomes: readonly MiningServerOutcome[]): void;
  accounts(): PoolAccounts;
}

/** Keeps accounts by user identity: the one in a share (extension 0x0002), or else its channel's. */
export function bookkeeper(): Bookkeeper {
  let accounting = userAccounting();
  return {
    reset: () => (accounting = userAccounting()),
    count(outcomes) {
      for (const outcome of outcomes) {
        if (outcome.type === 'ShareAccepted') {
          const { userIdentity, hash, difficulty } = outcome;
          // a block is told of beside the share that it is
          const blockFound = outcomes.some(({ type }) => type === 'BlockFound');
          accounting.of(userIdentity).accept({ hash, difficulty, blockFound });
        } else if (outcome.type === 'ShareRejected' && outcome.userIdentity !== null) {
          accounting.of(outcome.userIdentity).reject(outcome.errorCode);
        }
      }
    },
    accounts: () => ({ users: accounting.totals(), others: accounting.rest() }),
  };
}
