/** How a pool pays, and what of it is settled before a block is found: the distribution frozen with its template. */
import type { AddressNetwork } from '../bitcoin/payout-script.js';
import type { TxOut } from '../bitcoin/outputs.js';
import { bytesToHex } from '../codec/hex.js';
import { distributedAsPaid } from './declared-payout.js';
import { distribute, type Distribution, type DistributionRules } from './distribution.js';
import type { Fraction } from './fraction.js';
import { parseIdentity } from './identity.js';
import type { Receipt } from './receipts.js';
import { pplnsWindow, windowOver, type SlotWork, type WorkWindow } from './window.js';

/**
 * Whose work a block pays: `solo` that of its finder alone, `pplns` the last work of a multiple of what a block takes,
 * `proportional` all since the block before.
 */
export type PayoutMode = 'solo' | 'pplns' | 'proportional';

/** How a pool pays its blocks. */
export interface PayoutPlan {
  readonly mode: PayoutMode;
  /** Of `pplns`: how many times the work of a block. */
  readonly windowMultiple: Fraction;
  readonly rules: DistributionRules;
  /** Whose addresses are paid; any unless given. */
  readonly networks?: readonly AddressNetwork[];
}

/** Parts of a weight: what a user's identity makes of its work. */
export interface PayTo {
  /** Output script in hex. */
  readonly script: string;
  /** Of 10,000. */
  readonly parts: number;
}

/** What a template's blocks pay. */
export interface FrozenPayout {
  readonly mode: PayoutMode;
  readonly rules: DistributionRules;
  readonly networks: readonly AddressNetwork[] | null;
  /** Hashes that a block takes, and those that the window is; null when it has no such length. */
  readonly networkWork: bigint;
  readonly windowWork: bigint | null;
  readonly window: WorkWindow;
  /** Where records that count begin (those after these) and end; of `solo` and `pplns` they begin with the first. */
  readonly since: readonly Receipt[];
  readonly until: readonly Receipt[];
  /** Whom each user's work pays. */
  readonly payTo: ReadonlyMap<string, readonly PayTo[]>;
  readonly distribution: Distribution;
  /**
   * Whether its outputs are those that its coinbase has, whatever the rules would pay now: its miner made it, or it was settled by a core
   * of a cluster that is gone.
   */
  readonly isDeclared?: boolean;
}

/** What {@link freezePayout} goes by. */
export interface PayoutState {
  /** Satoshis. */
  readonly value: bigint;
  readonly networkWork: bigint;
  /** All work that may count: of `proportional` that since the block before. */
  readonly slots: Iterable<SlotWork>;
  /** Whom a user's work pays, if somebody knows it already: as {@link payToOf}, null for who {@link isSolo}. */
  readonly payToOf?: (user: string) => readonly PayTo[] | null;
  /** What payees are owed, by output script in hex. */
  readonly balances: ReadonlyMap<string, bigint>;
  readonly since: readonly Receipt[];
  readonly until: readonly Receipt[];
}

/**
 * Whether a user is paid for its own blocks alone: all are in `solo`, and in every mode who asks for it by
 * `sri/solo/ADDRESS`. Its work is in no window.
 */
export const isSolo = (user: string, { mode, networks }: Pick<PayoutPlan, 'mode' | 'networks'>): boolean => {
  if (mode === 'solo') return true;
  const identity = parseIdentity(user, networks);
  return identity.isPayable && identity.isSolo;
};

/**
 * Whom a user's work pays: its address, less what it donates, which goes to the reserve, as does all of a user that
 * names nobody to pay.
 */
export const payToOf = (
  user: string,
  { rules, networks }: Pick<PayoutPlan, 'rules' | 'networks'>,
): PayTo[] => {
  const reserve = bytesToHex(rules.reserve);
  const identity = parseIdentity(user, networks);
  if (!identity.isPayable) return [{ script: reserve, parts: 10_000 }];
  const { donationBasisPoints, scriptPubKey } = identity;
  const all = [
    { script: bytesToHex(scriptPubKey), parts: 10_000 - donationBasisPoints },
    { script: reserve, parts: donationBasisPoints },
  ];
  return all.filter(({ parts }) => parts > 0);
};

