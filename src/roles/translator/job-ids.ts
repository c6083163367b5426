import { defaultCrypto, type RandomBytes } from '../../crypto/index.js';

/**
 * Ids for jobs of Stratum V1: up to eight hex digits, as old firmware has room for no more, and none comes twice to any
 * miner of this process. They begin anywhere, so that a share from before a restart is for a job that is not known.
 */
export function sv1JobIds(randomBytes: RandomBytes = defaultCrypto.randomBytes): () => string {
  let next = randomBytes(4).reduce((value, byte) => (value * 256 + byte) % 2 ** 32, 0);
  return () => {
    next = (next + 1) % 2 ** 32;
    return next.toString(16);
  };
}
