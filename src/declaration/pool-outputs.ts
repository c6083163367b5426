/** Whether a coinbase pays the pool what it must (spec §6.4.3). */
import { counted } from '../codec/counted.js';
import { bytesToHex } from '../codec/hex.js';
import type { TxOut } from '../bitcoin/outputs.js';
import { Refusal } from './refusal.js';

/** What a pool asks of the coinbases of jobs that are not its own. */
export interface PoolOutputs {
  /**
   * The outputs that a coinbase must have, in any order: as a token's `coinbaseTxOutputs` has them, the first for the
   * pool's payout. The values are the least they must have.
   */
  readonly outputs: readonly [TxOut, ...TxOut[]];
  /**
   * The part of a block's value that the first of them must get at least, less what the others must have, 0 to 1; 1 unless
   * given. The specification lets clients pay others, too: a pool that pays them less for it then can allow that.
   */
  readonly minPoolShare?: number;
}

/**
 * Looks at the outputs of a coinbase. Throws a Refusal for what is wrong with them.
 * @param blockValue what the block is worth at least: subsidy and the fees that are known, in satoshis
 */
export type CoinbaseCheck = (outputs: readonly TxOut[], blockValue: bigint) => void;

/** Parts of one that {@link PoolOutputs.minPoolShare} is reckoned in. */
const MILLION = 1_000_000n;

/**
 * The least that a pool's payout output must get of a block, in satoshis, rounded up.
 * @param value of the block, in satoshis
 */
export const leastPayout = (value: bigint, minPoolShare = 1): bigint => {
  const millionths = BigInt(Math.round(minPoolShare * 1_000_000));
  return (value * millionths + MILLION - 1n) / MILLION;
};

/**
 * Checks that the pool's outputs are there. Outputs that have the same script are taken together: none is counted twice.
 *
 * @param outputs of the coinbase
 * @param blockValue what the block is worth at least: subsidy and the fees that are known, in satoshis. The coinbase may
 *   claim more than that, of which the pool must have its part, too
 * @throws Refusal `pool-payout-script-missing`, `invalid-coinbase-tx-outputs`
 */
export const checkPoolOutputs = (
  outputs: readonly TxOut[],
  { outputs: required, minPoolShare }: PoolOutputs,
  blockValue: bigint,
): void => {
  const present = sums(outputs);
  const claimed = outputs.reduce((sum, { value }) => sum + value, 0n);
  const [first, ...others] = required;
  const rest = others.reduce((left, { value }) => left - value, claimed > blockValue ? claimed : blockValue);
  const payout = leastPayout(rest > 0n ? rest : 0n, minPoolShare);
  const least = { ...first, value: payout > first.value ? payout : first.value };
  for (const [script, { value, count }] of sums([least, ...others])) {
    const found = present.get(script);
    if (found === undefined || found.count < count) {
      throw new Refusal(
        'pool-payout-script-missing',
        `expected ${counted(count, 'output')} with the pool's script ${shown(script)}, got ${found?.count ?? 0}`,
      );
    }
    if (found.value < value) {
      throw new Refusal(
        'invalid-coinbase-tx-outputs',
        `expected at least ${counted(value, 'satoshi')} for the pool's script ${shown(script)}, got ${found.value}`,
      );
    }
  }
};

const sums = (outputs: readonly TxOut[]): Map<string, { readonly value: bigint; readonly count: number }> => {
  const byScript = new Map<string, { value: bigint; count: number }>();
  for (const { scriptPubKey, value } of outputs) {
    const script = bytesToHex(scriptPubKey);
    const { value: sum, count } = byScript.get(script) ?? { value: 0n, count: 0 };
    byScript.set(script, { value: sum + value, count: count + 1 });
  }
  return byScript;
};

const shown = (script: string): string => (script.length <= 80 ? script : `${script.slice(0, 80)}…`);
