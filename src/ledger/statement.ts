/** The statement of a block: who delivered what, who is paid what by which rules, in JSON that anybody can check. */
import { toDisplayHex } from '../bitcoin/hash.js';
import { parseTransaction, txid } from '../bitcoin/transaction.js';
import type { AddressNetwork } from '../bitcoin/payout-script.js';
import { hexToBytes, bytesToHex } from '../codec/hex.js';
import { Sv2Error } from '../codec/errors.js';
import type { Cut, DistributionRules } from './distribution.js';
import type { FrozenPayout, PayoutMode, PayTo } from './payout-plan.js';
import type { Receipt } from './receipts.js';

/** A receipt in a statement; the head in hex. */
export interface StatedReceipt {
  readonly serverId: number;
  readonly sequence: number;
  readonly head: string;
}

interface StatedCut {
  readonly basisPoints: number;
  readonly script: string;
}

/** The rules of a distribution in a statement. */
export interface StatedRules {
  readonly donation?: StatedCut;
  readonly fee?: StatedCut;
  readonly reserve: string;
  readonly minimumPayout: string;
  readonly limits: DistributionRules['limits'];
}

/**
 * A block's statement. Whole numbers that can be large are decimal texts: satoshis, and hashes for work. Scripts are in
 * hex, hashes as explorers show them.
 */
export interface Statement {
  /** Of this form. */
  readonly form: 1;
  readonly height: number;
  readonly hash: string;
  readonly txid: string;
  /** The coinbase as it is in the block, in hex. */
  readonly coinbaseTx: string;
  /** When it was found: milliseconds since 1970. */
  readonly time: number;
  /** Who found it. */
  readonly user: string;
  readonly worker: string;
  readonly mode: PayoutMode;
  /**
   * Whether `outputs` are those that the coinbase has, in place of those by the rules: it was made by who found the block (job declaration),
   * or settled by a core of a cluster that ended before it was found.
   */
  readonly isDeclared?: true;
  /** Whether its share had not come when it was stated, but who declared it had brought it (PushSolution): no record need be of it. */
  readonly isPushed?: true;
  readonly rules: StatedRules;
  /** Whose addresses are paid; null for all. */
  readonly networks: readonly AddressNetwork[] | null;
  readonly networkWork: string;
  readonly windowWork: string | null;
  /** Slots of ten minutes since 1970. */
  readonly newestSlot: number | null;
  readonly oldestSlot: number | null;
  /** The part of the oldest slot's work that counts. */
  readonly partOfOldest: { readonly numerator: string; readonly denominator: string };
  /** The work that counts is that of the records after these receipts, up to those. */
  readonly since: readonly StatedReceipt[];
  readonly until: readonly StatedReceipt[];
  readonly contributions: readonly {
    readonly user: string;
    readonly shares: number;
    readonly work: string;
    readonly weight: string;
    readonly payTo: readonly PayTo[];
  }[];
  readonly value: string;
  readonly payments: readonly {
    readonly script: string;
    readonly earned: string;
    readonly before: string;
    readonly paid: string;
    readonly after: string;
  }[];
  readonly outputs: readonly { readonly value: string; readonly script: string }[];
}

/** A block that was found. */
export interface StatedBlock {
  readonly height: number;
  /** 32 bytes as SHA-256 returned them. */
  readonly hash: Uint8Array;
  /** The whole coinbase, with or without its witness. */
  readonly coinbaseTx: Uint8Array;
  readonly time: number;
  readonly user: string;
  readonly worker: string;
  /** Whether it came without its share, from who declared its job; false unless given. */
  readonly isPushed?: boolean;
}

