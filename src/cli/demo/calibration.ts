import { createHeaderHasher } from '../../bitcoin/midstate.js';
import { MAX_U256, nbitsFromTarget, targetFromBigInt } from '../../bitcoin/target.js';

const warmUp = 100;
const measured = 200;
const sliceSize = 20_000;

/**
 * Hashes per second of one thread, measured by hashing for 0.3 seconds.
 * @param now a clock in milliseconds
 */
export function measureHashRate(now: () => number): number {
  const hasher = createHeaderHasher(new Uint8Array(80));
  const impossible = new Uint8Array(32);
  const hashFor = (milliseconds: number): number => {
    const start = now();
    let slices = 0;
    while (now() - start < milliseconds) {
      hasher.search((slices * sliceSize) >>> 0, sliceSize, impossible);
      slices += 1;
    }
    return (slices * sliceSize * 1_000) / (now() - start);
  };
  hashFor(warmUp);
  return hashFor(measured);
}

/**
 * The difficulty at which a hash rate finds a block every so often, on average.
 * @param hashesPerSecond above 0
 * @param seconds between blocks
 * @returns compact form
 */
export function nbitsForInterval(hashesPerSecond: number, seconds: number): number {
  const hashes = BigInt(Math.max(1, Math.round(hashesPerSecond * seconds)));
  return nbitsFromTarget(targetFromBigInt(MAX_U256 / hashes));
}
