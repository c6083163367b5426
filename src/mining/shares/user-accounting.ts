import { Sv2Error } from '../../codec/errors.js';
import { shareCounts, type ShareCounts, type ShareTotals } from './share-accounting.js';

/** Share counts by user identity. See {@link userAccounting}. */
export interface UserAccounting {
  /**
   * The account of a user, opened when it is the first time, to `accept` and `reject` shares on. Ask for it
   * anew for every share: an account that was folded into the rest no longer shows.
   *
   * @param userIdentity from the channel's opening message, or from the share's `user_identity` TLV
   *   (extension 0x0002)
   */
  of(userIdentity: string): ShareCounts;
  /** Totals by user, the one active last at the end. */
  totals(): ReadonlyMap<string, ShareTotals>;
  /** The sum over the users that were dropped to keep to the limit. */
  rest(): ShareTotals;
}

/**
 * Counts shares by user identity over any number of channels. Miners choose the identities they send, so the
 * number kept apart is limited: beyond it the user that was idle longest is folded into
 * {@link UserAccounting.rest}, and sums over all users stay right.
 *
 * @param limit how many users to keep apart, 1 or more, default 10,000
 * @throws Sv2Error `out-of-range` when the limit isn't a whole number above 0
 */
export const userAccounting = (limit = 10_000): UserAccounting => {
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new Sv2Error('out-of-range', `the number of users must be 1 or more, got ${limit}`, { limit });
  }
  const users = new Map<string, ShareCounts>();
  const rest = shareCounts();

  return {
    of(userIdentity) {
      const counts = users.get(userIdentity) ?? shareCounts();
      users.delete(userIdentity); // a Map keeps insertion order: the idlest user is always first
      users.set(userIdentity, counts);
      for (const [idlest, { totals }] of users) {
        if (users.size <= limit) break;
        rest.add(totals());
        users.delete(idlest);
      }
      return counts;
    },
    totals: () => new Map([...users].map(([userIdentity, counts]) => [userIdentity, counts.totals()])),
    rest: () => rest.totals(),
  };
};
