import { MAX_BLOCK_WEIGHT } from '../../bitcoin/consensus.js';
import { sameBytes } from '../../bitcoin/consensus-bytes.js';
import type { OutputConstraints } from '../../bitcoin/script.js';
import type { BlockTemplate, TemplateTransaction } from './block-source.js';

/** The transactions of a template that leave a client the room it needs. */
export interface Selection {
  readonly transactions: readonly TemplateTransaction[];
  /** The fees of the transactions, in satoshis. */
  readonly fees: bigint;
  /** What the coinbase may pay, in satoshis. */
  readonly coinbaseValue: bigint;
  /** Whether the coinbase must carry a witness commitment. */
  readonly hasCommitment: boolean;
}

/**
 * The weight to be reserved in a block for everything but the transactions: header, transaction count and a
 * coinbase with a scriptSig of 100 bytes (spec §7.1).
 * @param additionalSize bytes of the outputs that the client adds
 * @param hasCommitment whether the coinbase has a witness commitment and a witness
 * @returns weight units
 */
export const reservedWeight = (additionalSize: number, hasCommitment: boolean): number =>
  (hasCommitment ? 1168 : 944) + 4 * additionalSize;

/**
 * Chooses the transactions that fit beside what a client adds to the coinbase: in the template's order, leaving out
 * those that would exceed the limits and those that depend on one left out.
 * @returns undefined if not even an empty block leaves the client that much room
 */
export function selectTransactions(
  template: BlockTemplate,
  constraints: OutputConstraints,
): Selection | undefined {
  const hasCommitment =
    template.segwit || template.transactions.some(({ txid, wtxid }) => !sameBytes(txid, wtxid));
  let weight =
    Math.min(template.weightLimit, MAX_BLOCK_WEIGHT) -
    reservedWeight(constraints.coinbaseOutputMaxAdditionalSize, hasCommitment);
  let sigops = template.sigopLimit - constraints.coinbaseOutputMaxAdditionalSigops;
  if (weight < 0 || sigops < 0) return undefined;

  const chosen = new Set<number>();
  let fees = 0n;
  let left = 0n;
  template.transactions.forEach((transaction, index) => {
    const fits =
      transaction.weight <= weight &&
      transaction.sigops <= sigops &&
      transaction.dependsOn.every((parent) => chosen.has(parent));
    if (!fits) {
      left += transaction.fee;
      return;
    }
    weight -= transaction.weight;
    sigops -= transaction.sigops;
    fees += transaction.fee;
    chosen.add(index);
  });
  const isWhole = chosen.size === template.transactions.length;
  return {
    // the same list for all who have room for everything: see templateContents
    transactions: isWhole
      ? template.transactions
      : template.transactions.filter((_, index) => chosen.has(index)),
    fees,
    coinbaseValue: template.coinbaseValue - left,
    hasCommitment,
  };
}
