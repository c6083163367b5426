/** What blocks pay that are their finder's alone: for thousands of payees, worked out once for all that are alike. */
import type { TxOut } from '../bitcoin/outputs.js';
import { bytesToHex, hexToBytes } from '../codec/hex.js';
import { distributedAsPaid } from './declared-payout.js';
import { distribute, type DistributionRules } from './distribution.js';
import { dustLimit, outputCost } from './output-costs.js';
import { weightsByScript, type FrozenPayout, type PayoutPlan, type PayTo } from './payout-plan.js';
import type { Receipt } from './receipts.js';

/** Who found a block, or would have. */
export interface SoloPayee {
  readonly user: string;
  /** See `payToOf`. */
  readonly payTo: readonly PayTo[];
}

/**
 * What of balances concerns the block of one payee: its own, and those of donation and fee. The reserve's is what it owes
 * them: nobody else is paid by this block, or pays for it.
 * @param balances by output script in hex
 * @returns the same whose sum is 0
 */
export const soloBalances = (
  { payTo }: SoloPayee,
  { reserve, donation, fee }: DistributionRules,
  balances: ReadonlyMap<string, bigint>,
): Map<string, bigint> => {
  const reserveScript = bytesToHex(reserve);
  const cuts = [donation, fee].flatMap((cut) => (cut === undefined ? [] : [bytesToHex(cut.scriptPubKey)]));
  const own = new Map<string, bigint>();
  let sum = 0n;
  for (const script of new Set([...payTo.map(({ script: paid }) => paid), ...cuts])) {
    const balance = balances.get(script) ?? 0n;
    if (script === reserveScript || balance === 0n) continue;
    own.set(script, balance);
    sum += balance;
  }
  if (sum !== 0n) own.set(reserveScript, -sum);
  return own;
};

/**
 * What a block of one payee pays, whole.
 * @param state `outputs` of a block whose coinbase its miner made: it pays those, whatever the rules say
 * @throws Sv2Error as `distribute`
 */
export const freezeSolo = (
  payee: SoloPayee,
  { rules, networks }: Pick<PayoutPlan, 'rules' | 'networks'>,
  state: {
    readonly value: bigint;
    readonly networkWork: bigint;
    readonly balances: ReadonlyMap<string, bigint>;
    readonly until: readonly Receipt[];
    readonly outputs?: readonly TxOut[];
  },
): FrozenPayout => {
  const { value, networkWork, balances, until, outputs } = state;
  const { user, payTo } = payee;
  const contribution = { user, shares: 1, work: networkWork, weight: 1n };
  const byUser = new Map([[user, payTo]]);
  const weights = weightsByScript([contribution], byUser);
  const own = soloBalances(payee, rules, balances);
  return {
    mode: 'solo',
    rules,
    networks: networks ?? null,
    networkWork,
    windowWork: null,
    window: {
      newestSlot: null,
      oldestSlot: null,
      partOfOldest: { numerator: 1n, denominator: 1n },
      scale: 1n,
      contributions: [contribution],
    },
    since: [],
    until,
    payTo: byUser,
    ...(outputs === undefined
      ? { distribution: distribute(value, weights, own, rules) }
      : { distribution: distributedAsPaid(outputs, weights, own, rules), isDeclared: true }),
  };
};

/** Distributions that are remembered: of one value, with all kinds of addresses and a few donations, some dozen. */
const maxKnown = 1_024;

/** Amounts by place: of the payee, or of a script. */
type Shape = readonly { readonly value: bigint; readonly script: string | null }[];

/**
 * The outputs of {@link freezeSolo}, a hundred times faster for all payees but the first of their kind: what outputs cost and
 * how scripts are ordered is all that a distribution knows of a payee.
 * @returns a function of a payee, of what a template leaves in satoshis, and of what {@link soloBalances} says
 */
export const soloOutputs = (
  rules: DistributionRules,
): ((payee: SoloPayee, value: bigint, balances: ReadonlyMap<string, bigint>) => readonly TxOut[]) => {
  const reserve = bytesToHex(rules.reserve);
  const others = [
    reserve,
    ...[rules.donation, rules.fee].flatMap((cut) =>
      cut === undefined ? [] : [bytesToHex(cut.scriptPubKey)],
    ),
  ];
  const known = new Map<string, Shape>();
  const scripts = new Map<string, Uint8Array>(others.map((script) => [script, hexToBytes(script)]));

  const whole = ({ user, payTo }: SoloPayee, value: bigint, balances: ReadonlyMap<string, bigint>) =>
    distribute(value, weightsByScript([{ user, weight: 1n }], new Map([[user, payTo]])), balances, rules)
      .outputs;

  return (payee, value, balances) => {
    const own = payee.payTo.find(({ script }) => !others.includes(script));
    if (own === undefined) return whole(payee, value, balances);
    const { script, parts } = own;
    const scriptPubKey = hexToBytes(script);
    const { weight, sigops } = outputCost(scriptPubKey);
    const key = [
      ...[value, parts, weight, sigops, dustLimit(scriptPubKey), ...others.map((other) => script < other)],
      ...[...balances].map(([of, balance]) => `${of === script ? '' : of}:${balance}`).sort(),
    ].join(' ');
    let shape = known.get(key);
    if (shape === undefined) {
      if (known.size >= maxKnown) known.clear();
      shape = whole(payee, value, balances).map((output) => {
        const paid = bytesToHex(output.scriptPubKey);
        return { value: output.value, script: paid === script ? null : paid };
      });
      known.set(key, shape);
    }
    return shape.map((output) => ({
      value: output.value,
      scriptPubKey: output.script === null ? scriptPubKey : (scripts.get(output.script) ?? rules.reserve),
    }));
  };
};
