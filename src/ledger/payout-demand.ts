/** What a user identity demands of a coinbase, and whether a coinbase pays it. */
import type { TxOut } from '../bitcoin/outputs.js';
import { bytesToHex } from '../codec/hex.js';
import { Sv2Error } from '../codec/errors.js';
import { parseIdentity } from './identity.js';

/** What a miner is to be paid of each block. */
export interface PayoutDemand {
  /** As the identity has it. */
  readonly address: string;
  readonly scriptPubKey: Uint8Array;
  /** What a pool may keep: hundredths of a percent, 0 to 10,000, and no more than the whole satoshis of it. */
  readonly poolBasisPoints: number;
}

/** What a pool may keep where the identity is an address and says nothing of a fee, as the reference has it. */
const unsaidFee = 1_000;

/**
 * What a user identity demands; the forms are those of `parseIdentity`, their meaning that of the reference implementation
 * (sv2-apps, stratum-apps/src/payout.rs):
 *
 * - `sri/solo/ADDRESS/WORKER`: all of it;
 * - `sri/donate/PERCENT/ADDRESS/WORKER`: what PERCENT leaves;
 * - `ADDRESS` or `ADDRESS.WORKER`: nine tenths or more.
 *
 * @throws Sv2Error `invalid-identity` for one that demands nothing, which repeats nothing of it
 */
export function payoutDemand(userIdentity: string): PayoutDemand {
  const identity = parseIdentity(userIdentity);
  if (!identity.isPayable)
    throw new Sv2Error('invalid-identity', `the user identity names nobody to be paid: ${identity.reason}`, {
      why: identity.code,
    });
  const { address, scriptPubKey, isSolo, donationBasisPoints } = identity;
  const isPlain = !isSolo && !userIdentity.startsWith('sri/');
  return { address, scriptPubKey, poolBasisPoints: isPlain ? unsaidFee : donationBasisPoints };
}

/** A coinbase that pays less than was demanded. */
export interface Underpayment {
  /** Satoshis. */
  readonly demanded: bigint;
  readonly paid: bigint;
  readonly outputs: readonly TxOut[];
}

const opReturn = 0x6a;

/**
 * Looks whether outputs pay a demand; those with OP_RETURN, which nobody can spend, are not counted.
 * @returns what is wrong; null if nothing is. More than was demanded is no wrong
 */
export function underpayment(
  { scriptPubKey, poolBasisPoints }: PayoutDemand,
  outputs: readonly TxOut[],
): Underpayment | null {
  const spendable = outputs.filter((output) => output.scriptPubKey[0] !== opReturn);
  const sum = (of: readonly TxOut[]) => of.reduce((total, { value }) => total + value, 0n);
  const script = bytesToHex(scriptPubKey);
  const all = sum(spendable);
  const paid = sum(spendable.filter((output) => bytesToHex(output.scriptPubKey) === script));
  const demanded = all - (all * BigInt(poolBasisPoints)) / 10_000n;
  return all > 0n && paid >= demanded ? null : { demanded, paid, outputs };
}

/** Outputs that are shown, at most. */
const maxShown = 16;

/** Outputs as people read them: `312500000 satoshis to 0014…, …`. */
export function describeOutputs(outputs: readonly TxOut[]): string {
  if (outputs.length === 0) return 'no outputs';
  const shown = outputs
    .slice(0, maxShown)
    .map(({ value, scriptPubKey }) => `${value} satoshis to ${shortHex(scriptPubKey)}`);
  const more = outputs.length - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

const shortHex = (bytes: Uint8Array): string =>
  bytes.length > 34 ? `${bytesToHex(bytes.subarray(0, 34))}…` : bytesToHex(bytes);
