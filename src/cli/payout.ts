import { Sv2Error } from '../codec/errors.js';
import { payoutDemand, type PayoutDemand } from '../ledger/payout-demand.js';
import { ConfigError } from './config.js';

/**
 * What `verify_payout` looks for in jobs.
 * @param where the setting that names the user, for the error
 * @throws ConfigError for a user identity without an address
 */
export function demandOf(userIdentity: string, where: string): PayoutDemand {
  try {
    return payoutDemand(userIdentity);
  } catch (error) {
    if (!(error instanceof Sv2Error)) throw error;
    throw new ConfigError([`${where}: verify_payout needs somebody to be paid: ${error.message}`]);
  }
}
