/** Checks a block's statement: whether its outputs follow from its rules, and its numbers from the records. */
import { parseTransaction, txid } from '../bitcoin/transaction.js';
import { toDisplayHex } from '../bitcoin/hash.js';
import { bytesToHex, hexToBytes } from '../codec/hex.js';
import { distributedAsPaid } from './declared-payout.js';
import { distribute, sumOf } from './distribution.js';
import {
  isSolo,
  payToOf,
  sharedPayToOf,
  sharedWindow,
  weightsByScript,
  type PayoutPlan,
  type PayTo,
} from './payout-plan.js';
import { encodeRecord } from './record-codec.js';
import { creditedWork, type LedgerRecord } from './record.js';
import { nextHead } from './receipts.js';
import { readRules, stateDistribution, type Statement, type StatedReceipt } from './statement.js';
import { slotOf, slotsOf } from './window.js';

/** A record of the ledger with its place in its server's chain. */
export interface SequencedRecord {
  /** 1 for a server's first. */
  readonly sequence: number;
  readonly record: LedgerRecord;
  /** 32 bytes: the chain's head with it. */
  readonly receipt: Uint8Array;
}

/** Where a statement is not what it should be. */
export interface StatementDifference {
  /** Such as `outputs[2].value`. */
  readonly where: string;
  readonly expected: string;
  readonly stated: string;
}

/** What {@link auditStatement} goes by besides the statement. */
export interface AuditMaterial {
  /** The records that count, from an export; in the order of their sequence numbers for each server. None: only the rules are checked. */
  readonly records?: readonly SequencedRecord[];
  /** The user whose records these are, when they are not those of all. */
  readonly user?: string;
}

/**
 * Recomputes a statement.
 *
 * From itself: that its users' work pays whom their names say, that payments and outputs follow from weights, balances and
 * rules to the satoshi, that its coinbase has these outputs first (of a declared job: all these that are worth anything), and its transaction id. From all records: that none
 * was changed, left out or put in (their hash chain), and that the work and weight of everybody is what they prove. From one
 * user's records: the same for this user.
 *
 * @returns every difference; none when the statement is right
 */
export const auditStatement = (
  statement: Statement,
  { records, user }: AuditMaterial = {},
): StatementDifference[] => {
  const differences: StatementDifference[] = [];
  const compare = (where: string, expected: unknown, stated: unknown): void => {
    const [right, said] = [flat(expected), flat(stated)];
    if (right !== said) differences.push({ where, expected: right, stated: said });
  };
  const guarded = (where: string, check: () => void): void => {
    try {
      check();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      differences.push({ where, expected: 'something that can be recomputed', stated: reason });
    }
  };
  guarded('payments', () => auditDistribution(statement, compare));
  guarded('coinbaseTx', () => auditCoinbase(statement, compare));
  if (records !== undefined) {
    guarded('records', () => {
      if (user === undefined) auditAll(statement, records, compare);
      else auditUser(statement, records, user, compare);
    });
  }
  return differences;
};

type Compare = (where: string, expected: unknown, stated: unknown) => void;

/** The plan that a statement says, as far as it says whom users' work pays. */
const planOf = ({ mode, rules, networks }: Statement): Omit<PayoutPlan, 'windowMultiple'> => ({
  mode,
  rules: readRules(rules),
  ...(networks === null ? {} : { networks }),
});

const auditDistribution = (statement: Statement, compare: Compare): void => {
  const { rules } = planOf(statement);
  // a solo block is its finder's, whole
  if (statement.mode === 'solo')
    compareLists(
      'contributions.user',
      [statement.user],
      statement.contributions.map(({ user }) => user),
      compare,
    );
  const contributions = statement.contributions.map((one) => ({ ...one, weight: BigInt(one.weight) }));
  const { networks } = statement;
  const plan = networks === null ? { rules } : { rules, networks };
  for (const [index, { user, payTo }] of contributions.entries())
    compare(`contributions[${index}].payTo`, payToOf(user, plan), payTo);
  const weights = weightsByScript(
    contributions,
    new Map(contributions.map(({ user, payTo }) => [user, payTo])),
  );
  const balances = new Map(statement.payments.map(({ script, before }) => [script, BigInt(before)]));
  const right = stateDistribution(
    statement.isDeclared === true
      ? distributedAsPaid(coinbaseOf(statement).outputs, weights, balances, rules)
      : distribute(BigInt(statement.value), weights, balances, rules),
  );
  if (statement.isDeclared === true)
    compare('value', String(sumOf(right.outputs.map(({ value }) => BigInt(value)))), statement.value);
  compareLists('payments', right.payments, statement.payments, compare);
  compareLists('outputs', right.outputs, statement.outputs, compare);
};

