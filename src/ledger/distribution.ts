/** Who is paid what of a block: from weights and balances to outputs whose sum is its value. */
import type { TxOut } from '../bitcoin/outputs.js';
import { bytesToHex, hexToBytes } from '../codec/hex.js';
import { Sv2Error } from '../codec/errors.js';
import { apportion } from './apportion.js';
import { addCosts, dustLimit, isWithin, outputCost, type OutputLimits } from './output-costs.js';

/** Hundredths of a percent. */
export const BASIS_POINTS = 10_000n;

/** A part of each block's value that goes elsewhere before miners are paid. */
export interface Cut {
  /** Hundredths of a percent of the block's value, 0 to 10,000; rounded down to a satoshi. */
  readonly basisPoints: number;
  readonly scriptPubKey: Uint8Array;
}

/** How a block is divided. */
export interface DistributionRules {
  readonly donation?: Cut;
  readonly fee?: Cut;
  /**
   * Who is paid what can't be paid to its owner yet (dust, below the minimum, no room), owes it from then on, and gets
   * everything while nobody has delivered anything: the pool.
   */
  readonly reserve: Uint8Array;
  /** Satoshis below which a payee waits; the dust limit of its script if that is more. */
  readonly minimumPayout: bigint;
  /** What the outputs may cost, that of the reserve included. */
  readonly limits: OutputLimits;
}

/** What a distribution means for one payee. Satoshis. */
export interface Payment {
  /** Its output script in hex. */
  readonly script: string;
  /** What it has earned of this block. */
  readonly earned: bigint;
  /** What it was owed before, or had been paid ahead if below 0. */
  readonly before: bigint;
  /** Its output's value; 0 when it has none. */
  readonly paid: bigint;
  /** What it is owed after: `before + earned - paid`. */
  readonly after: bigint;
}

/** How the value of a block is divided. */
export interface Distribution {
  /** Satoshis. */
  readonly value: bigint;
  /** By script. The sum of `earned`, and that of `paid`, is the value. */
  readonly payments: readonly Payment[];
  /** The largest first, of equal ones by script; one of value 0 to the reserve for a block that is worth nothing. */
  readonly outputs: readonly TxOut[];
}

/**
 * Divides a block's value.
 *
 * 1. Donation and fee are cut from the value, each rounded down; the rest is earned by weight ({@link apportion} says who
 *    gets the satoshis that rounding leaves).
 * 2. Everybody is due what was owed before and what is earned. Who is due less than the minimum waits; the others are
 *    paid, the largest first, as far as there is room.
 * 3. What is left goes to the reserve, which owes it. If the reserve owes more than it earns and so more is due than the
 *    block is worth, everybody paid gets less in proportion, and is owed the rest.
 *
 * Balances are signed and their sum stays 0: nothing is made up, and nothing is kept.
 *
 * @param value satoshis, 0 or more
 * @param weights by output script in hex, 0 or more
 * @param balances what payees are owed, by output script in hex; their sum must be 0
 * @throws Sv2Error `out-of-range`; `no-room` when the limits leave no room for one output to the reserve
 */
export const distribute = (
  value: bigint,
  weights: ReadonlyMap<string, bigint>,
  balances: ReadonlyMap<string, bigint>,
  rules: DistributionRules,
): Distribution => divideBlock(value, weights, balances, rules).within(rules.limits);

/** What everybody is due of a block, whatever its outputs may cost. */
export interface BlockDivision {
  /** The distribution within limits, as {@link distribute} has it. @throws Sv2Error `no-room` */
  within(limits: OutputLimits): Distribution;
  /** Its outputs alone, without a line for each payee that waits. @throws Sv2Error `no-room` */
  outputsWithin(limits: OutputLimits): readonly TxOut[];
}

/**
 * {@link distribute} in two steps, for blocks of one value whose outputs may cost this or that: who is due what is worked out
 * and put in order once, and cut for each.
 * @param value satoshis, 0 or more
 * @param weights by output script in hex, 0 or more
 * @param balances what payees are owed, by output script in hex; their sum must be 0
 * @throws Sv2Error `out-of-range`
 */
export const divideBlock = (
  value: bigint,
  weights: ReadonlyMap<string, bigint>,
  balances: ReadonlyMap<string, bigint>,
  rules: Omit<DistributionRules, 'limits'>,
): BlockDivision => {
  if (value < 0n)
    throw new Sv2Error('out-of-range', `a block's value must be 0 or more, got ${value}`, { value });
  const owed = sumOf(balances.values());
  if (owed !== 0n) throw new Sv2Error('out-of-range', `balances must sum to 0, got ${owed}`, { owed });
  const reserve = bytesToHex(rules.reserve);
  const earned = earnedOf(value, weights, rules);
  const scripts = new Set([...earned.keys(), ...balances.keys(), reserve]);
  const candidates: Amount[] = [];
  for (const script of scripts) {
    const due = (earned.get(script) ?? 0n) + (balances.get(script) ?? 0n);
    if (script !== reserve && isEnough(script, due, rules)) candidates.push([script, due]);
  }
  candidates.sort(byAmount);

  const paidWithin = (limits: OutputLimits): ReadonlyMap<string, bigint> => {
    const cost = outputCost(rules.reserve);
    if (!isWithin(cost, limits))
      throw new Sv2Error('no-room', 'the limits of outputs leave no room for one to the reserve', {
        cost,
        limits,
      });
    const paid = payments(value, candidates, reserve, { ...rules, limits });
    if (sumOf(paid.values()) !== value)
      throw new Error(`of ${value} satoshis ${sumOf(paid.values())} would be paid`);
    return paid;
  };

  return {
    outputsWithin: (limits) => outputsOf(paidWithin(limits), rules.reserve),
    within(limits) {
      const paid = paidWithin(limits);
      const result = [...scripts].sort().map((script) => {
        const before = balances.get(script) ?? 0n;
        const own = { script, earned: earned.get(script) ?? 0n, before, paid: paid.get(script) ?? 0n };
        return { ...own, after: before + own.earned - own.paid };
      });
      requireExact(value, result);
      return { value, payments: result, outputs: outputsOf(paid, rules.reserve) };
    },
  };
};

