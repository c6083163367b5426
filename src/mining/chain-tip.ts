import { compareTargets, targetFromNbits } from '../bitcoin/target.js';
import type { SetCustomMiningJob, SetNewPrevHash, SetNewPrevHashTemplate } from '../messages/index.js';

/** What jobs build on. */
export interface ChainTip {
  /** 32 bytes in wire order, as in the block header. */
  readonly prevHash: Uint8Array;
  /** Smallest ntime for shares, seconds since 1970. */
  readonly minNtime: number;
  readonly nbits: number;
  /** Hashes at or below this are blocks: 32 bytes, little-endian. */
  readonly networkTarget: Uint8Array;
  /** When it was learnt of, milliseconds since 1970. */
  readonly receivedAt: number;
}

/**
 * The chain tip that a message announces. Its network target is what nbits stands for; a Template
 * Distribution SetNewPrevHash may ask for easier solutions through its `target` (spec §7.3, §7.7), never
 * for harder ones, since a hash that meets nbits is a block whatever the template provider thinks of it.
 *
 * @param message either SetNewPrevHash, or a SetCustomMiningJob
 * @param now milliseconds since 1970
 * @returns the tip; `prevHash` is the message's own bytes
 * @throws Sv2Error `invalid-nbits`
 */
export const chainTipFrom = (
  message: SetNewPrevHash | SetNewPrevHashTemplate | SetCustomMiningJob,
  now: number,
): ChainTip => {
  const { prevHash } = message;
  if (message.type !== 'TemplateDistribution.SetNewPrevHash') {
    const { minNtime, nbits } = message;
    return { prevHash, minNtime, nbits, networkTarget: targetFromNbits(nbits), receivedAt: now };
  }
  const { headerTimestamp: minNtime, nBits: nbits, target } = message;
  const consensusTarget = targetFromNbits(nbits);
  const networkTarget = compareTargets(target, consensusTarget) > 0 ? target : consensusTarget;
  return { prevHash, minNtime, nbits, networkTarget, receivedAt: now };
};
