import { Sv2Error } from '../codec/errors.js';
import { sameBytes } from './consensus-bytes.js';
import { doubleSha256Pair, foldSha256 } from './hash.js';

/**
 * Folds a merkle path onto the coinbase's txid (spec §5.3.15, §7.2: hashes ordered from the deepest).
 *
 * @param coinbaseTxid 32 bytes in wire order
 * @param merklePath sibling hashes of 32 bytes each; empty when the coinbase is the only transaction
 * @returns the merkle root of the block header, 32 bytes in wire order
 * @throws Sv2Error `invalid-length` when a hash isn't 32 bytes
 */
export const merkleRootFromPath = (
  coinbaseTxid: Uint8Array,
  merklePath: readonly Uint8Array[],
): Uint8Array => {
  requireHash(coinbaseTxid, 'coinbase txid');
  for (const sibling of merklePath) requireHash(sibling, 'merkle path entry');
  return foldSha256(coinbaseTxid, merklePath);
};

/**
 * The merkle path of the coinbase, as NewTemplate and NewExtendedMiningJob carry it. It doesn't depend on
 * the coinbase itself.
 *
 * @param txids the txids of all transactions but the coinbase, in block order, 32 bytes each in wire order
 * @returns ⌈log2(txids.length + 1)⌉ hashes, from the deepest
 * @throws Sv2Error `invalid-length` when a txid isn't 32 bytes
 */
export const merklePathOfCoinbase = (txids: readonly Uint8Array[]): Uint8Array[] => {
  txids.forEach((txid, index) => requireHash(txid, `txid ${index}`));
  const path: Uint8Array[] = [];
  // `level` is a level of the tree without its first node, which is the coinbase's branch
  let level: readonly Uint8Array[] = txids;
  for (;;) {
    const [sibling, ...rest] = level;
    if (sibling === undefined) return path;
    path.push(sibling);
    level = hashPairs(rest);
  }
};

/** A merkle root, and whether another list of hashes has the same one. */
export interface MerkleRoot {
  /** 32 bytes in wire order. */
  readonly root: Uint8Array;
  /** True when two neighbours that are hashed together are equal (CVE-2012-2459): such a block is refused. */
  readonly mutated: boolean;
}

/**
 * The merkle root over a list of hashes; a node without a sibling is paired with itself.
 *
 * @param hashes at least one, 32 bytes each in wire order, the coinbase's first
 * @throws Sv2Error `invalid-length` when a hash isn't 32 bytes, `empty-list` without any
 */
export const merkleRoot = (hashes: readonly Uint8Array[]): MerkleRoot => {
  hashes.forEach((hash, index) => requireHash(hash, `hash ${index}`));
  let mutated = false;
  let level = hashes;
  while (level.length > 1) {
    for (let index = 0; index + 1 < level.length; index += 2) {
      if (sameBytes(level[index] as Uint8Array, level[index + 1] as Uint8Array)) mutated = true;
    }
    level = hashPairs(level);
  }
  const [root] = level;
  if (root === undefined) throw new Sv2Error('empty-list', 'a merkle root needs at least one hash');
  return { root, mutated };
};

/**
 * The witness merkle root (BIP 141): the merkle root over the wtxids with zero in the coinbase's place.
 *
 * @param wtxids of all transactions but the coinbase, in block order, 32 bytes each in wire order
 * @returns 32 bytes
 * @throws Sv2Error `invalid-length` when a wtxid isn't 32 bytes
 */
export const witnessMerkleRoot = (wtxids: readonly Uint8Array[]): Uint8Array =>
  merkleRoot([new Uint8Array(32), ...wtxids]).root;

/**
 * The witness commitment (BIP 141): double SHA-256 of the witness merkle root and the witness reserved value.
 *
 * @param witnessRoot 32 bytes, see {@link witnessMerkleRoot}
 * @param witnessReservedValue 32 bytes, the only element of the coinbase's witness; zeros by default
 * @returns 32 bytes
 * @throws Sv2Error `invalid-length`
 */
export const witnessCommitment = (
  witnessRoot: Uint8Array,
  witnessReservedValue: Uint8Array = new Uint8Array(32),
): Uint8Array => {
  requireHash(witnessRoot, 'witness merkle root');
  requireHash(witnessReservedValue, 'witness reserved value');
  return doubleSha256Pair(witnessRoot, witnessReservedValue);
};

const COMMITMENT_HEADER = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed] as const;

/**
 * The output script that carries a witness commitment (BIP 141): OP_RETURN, a push of 36 bytes, aa21a9ed.
 *
 * @param commitment 32 bytes, see {@link witnessCommitment}
 * @returns 38 bytes
 * @throws Sv2Error `invalid-length`
 */
export const witnessCommitmentScript = (commitment: Uint8Array): Uint8Array => {
  requireHash(commitment, 'witness commitment');
  return Uint8Array.of(...COMMITMENT_HEADER, ...commitment);
};

/**
 * The witness commitment among a coinbase's output scripts: of those that carry one, the last (BIP 141).
 *
 * @param outputs in coinbase order
 * @returns the 32 bytes of the commitment, or null when there is none
 */
export const findWitnessCommitment = (
  outputs: readonly { readonly scriptPubKey: Uint8Array }[],
): Uint8Array | null => {
  const output = outputs.findLast(
    ({ scriptPubKey }) =>
      scriptPubKey.length >= 38 && COMMITMENT_HEADER.every((byte, index) => scriptPubKey[index] === byte),
  );
  return output === undefined ? null : output.scriptPubKey.slice(6, 38);
};

const hashPairs = (level: readonly Uint8Array[]): Uint8Array[] => {
  const parents: Uint8Array[] = [];
  for (let index = 0; index < level.length; index += 2) {
    const left = level[index] as Uint8Array;
    parents.push(doubleSha256Pair(left, level[index + 1] ?? left));
  }
  return parents;
};

const requireHash = (hash: Uint8Array, name: string): void => {
  if (hash.length !== 32) {
    throw new Sv2Error('invalid-length', `${name} must be 32 bytes, got ${hash.length}`, {
      length: hash.length,
    });
  }
};
