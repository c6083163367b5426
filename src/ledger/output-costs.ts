/** What outputs cost: their weight, their signature operations, and from which value on they are worth spending. */
import { serialiseOutput } from '../bitcoin/outputs.js';
import { countLegacySigops } from '../bitcoin/script.js';

/** What outputs may cost together. */
export interface OutputLimits {
  /** Weight units: four for each byte of an output (BIP 141). */
  readonly weight: number;
  /** Signature operations, each legacy one counted four times (BIP 141). */
  readonly sigops: number;
  /** How many outputs. */
  readonly count: number;
}

/**
 * What one output costs.
 * @param scriptPubKey of any length
 */
export const outputCost = (scriptPubKey: Uint8Array): OutputLimits => ({
  weight: 4 * serialiseOutput({ value: 0n, scriptPubKey }).length,
  sigops: 4 * countLegacySigops(scriptPubKey),
  count: 1,
});

/** Costs together. */
export const addCosts = (one: OutputLimits, other: OutputLimits): OutputLimits => ({
  weight: one.weight + other.weight,
  sigops: one.sigops + other.sigops,
  count: one.count + other.count,
});

/** Whether costs are within limits. */
export const isWithin = (cost: OutputLimits, limits: OutputLimits): boolean =>
  cost.weight <= limits.weight && cost.sigops <= limits.sigops && cost.count <= limits.count;

/** Bytes that it takes to spend an output, by type (Bitcoin Core, `GetDustThreshold`). */
const SPENDING_WITNESS = 67;
const SPENDING_LEGACY = 148;

/**
 * The smallest value that nodes do not call dust, at their default of 3 satoshis a byte (Bitcoin Core,
 * `GetDustThreshold`): 546 for P2PKH, 540 for P2SH, 294 for P2WPKH, 330 for P2WSH and P2TR.
 * @param scriptPubKey of any length
 * @returns satoshis
 */
export const dustLimit = (scriptPubKey: Uint8Array): bigint => {
  const [version = -1, length = -1] = scriptPubKey;
  const isWitness =
    (version === 0 || (version >= 0x51 && version <= 0x60)) &&
    scriptPubKey.length >= 4 &&
    scriptPubKey.length <= 42 &&
    length === scriptPubKey.length - 2;
  const size = serialiseOutput({ value: 0n, scriptPubKey }).length;
  return 3n * BigInt(size + (isWitness ? SPENDING_WITNESS : SPENDING_LEGACY));
};
