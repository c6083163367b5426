import { switchMap, take, type Observable } from 'rxjs';
import { MAX_U256, nbitsFromTarget, targetFromBigInt } from '../../bitcoin/target.js';
import { hashWorkers } from '../../node/hash-workers.js';
import { measureHashRate } from '../../roles/miner/hasher.js';

const measuredFor = 500;

/**
 * Hashes per second of so many threads together, measured by hashing for half a second.
 * @param threads 1 or more
 */
export function calibrate(threads: number): Observable<number> {
  return hashWorkers(threads).pipe(
    switchMap((hasher) => measureHashRate(hasher, measuredFor)),
    take(1),
  );
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
