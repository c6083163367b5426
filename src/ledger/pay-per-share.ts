/** What shares are worth by themselves (PPS, FPPS): computed for whoever pays it, held by nobody here. */
import { Sv2Error } from '../codec/errors.js';
import { addFractions, fraction, wholePart, type Fraction } from './fraction.js';
import { creditedWork, networkWorkOf, type LedgerRecord } from './record.js';

/** What users have earned, by user: exact, in satoshis. */
export type ShareCredits = ReadonlyMap<string, Fraction>;

/**
 * What records are worth: each the part of a block's reward that its work is of a block's,
 * `reward × work / network work`, exactly. With the subsidy as reward it is PPS, with the whole value (or an average of
 * it, fees included) FPPS.
 * @param rewardAt satoshis, 0 or more, of a block at a share's height and time
 * @param basisPoints that the pool keeps of it, 0 to 10,000: its fee for carrying the luck
 * @param before credits from before, to which these are added
 * @throws Sv2Error `out-of-range`, `invalid-nbits`
 */
export const shareCredits = (
  records: Iterable<LedgerRecord>,
  rewardAt: (share: { readonly height: number; readonly time: number }) => bigint,
  basisPoints = 0,
  before: ShareCredits = new Map(),
): ShareCredits => {
  if (!Number.isInteger(basisPoints) || basisPoints < 0 || basisPoints > 10_000)
    throw new Sv2Error(
      'out-of-range',
      `basis points must be a whole number from 0 to 10,000, got ${basisPoints}`,
    );
  // those of one difficulty have one denominator: their numerators are summed first
  const numerators = new Map<string, Map<bigint, bigint>>();
  for (const record of records) {
    if (record.type !== 'share') continue;
    const reward = rewardAt(record);
    if (reward < 0n) throw new Sv2Error('out-of-range', `a reward must be 0 or more satoshis, got ${reward}`);
    const networkWork = networkWorkOf(record.nbits);
    let own = numerators.get(record.user);
    if (own === undefined) numerators.set(record.user, (own = new Map<bigint, bigint>()));
    own.set(networkWork, (own.get(networkWork) ?? 0n) + creditedWork(record) * reward);
  }
  const credits = new Map(before);
  for (const [user, own] of numerators) {
    for (const [networkWork, numerator] of own) {
      const credit = fraction(numerator * BigInt(10_000 - basisPoints), networkWork * 10_000n);
      credits.set(user, addFractions(credits.get(user) ?? fraction(0n), credit));
    }
  }
  return credits;
};

/** Takes the whole satoshis out of credits. @returns them, and what is left of each: below 1 satoshi */
export const takeWholeSatoshis = (
  credits: ShareCredits,
): { readonly satoshis: ReadonlyMap<string, bigint>; readonly rest: ShareCredits } => {
  const satoshis = new Map([...credits].map(([user, credit]) => [user, wholePart(credit)]));
  const rest = new Map(
    [...credits].map(([user, credit]) => [user, addFractions(credit, fraction(-(satoshis.get(user) ?? 0n)))]),
  );
  return { satoshis, rest };
};