const coinbaseOf = ({ coinbaseTx }: Statement) => parseTransaction(hexToBytes(coinbaseTx));

const auditCoinbase = (statement: Statement, compare: Compare): void => {
  const coinbase = coinbaseOf(statement);
  compare('txid', toDisplayHex(txid(coinbase)), statement.txid);
  const paid = coinbase.outputs
    .filter(({ value }) => statement.isDeclared !== true || value > 0n)
    .slice(0, statement.outputs.length)
    .map(({ value, scriptPubKey }) => ({ value: String(value), script: bytesToHex(scriptPubKey) }));
  compareLists('coinbaseTx.outputs', statement.outputs, paid, compare);
};

/** The records of a statement's window: those after `since`, up to `until`. */
const counted = (statement: Statement, records: readonly SequencedRecord[]): SequencedRecord[] => {
  const sequences = (receipts: readonly StatedReceipt[]) =>
    new Map(receipts.map(({ serverId, sequence }) => [serverId, sequence]));
  const [since, until] = [sequences(statement.since), sequences(statement.until)];
  return records.filter(
    ({ sequence, record: { serverId } }) =>
      sequence > (since.get(serverId) ?? 0) && sequence <= (until.get(serverId) ?? 0),
  );
};

const auditAll = (statement: Statement, records: readonly SequencedRecord[], compare: Compare): void => {
  auditChain(statement, records, compare);
  const own = counted(statement, records).map(({ record }) => record);
  if (statement.mode === 'solo') {
    compare('user', finderOf(statement, records) ?? '(no record of this block)', statement.user);
    return;
  }
  const plan = planOf(statement);
  const known = new Map<string, readonly PayTo[] | null>();
  const payTo = (user: string): readonly PayTo[] | null => {
    const before = known.get(user);
    if (before !== undefined) return before;
    const paid = sharedPayToOf(user, plan);
    known.set(user, paid);
    return paid;
  };
  const windowWork = statement.windowWork === null ? null : BigInt(statement.windowWork);
  const right = sharedWindow(slotsOf(own), windowWork, payTo);
  compare('newestSlot', right.newestSlot, statement.newestSlot);
  compare('oldestSlot', right.oldestSlot, statement.oldestSlot);
  compare('partOfOldest', right.partOfOldest, statement.partOfOldest);
  const stated = new Map(statement.contributions.map((contribution) => [contribution.user, contribution]));
  for (const { user, shares, work, weight } of right.contributions) {
    const {
      shares: said,
      work: saidWork,
      weight: saidWeight,
    } = stated.get(user) ?? { shares: 0, work: '0', weight: '0' };
    compare(
      `contributions[${user}]`,
      { shares, work, weight },
      { shares: said, work: saidWork, weight: saidWeight },
    );
    stated.delete(user);
  }
  for (const user of stated.keys()) compare(`contributions[${user}]`, 'no record', stated.get(user));
};

/** Who found a block, by the record of its share. Of one that was pushed that may be missing, or of another name that pays the same. */
const finderOf = (statement: Statement, records: readonly SequencedRecord[]): string | undefined => {
  const { hash, isDeclared, isPushed, user } = statement;
  const share = records.find(({ record }) => record.type === 'share' && toDisplayHex(record.hash) === hash);
  const finder = share?.record.user;
  if (isDeclared !== true || isPushed !== true) return finder;
  const paidTo = (name: string): string => flat(payToOf(name, planOf(statement)));
  return finder === undefined || paidTo(finder) === paidTo(user) ? user : finder;
};

