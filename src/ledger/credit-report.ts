/** What users' shares of some time were worth by themselves, for whoever pays them: PPS, or FPPS with fees. */
import { subsidy } from '../bitcoin/consensus.js';
import { Sv2Error } from '../codec/errors.js';
import { wholePart } from './fraction.js';
import { parseIdentity } from './identity.js';
import { shareCredits, type ShareCredits } from './pay-per-share.js';
import { creditedWork, type LedgerRecord, type ShareRecord } from './record.js';

/** What {@link creditReport} goes by. */
export interface CreditTerms {
  /** Milliseconds since 1970: shares from then on, and those before; all unless given. */
  readonly since?: number;
  readonly until?: number;
  /** Satoshis of fees that a block is taken to have beside its subsidy: 0, unless given, is PPS, an average is FPPS. */
  readonly blockFees?: bigint;
  /** Hundredths of a percent that the pool keeps for carrying the luck; 0 unless given. */
  readonly basisPoints?: number;
}

/** What one user's shares were worth. */
export interface UserCredit {
  readonly user: string;
  /** The address that its identity names; null when it names none. */
  readonly address: string | null;
  /** Shares with any credit. */
  readonly shares: number;
  /** Hashes. */
  readonly work: bigint;
  /** Whole satoshis: what is below one is left out, once for each user. */
  readonly satoshis: bigint;
}

/** Records of which credits are made at once. */
const atOnce = 10_000;

/**
 * Computes credits of records, exactly until the last step, which rounds down. A block is worth the main chain's subsidy at a
 * share's height and the fees of the terms; a share whose height is not known is taken for one of the height before it.
 * @param records of a ledger, in the order in which it has them
 * @returns by user, in UTF-16 order
 * @throws Sv2Error `out-of-range`; `no-height` when no height is known at all
 */
export const creditReport = async (
  records: AsyncIterable<LedgerRecord> | Iterable<LedgerRecord>,
  { since = 0, until = Infinity, blockFees = 0n, basisPoints = 0 }: CreditTerms = {},
): Promise<UserCredit[]> => {
  let credits: ShareCredits = new Map();
  const delivered = new Map<string, { shares: number; work: bigint }>();
  let height = 0;
  let some: ShareRecord[] = [];
  /** Shares from before any height was known. */
  const unknown: ShareRecord[] = [];
  const credit = (all: readonly ShareRecord[]): void => {
    credits = shareCredits(all, (share) => subsidy(share.height) + blockFees, basisPoints, credits);
  };
  for await (const record of records) {
    if (record.type !== 'share') continue;
    height = record.height === 0 ? height : record.height;
    if (record.time < since || record.time >= until) continue;
    const work = creditedWork(record);
    if (work === 0n) continue;
    const before = delivered.get(record.user);
    delivered.set(record.user, { shares: (before?.shares ?? 0) + 1, work: (before?.work ?? 0n) + work });
    if (height === 0) unknown.push(record);
    else some.push({ ...record, height });
    if (some.length < atOnce) continue;
    credit(some);
    some = [];
  }
  if (unknown.length > 0 && height === 0)
    throw new Sv2Error(
      'no-height',
      `the height of none of ${unknown.length} shares is known: a block's worth is not`,
    );
  credit([...some, ...unknown.map((record) => ({ ...record, height }))]);
  return [...delivered]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([user, own]) => {
      const identity = parseIdentity(user);
      const worth = credits.get(user);
      return {
        user,
        address: identity.isPayable ? identity.address : null,
        ...own,
        satoshis: worth === undefined ? 0n : wholePart(worth),
      };
    });
};
