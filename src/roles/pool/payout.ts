/** Whom a pool's blocks pay. */
import type { TxOut } from '../../bitcoin/outputs.js';
import type { PayoutOutputs } from '../../mining/work/job-factory.js';
import { coinbaseOutputConstraints, type OutputConstraints } from '../../bitcoin/script.js';

/** What decides the outputs that a pool puts into a coinbase before the template's own. */
export interface Payout {
  /** The outputs of a block. */
  readonly outputs: PayoutOutputs;
  /** The room that a template must leave for them, whatever their values are (spec §7.1). */
  readonly room: OutputConstraints;
}

/**
 * Pays everything to one script.
 * @param scriptPubKey of any length that a block has room for
 */
export const payEverythingTo = (scriptPubKey: Uint8Array) => {
  const outputs = (value: bigint): readonly TxOut[] => [{ value, scriptPubKey }];
  return { outputs, room: coinbaseOutputConstraints(outputs(0n)) } satisfies Payout;
};