/** Weights by output script, of a window and of whom its users' work pays. */
export const weightsByScript = (
  contributions: Iterable<{ readonly user: string; readonly weight: bigint }>,
  payTo: ReadonlyMap<string, readonly PayTo[]>,
): Map<string, bigint> => {
  const weights = new Map<string, bigint>();
  for (const { user, weight } of contributions) {
    for (const { script, parts } of payTo.get(user) ?? [])
      weights.set(script, (weights.get(script) ?? 0n) + weight * BigInt(parts));
  }
  return weights;
};

/** {@link payToOf} and {@link isSolo} together: null for who is paid for its own blocks alone. */
export const sharedPayToOf = (
  user: string,
  plan: Pick<PayoutPlan, 'mode' | 'rules' | 'networks'>,
): readonly PayTo[] | null => (isSolo(user, plan) ? null : payToOf(user, plan));

/** Work whose place in time does not matter: all of it counts, whenever it was. */
const withoutTime = (window: WorkWindow): WorkWindow => ({ ...window, newestSlot: null, oldestSlot: null });

/**
 * The work that blocks of a template are shared out by.
 * @param windowWork null for all
 * @throws Sv2Error as `windowOver`
 */
export const sharedWindow = (
  slots: Iterable<SlotWork>,
  windowWork: bigint | null,
  payTo: (user: string) => readonly PayTo[] | null,
): WorkWindow => {
  const window = windowOver(
    [...slots].filter(({ user }) => payTo(user) !== null),
    windowWork,
  );
  return windowWork === null ? withoutTime(window) : window;
};

/** Work that is shared out, and by whose weights. */
export interface SharedWork extends Pick<FrozenPayout, 'windowWork' | 'window' | 'payTo'> {
  /** By output script in hex. */
  readonly weights: ReadonlyMap<string, bigint>;
}

/**
 * Whom the work of a window pays.
 * @param windowWork null for all
 * @param of as {@link sharedPayToOf}
 */
export const sharedWork = (
  window: WorkWindow,
  windowWork: bigint | null,
  of: (user: string) => readonly PayTo[] | null,
): SharedWork => {
  const payTo = new Map(window.contributions.map(({ user }) => [user, of(user) ?? []]));
  return { windowWork, window, payTo, weights: weightsByScript(window.contributions, payTo) };
};

/** How much work a window of a plan is: null for all. */
export const windowWorkOf = (
  { mode, windowMultiple }: Pick<PayoutPlan, 'mode' | 'windowMultiple'>,
  networkWork: bigint,
): bigint | null => (mode === 'pplns' ? pplnsWindow(windowMultiple, networkWork) : null);

/**
 * Settles what a template's blocks pay that are shared out: those of `pplns` and `proportional`.
 * @throws Sv2Error as `distribute` and `windowOver`
 */
export const freezePayout = (plan: PayoutPlan, state: PayoutState): FrozenPayout => {
  const windowWork = windowWorkOf(plan, state.networkWork);
  const of = state.payToOf ?? ((user: string) => sharedPayToOf(user, plan));
  return freezeShared(plan, sharedWork(sharedWindow(state.slots, windowWork, of), windowWork, of), state);
};

/** The same by work that is known already. @throws Sv2Error as `distribute` */
export const freezeShared = (
  { mode, rules, networks }: Pick<PayoutPlan, 'mode' | 'rules' | 'networks'>,
  { weights, ...work }: SharedWork,
  { networkWork, value, balances, since, until }: Omit<PayoutState, 'slots' | 'payToOf'>,
): FrozenPayout => ({
  ...{ mode, rules, networks: networks ?? null, networkWork, since, until },
  ...work,
  distribution: distribute(value, weights, balances, rules),
});

/** What a block pays whose coinbase its miner made, by work that is known. @throws Sv2Error as `distributedAsPaid` */
export const freezeDeclared = (
  { mode, rules, networks }: Pick<PayoutPlan, 'mode' | 'rules' | 'networks'>,
  { weights, ...work }: SharedWork,
  {
    outputs,
    balances,
    ...state
  }: Omit<PayoutState, 'slots' | 'payToOf' | 'value'> & { readonly outputs: readonly TxOut[] },
): FrozenPayout => ({
  ...{ mode, rules, networks: networks ?? null },
  ...state,
  ...work,
  distribution: distributedAsPaid(outputs, weights, balances, rules),
  isDeclared: true,
});
