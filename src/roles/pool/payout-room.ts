/** How much room the outputs of payouts have: what the template provider is told, and what firmware can hash. */
import { MAX_COINBASE_SCRIPT_SIG_SIZE } from '../../bitcoin/coinbase.js';
import { coinbaseOutputConstraints, type OutputConstraints } from '../../bitcoin/script.js';
import type { DistributionRules } from '../../ledger/distribution.js';
import { outputCost, type OutputLimits } from '../../ledger/output-costs.js';
import type { PayoutPlan } from '../../ledger/payout-plan.js';
import type { NewTemplate } from '../../messages/template-distribution.js';

/** The largest output to an address: P2WSH and P2TR have scripts of 34 bytes, P2PKH one legacy signature operation. */
const largestOutput: OutputConstraints = {
  coinbaseOutputMaxAdditionalSize: 8 + 1 + 34,
  coinbaseOutputMaxAdditionalSigops: 4,
};

/** The room that templates must leave for what a plan pays at most: shared out, or to one payee and the pool. */
export const roomOf = ({ mode, rules }: Pick<PayoutPlan, 'mode' | 'rules'>): OutputConstraints => {
  const { reserve, fee, donation, limits } = rules;
  const own = coinbaseOutputConstraints(
    [reserve, fee?.scriptPubKey, donation?.scriptPubKey]
      .filter((script) => script !== undefined)
      .filter((script, index, all) => all.findIndex((other) => isSame(other, script)) === index)
      .map((scriptPubKey) => ({ value: 0n, scriptPubKey })),
  );
  const one = {
    coinbaseOutputMaxAdditionalSize:
      own.coinbaseOutputMaxAdditionalSize + largestOutput.coinbaseOutputMaxAdditionalSize,
    coinbaseOutputMaxAdditionalSigops: Math.min(
      0xffff,
      own.coinbaseOutputMaxAdditionalSigops + largestOutput.coinbaseOutputMaxAdditionalSigops,
    ),
  };
  if (mode === 'solo') return one;
  return {
    coinbaseOutputMaxAdditionalSize: Math.max(
      one.coinbaseOutputMaxAdditionalSize,
      Math.floor(limits.weight / 4),
    ),
    coinbaseOutputMaxAdditionalSigops: Math.max(
      one.coinbaseOutputMaxAdditionalSigops,
      Math.min(limits.sigops, 0xffff),
    ),
  };
};

const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index]);

/** Bytes of a coinbase without witness, beside its outputs: version, one input with the longest scriptSig, counts, locktime. */
const bareCoinbase = 4 + 1 + 36 + 1 + MAX_COINBASE_SCRIPT_SIG_SIZE + 4 + 3 + 4;

/**
 * The limits of outputs so that a coinbase takes no more than some bytes; one output to the reserve has room always.
 * @param coinbaseSize bytes without witness that a device can hash; Infinity for any
 * @param template whose own outputs are in it, too
 */
export const limitsWithin = (
  { limits, reserve }: DistributionRules,
  coinbaseSize: number,
  { coinbaseTxOutputs }: Pick<NewTemplate, 'coinbaseTxOutputs'>,
): OutputLimits => {
  if (coinbaseSize === Infinity) return limits;
  const room = coinbaseSize - bareCoinbase - coinbaseTxOutputs.length;
  return { ...limits, weight: Math.max(outputCost(reserve).weight, Math.min(limits.weight, 4 * room)) };
};
