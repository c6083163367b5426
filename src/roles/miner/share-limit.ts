/** How many shares a miner sends: a target that nearly every hash meets must not make it a flood. */
import type { SchedulerLike } from 'rxjs';
import { doubleSha256 } from '../../bitcoin/hash.js';
import { meetsTarget, targetFromNbits } from '../../bitcoin/target.js';
import { rateLimit } from '../rate-limit.js';

/** Shares of a channel a second, in the long run: a thousand times what pools usually aim at. */
export const sharesPerSecond = 100;

/** Shares of a channel that go at once, when the difficulty has just been set far too low. */
const burst = 200;

/** Whether a share may be sent now. */
export type MaySend = (header: () => Uint8Array, nbits: number) => boolean;

/**
 * Keeps the shares of one channel to {@link sharesPerSecond}. What is a block is sent all the same, as long as that is not
 * a flood in itself, as on a regtest chain.
 * @param scheduler the clock
 * @returns a function of a share's header, 80 bytes that are asked for when they are needed, and its nbits
 */
export function shareLimit(scheduler: SchedulerLike): MaySend {
  const [shares, blocks] = [rateLimit(burst, sharesPerSecond), rateLimit(burst, sharesPerSecond)];
  return (header, nbits) => {
    const now = scheduler.now();
    return shares(now) || (isBlock(header(), nbits) && blocks(now));
  };
}

function isBlock(header: Uint8Array, nbits: number): boolean {
  try {
    return meetsTarget(doubleSha256(header), targetFromNbits(nbits));
  } catch {
    return false; // no target: what nbits a Stratum V1 server names is not looked at before
  }
}
