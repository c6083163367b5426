/**
 * Draft extension 0x0003, coinbase payout distribution (sv2-spec pull request 203, as of its revision c1babf7c): the outputs that a
 * distribution makes of a block's value. Experimental: its text may still change.
 */
import { counted } from '../codec/counted.js';
import { concatBytes, createConsensusReader } from '../bitcoin/consensus-bytes.js';
import { readOutput, serialiseOutput, type TxOut } from '../bitcoin/outputs.js';
import { Sv2Error } from '../codec/errors.js';

/** Who is paid what part of a block. */
export interface PayoutDistribution {
  /** Whose amount is a weight: the pool, which gets what rounding and dust leave, too. */
  readonly poolPayout: TxOut;
  /** Whose amounts are weights. */
  readonly payouts: readonly TxOut[];
  /** Of each payout: the least it is made for, in satoshis. */
  readonly dustLimits: readonly number[];
  /** Whose amounts are satoshis. */
  readonly additionalOutputs: readonly TxOut[];
}

/**
 * The outputs of a block by a distribution: the pool's, those of the payouts that are not dust, the additional ones. They sum to
 * the value exactly.
 *
 * With T the value, F the sum of the additional outputs, W the sum of all weights: a payout of weight w has
 * floor(w (T − F) / W), none if that is below its dust limit, and the pool has the rest.
 *
 * @param value what the template leaves, in satoshis
 * @throws Sv2Error `invalid-payout-distribution` if the additional outputs take all of it, if there are not as many dust limits
 *   as payouts, or no weights
 */
export const distributedOutputs = (
  { poolPayout, payouts, dustLimits, additionalOutputs }: PayoutDistribution,
  value: bigint,
): readonly TxOut[] => {
  if (dustLimits.length !== payouts.length) {
    throw invalid(`expected a dust limit for each of ${payouts.length} payouts, got ${dustLimits.length}`);
  }
  const fixed = additionalOutputs.reduce((sum, output) => sum + output.value, 0n);
  if (fixed >= value)
    throw invalid(`expected additional outputs below ${counted(value, 'satoshi')}, got ${fixed}`);
  const weight = payouts.reduce((sum, output) => sum + output.value, poolPayout.value);
  if (weight === 0n) throw invalid('expected weights above 0 in all, got none');
  const rest = value - fixed;
  const paid = payouts.flatMap((payout, index): TxOut[] => {
    const amount = (payout.value * rest) / weight;
    const limit = BigInt(dustLimits[index] as number);
    return amount === 0n || amount < limit ? [] : [{ ...payout, value: amount }];
  });
  const toPool = rest - paid.reduce((sum, output) => sum + output.value, 0n);
  return [{ ...poolPayout, value: toPool }, ...paid, ...additionalOutputs];
};

/**
 * Checks that a coinbase begins with the outputs of a distribution, in their order, and pays nobody else: what comes after has
 * no value.
 *
 * @param outputs of the coinbase
 * @param value what it may pay; all that it pays unless given
 * @throws Sv2Error `invalid-payout-distribution` with what was expected and what came
 */
export const checkDistributedOutputs = (
  outputs: readonly TxOut[],
  distribution: PayoutDistribution,
  value: bigint = outputs.reduce((sum, output) => sum + output.value, 0n),
): void => {
  const expected = distributedOutputs(distribution, value);
  for (const [index, output] of expected.entries()) {
    const got = outputs[index];
    if (got !== undefined && sameOutput(got, output)) continue;
    const came = got === undefined ? 'none' : `one of ${got.value}`;
    throw invalid(
      `expected output ${index} of ${counted(output.value, 'satoshi')} by the distribution, got ${came}`,
    );
  }
  const further = outputs.slice(expected.length).find((output) => output.value > 0n);
  if (further !== undefined)
    throw invalid(`expected outputs without value after the distribution's, got one of ${further.value}`);
};

/**
 * One output as the extension's message has it.
 * @param bytes an amount, a script's length and the script, and nothing else
 * @throws Sv2Error `truncated`, `trailing-bytes`, `non-canonical-compact-size`
 */
export const readPayout = (bytes: Uint8Array): TxOut => {
  const reader = createConsensusReader(bytes, 'payout');
  const { value, scriptPubKey } = readOutput(reader, 0);
  reader.end();
  return { value, scriptPubKey: concatBytes([scriptPubKey]) };
};

const sameOutput = (a: TxOut, b: TxOut): boolean => {
  const [left, right] = [serialiseOutput(a), serialiseOutput(b)];
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
};

const invalid = (message: string): Sv2Error => new Sv2Error('invalid-payout-distribution', message);