/** Checks that a solo block is this user's exactly if a record of this user says so. */
const auditFinder = (
  statement: Statement,
  records: readonly SequencedRecord[],
  user: string,
  compare: Compare,
): void => {
  const isFinder = finderOf(statement, records) === user;
  if (isFinder || statement.user === user) compare('user', isFinder ? user : 'somebody else', statement.user);
};

/** Checks one user's line: the window is the statement's, as only all records could say which it is. */
const auditUser = (
  statement: Statement,
  records: readonly SequencedRecord[],
  user: string,
  compare: Compare,
): void => {
  const { newestSlot, oldestSlot, partOfOldest } = statement;
  const [numerator, scale] = [BigInt(partOfOldest.numerator), BigInt(partOfOldest.denominator)];
  let [shares, work, weight] = [0, 0n, 0n];
  if (statement.mode === 'solo') {
    auditFinder(statement, records, user, compare);
    return;
  }
  const isCounted = !isSolo(user, planOf(statement));
  for (const { record } of counted(statement, records)) {
    if (record.type !== 'share' || record.user !== user || !isCounted) continue;
    const slot = slotOf(record.time);
    const credit = creditedWork(record);
    if (credit === 0n || slot > (newestSlot ?? slot) || slot < (oldestSlot ?? slot)) continue;
    shares += 1;
    work += credit;
    weight += credit * (slot === oldestSlot ? numerator : scale);
  }
  const line = statement.contributions.find((contribution) => contribution.user === user);
  compare(
    `contributions[${user}]`,
    { shares, work, weight },
    { shares: line?.shares ?? 0, work: line?.work ?? '0', weight: line?.weight ?? '0' },
  );
};

/** Checks that the records of each server are without a gap, that each receipt follows from the one before, and what is stated of them. */
const auditChain = (statement: Statement, records: readonly SequencedRecord[], compare: Compare): void => {
  const last = new Map<number, SequencedRecord>();
  const heads = new Map(
    [...statement.since, ...statement.until].map((receipt) => [place(receipt), receipt.head]),
  );
  const seen = new Set<string>();
  for (const { sequence, record, receipt } of records) {
    const { serverId } = record;
    const before = last.get(serverId);
    const where = `records[server ${serverId}, ${sequence}]`;
    if (before !== undefined && before.sequence === sequence) compare(where, 'one record', 'two');
    else if (before !== undefined && before.sequence + 1 !== sequence)
      compare(where, `record ${before.sequence + 1} next`, `record ${sequence}`);
    else if (before !== undefined || sequence === 1) {
      const head = before?.receipt ?? new Uint8Array(32);
      compare(`${where}.receipt`, bytesToHex(nextHead(head, encodeRecord(record))), bytesToHex(receipt));
    }
    if (record.type === 'share') {
      const hash = bytesToHex(record.hash);
      if (seen.has(hash)) compare(`${where}.hash`, 'a share once', `${hash} twice`);
      seen.add(hash);
    }
    const stated = heads.get(place({ serverId, sequence }));
    if (stated !== undefined) compare(`until[server ${serverId}].head`, bytesToHex(receipt), stated);
    heads.delete(place({ serverId, sequence }));
    last.set(serverId, { sequence, record, receipt });
  }
  for (const { serverId, sequence } of statement.until) {
    if (sequence > 0 && heads.has(place({ serverId, sequence })))
      compare(`until[server ${serverId}]`, `${last.get(serverId)?.sequence ?? 0} records`, sequence);
  }
};

const place = ({ serverId, sequence }: Pick<StatedReceipt, 'serverId' | 'sequence'>): string =>
  `${serverId}:${sequence}`;

const compareLists = (
  where: string,
  expected: readonly unknown[],
  stated: readonly unknown[],
  compare: Compare,
): void => {
  for (let index = 0; index < Math.max(expected.length, stated.length); index++)
    compare(`${where}[${index}]`, expected[index] ?? 'nothing', stated[index] ?? 'nothing');
};

/** A value as text, with its keys in order and bigints as decimals. */
const flat = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : JSON.stringify(value, (_, inner: unknown) =>
        typeof inner === 'bigint'
          ? String(inner)
          : typeof inner === 'object' && inner !== null && !Array.isArray(inner)
            ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
            : inner,
      );
