import { doubleSha256 } from '../../bitcoin/hash.js';
import { merkleRootFromPath } from '../../bitcoin/merkle.js';
import type { ChannelJob, ExtendedJob } from './job.js';

/**
 * The merkle root of a job's block with some extranonce (spec §5.3.16): the coinbase's txid folded with the merkle path.
 *
 * @param extranoncePrefix the channel's, as it was when the job was sent
 * @param extranonce what an extended channel rolled; none on a standard channel
 * @returns 32 bytes in wire order
 */
export const jobMerkleRoot = (
  {
    coinbase: { coinbaseTxPrefix, coinbaseTxSuffix },
    merklePath,
  }: Pick<ExtendedJob, 'coinbase' | 'merklePath'>,
  extranoncePrefix: Uint8Array,
  extranonce: Uint8Array = NONE,
): Uint8Array => {
  const prefixEnd = coinbaseTxPrefix.length + extranoncePrefix.length;
  const suffixStart = prefixEnd + extranonce.length;
  const coinbase = new Uint8Array(suffixStart + coinbaseTxSuffix.length);
  coinbase.set(coinbaseTxPrefix);
  coinbase.set(extranoncePrefix, coinbaseTxPrefix.length);
  coinbase.set(extranonce, prefixEnd);
  coinbase.set(coinbaseTxSuffix, suffixStart);
  return merkleRootFromPath(doubleSha256(coinbase), merklePath);
};

const NONE = new Uint8Array(0);

/**
 * The merkle root of a channel's job. A standard channel's is computed once and kept.
 *
 * @param extranonce of an extended channel; undefined on a standard one
 */
export const channelJobMerkleRoot = (channelJob: ChannelJob, extranonce?: Uint8Array): Uint8Array => {
  if (channelJob.merkleRoot !== null) return channelJob.merkleRoot;
  const { job, extranoncePrefix } = channelJob;
  if (job === null) throw new Error('a job without coinbase must have its merkle root');
  const root = jobMerkleRoot(job, extranoncePrefix, extranonce);
  if (extranonce === undefined) channelJob.merkleRoot = root;
  return root;
};
