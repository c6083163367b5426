import type { CoinbaseParts } from '../../bitcoin/coinbase.js';
import type { TxOut } from '../../bitcoin/outputs.js';
import type { ChainTip } from './chain-tip.js';

/**
 * Bits of the block version that miners may roll (BIP 323, spec §5.1: 24 bits), as in the reference
 * implementation (`VERSION_ROLLING_MASK`).
 */
export const VERSION_ROLLING_MASK = 0x1fff_ffe0;

/** A job as NewExtendedMiningJob tells it, to be shared by all channels with the same size of full extranonce. */
export interface ExtendedJob {
  readonly jobId: number;
  readonly version: number;
  readonly versionRollingAllowed: boolean;
  /** 32 bytes each, from the deepest. */
  readonly merklePath: readonly Uint8Array[];
  /** Without BIP 141 fields: what is hashed into the txid. */
  readonly coinbase: CoinbaseParts;
}

/** An {@link ExtendedJob} on the side that made it. */
export interface ServerJob extends ExtendedJob {
  /** What it was made from; null for a custom job, which the pool has no template of. */
  readonly templateId: bigint | null;
  /** What it pays before its template's own outputs, as `PayoutOutputs` returned it; null for a coinbase that was made elsewhere. */
  readonly payout: readonly TxOut[] | null;
  /** With BIP 141 fields when the block has a witness commitment: for SubmitSolution. */
  readonly solutionCoinbase: CoinbaseParts;
}

/**
 * A job on one channel. `J` is what merkle roots are computed from: {@link ServerJob} on the server's side,
 * {@link ExtendedJob} on the client's, where standard channels may only be told the merkle root (null).
 */
export interface ChannelJob<J extends ExtendedJob | null = ExtendedJob | null> {
  readonly jobId: number;
  readonly version: number;
  readonly versionRollingAllowed: boolean;
  readonly job: J;
  /** The channel's when the job was sent: a later SetExtranoncePrefix does not change it (spec §5.3.10). */
  readonly extranoncePrefix: Uint8Array;
  /** Of a standard channel, computed when it is first needed; null on extended channels. */
  merkleRoot: Uint8Array | null;
  /** Largest share hash accepted: 32 bytes, little-endian. Fixed once the job is active (spec §5.3.21). */
  target: Uint8Array;
  /** What it builds on; null as long as it is a future job. */
  tip: ChainTip | null;
}