/** The statement of a block whose template's payout was frozen. */
export const statementOf = (block: StatedBlock, frozen: FrozenPayout): Statement => {
  const { window, distribution, payTo } = frozen;
  return {
    form: 1,
    height: block.height,
    hash: toDisplayHex(block.hash),
    txid: toDisplayHex(txid(parseTransaction(block.coinbaseTx))),
    coinbaseTx: bytesToHex(block.coinbaseTx),
    time: block.time,
    user: block.user,
    worker: block.worker,
    mode: frozen.mode,
    ...(frozen.isDeclared === true ? { isDeclared: true } : {}),
    ...(block.isPushed === true ? { isPushed: true } : {}),
    rules: stateRules(frozen.rules),
    networks: frozen.networks,
    networkWork: String(frozen.networkWork),
    windowWork: frozen.windowWork === null ? null : String(frozen.windowWork),
    newestSlot: window.newestSlot,
    oldestSlot: window.oldestSlot,
    partOfOldest: {
      numerator: String(window.partOfOldest.numerator),
      denominator: String(window.partOfOldest.denominator),
    },
    since: frozen.since.map(stateReceipt),
    until: frozen.until.map(stateReceipt),
    contributions: window.contributions.map(({ user, shares, work, weight }) => ({
      user,
      shares,
      work: String(work),
      weight: String(weight),
      payTo: payTo.get(user) ?? [],
    })),
    value: String(distribution.value),
    ...stateDistribution(distribution),
  };
};

/** Payments and outputs as a statement has them. */
export const stateDistribution = ({
  payments,
  outputs,
}: FrozenPayout['distribution']): Pick<Statement, 'payments' | 'outputs'> => ({
  payments: payments.map(({ script, earned, before, paid, after }) => ({
    script,
    earned: String(earned),
    before: String(before),
    paid: String(paid),
    after: String(after),
  })),
  outputs: outputs.map(({ value, scriptPubKey }) => ({
    value: String(value),
    script: bytesToHex(scriptPubKey),
  })),
});

const stateReceipt = ({ serverId, sequence, head }: Receipt): StatedReceipt => ({
  serverId,
  sequence,
  head: bytesToHex(head),
});

const stateCut = (cut: Cut): StatedCut => ({
  basisPoints: cut.basisPoints,
  script: bytesToHex(cut.scriptPubKey),
});

const stateRules = ({ donation, fee, reserve, minimumPayout, limits }: DistributionRules): StatedRules => ({
  ...(donation === undefined ? {} : { donation: stateCut(donation) }),
  ...(fee === undefined ? {} : { fee: stateCut(fee) }),
  reserve: bytesToHex(reserve),
  minimumPayout: String(minimumPayout),
  limits,
});

const readCut = (cut: StatedCut): Cut => ({
  basisPoints: cut.basisPoints,
  scriptPubKey: hexToBytes(cut.script),
});

/** The rules that a statement says. @throws Sv2Error, SyntaxError, TypeError when they are none */
export const readRules = ({
  donation,
  fee,
  reserve,
  minimumPayout,
  limits,
}: StatedRules): DistributionRules => ({
  ...(donation === undefined ? {} : { donation: readCut(donation) }),
  ...(fee === undefined ? {} : { fee: readCut(fee) }),
  reserve: hexToBytes(reserve),
  minimumPayout: BigInt(minimumPayout),
  limits: { weight: limits.weight, sigops: limits.sigops, count: limits.count },
});

/**
 * Reads a statement from JSON, as far as it must have a form at all; whether it is right is for `auditStatement`.
 * @throws Sv2Error `invalid-statement`
 */
export const parseStatement = (text: string): Statement => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Sv2Error('invalid-statement', 'a statement must be JSON', {}, error);
  }
  const lists = ['contributions', 'payments', 'outputs', 'since', 'until'];
  const statement = value as Partial<Record<string, unknown>> | null;
  if (typeof statement !== 'object' || statement === null || statement['form'] !== 1)
    throw new Sv2Error('invalid-statement', 'a statement must be an object with "form": 1');
  const missing = lists.find((name) => !Array.isArray(statement[name]));
  if (missing !== undefined)
    throw new Sv2Error('invalid-statement', `a statement must have a list "${missing}"`);
  return value as Statement;
};