/** What each payee has earned of a block. @throws Sv2Error `out-of-range` */
export const earnedOf = (
  value: bigint,
  weights: ReadonlyMap<string, bigint>,
  { donation, fee, reserve }: Omit<DistributionRules, 'limits'>,
): Map<string, bigint> => {
  const cuts = [donation, fee].filter((cut) => cut !== undefined);
  const amounts = cuts.map(
    ({ basisPoints }) => (value * BigInt(requireBasisPoints(basisPoints))) / BASIS_POINTS,
  );
  const rest = value - sumOf(amounts);
  if (rest < 0n)
    throw new Sv2Error('out-of-range', 'donation and fee must not be more than 10,000 basis points');
  const earned =
    sumOf(weights.values()) === 0n ? new Map([[bytesToHex(reserve), rest]]) : apportion(rest, weights);
  cuts.forEach(({ scriptPubKey }, index) => {
    const script = bytesToHex(scriptPubKey);
    earned.set(script, (earned.get(script) ?? 0n) + (amounts[index] ?? 0n));
  });
  return earned;
};

/** What no output costs less than. */
const leastCost = outputCost(new Uint8Array(0));

/** Weight units that an output to a script that is so many hex digits long has at least: quick, for thousands that wait. */
const leastWeight = (script: string): number => leastCost.weight + 2 * script.length;

/** What is not dust for any script that is so many hex digits long: see {@link dustLimit}. */
const mostDust = (script: string): bigint => 3n * BigInt(8 + 9 + script.length / 2 + 148);

/** Whether a payee need not wait for more. */
const isEnough = (
  script: string,
  amount: bigint,
  { minimumPayout }: Pick<DistributionRules, 'minimumPayout'>,
): boolean =>
  amount >= minimumPayout && (amount >= mostDust(script) || amount >= dustLimit(hexToBytes(script)));

/** What each payee is paid now; the sum is the value. Of those who are due enough, the largest first. */
const payments = (
  value: bigint,
  candidates: readonly Amount[],
  reserve: string,
  { minimumPayout, limits }: DistributionRules,
): Map<string, bigint> => {
  const own = { minimumPayout };
  let cost = outputCost(hexToBytes(reserve));
  const chosen: Amount[] = [];
  for (const [script, amount] of candidates) {
    if (!isWithin(addCosts(cost, leastCost), limits)) break; // of thousands that wait
    if (cost.weight + leastWeight(script) > limits.weight) continue;
    const after = addCosts(cost, outputCost(hexToBytes(script)));
    if (!isWithin(after, limits)) continue;
    cost = after;
    chosen.push([script, amount]);
  }
  let paid = new Map(chosen);
  // the reserve has been paid what it owes: there is less now than everybody is due
  while (sumOf(paid.values()) > value) {
    const reduced = apportion(value, paid);
    if ([...reduced].every(([script, amount]) => isEnough(script, amount, own))) {
      paid = reduced;
      break;
    }
    const smallest = [...reduced]
      .filter(([script, amount]) => !isEnough(script, amount, own))
      .sort(byAmount)
      .at(-1);
    if (smallest !== undefined) paid.delete(smallest[0]);
  }
  const rest = value - sumOf(paid.values());
  const [largest] = [...paid].sort(byAmount);
  // dust to the reserve would be an output that nobody spends: it is paid ahead to the largest
  if (rest > 0n && rest < dustLimit(hexToBytes(reserve)) && largest !== undefined)
    paid.set(largest[0], largest[1] + rest);
  else if (rest > 0n) paid.set(reserve, rest);
  return paid;
};

const outputsOf = (paid: ReadonlyMap<string, bigint>, reserve: Uint8Array): TxOut[] => {
  const outputs = [...paid]
    .filter(([, amount]) => amount > 0n)
    .sort(byAmount)
    .map(([script, value]) => ({ value, scriptPubKey: hexToBytes(script) }));
  return outputs.length > 0 ? outputs : [{ value: 0n, scriptPubKey: reserve }];
};

type Amount = readonly [script: string, amount: bigint];

const byAmount = ([script, amount]: Amount, [otherScript, other]: Amount): number =>
  amount !== other ? (amount > other ? -1 : 1) : script < otherScript ? -1 : 1;

/** The sum of amounts. */
export const sumOf = (amounts: Iterable<bigint>): bigint => {
  let sum = 0n;
  for (const amount of amounts) sum += amount;
  return sum;
};

const requireBasisPoints = (basisPoints: number): number => {
  if (Number.isInteger(basisPoints) && basisPoints >= 0 && basisPoints <= 10_000) return basisPoints;
  throw new Sv2Error(
    'out-of-range',
    `basis points must be a whole number from 0 to 10,000, got ${basisPoints}`,
    {
      basisPoints,
    },
  );
};

/** What must hold whatever the input: who finds otherwise must not pay anybody. */
export const requireExact = (value: bigint, all: readonly Payment[]): void => {
  const earned = sumOf(all.map((payment) => payment.earned));
  const paid = sumOf(all.map((payment) => payment.paid));
  const after = sumOf(all.map((payment) => payment.after));
  if (earned !== value || paid !== value || after !== 0n || all.some((payment) => payment.paid < 0n))
    throw new Error(`of ${value} satoshis ${earned} would be earned, ${paid} paid, and ${after} owed`);
};
