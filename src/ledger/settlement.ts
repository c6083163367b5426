/** What becomes of blocks that were found: booked once they are deep enough, reversed when the chain goes on without. */
import { Sv2Error } from '../codec/errors.js';

/** What is known of a block. */
export type BlockState = 'found' | 'booked' | 'reversed';

/** A block that was found, with what its payments changed. */
export interface LedgerBlock {
  /** 64 hex digits as explorers show them. */
  readonly hash: string;
  readonly height: number;
  /** The block that it is on, in the same form; unknown unless given, as in ledgers of before. */
  readonly prevHash?: string;
  readonly state: BlockState;
  /** Blocks on it, itself included; 0 while no tip was seen to build on it. */
  readonly confirmations: number;
  /** By output script in hex: what its payments added to what is owed (`after - before`). Their sum is 0. */
  readonly changes: ReadonlyMap<string, bigint>;
}

/** A tip as template providers tell of it. */
export interface LedgerTip {
  /** The block to build on: 64 hex digits as explorers show them. */
  readonly prevHash: string;
  /** Its height. */
  readonly height: number;
}

/** What is owed: the changes of all blocks that were not reversed. Found blocks count at once, so that nothing is paid twice. */
export const balancesOf = (blocks: Iterable<LedgerBlock>): Map<string, bigint> => {
  const balances = new Map<string, bigint>();
  for (const { state, changes } of blocks) {
    if (state === 'reversed') continue;
    for (const [script, change] of changes) {
      const balance = (balances.get(script) ?? 0n) + change;
      if (balance === 0n) balances.delete(script);
      else balances.set(script, balance);
    }
  }
  return balances;
};

/**
 * What blocks are after another tip. A block is on the chain when the tip is it or one of ours that is known to be built on
 * it, and stays so while tips are above it. It is reversed when another block is seen at its height, when the chain goes back below it, or when no tip was it and the
 * chain is `patience` blocks above; it counts again when a tip is it after all.
 *
 * Template providers tell the last block only: one that is replaced by a longer branch whose other blocks were never
 * tips is not noticed, and stands until somebody says so (`reverseBlock`).
 *
 * @param confirmations blocks on it, itself included, with which it is booked; 1 or more
 * @param patience blocks above it that may be found before it is given up when no tip was it; 2 unless given
 * @throws Sv2Error `out-of-range`
 */
export const settle = (
  blocks: readonly LedgerBlock[],
  { prevHash, height }: LedgerTip,
  confirmations: number,
  patience = 2,
): LedgerBlock[] => {
  if (!Number.isSafeInteger(confirmations) || confirmations < 1)
    throw new Sv2Error('out-of-range', `confirmations must be 1 or more, got ${confirmations}`, {
      confirmations,
    });
  const onChain = chainOf(blocks, prevHash);
  return blocks.map((block) => {
    if (onChain.has(block.hash) && block.height <= height) {
      if (block.state === 'booked') return block;
      const depth = Math.max(height - block.height + 1, block.confirmations);
      return { ...block, confirmations: depth, state: depth >= confirmations ? 'booked' : 'found' };
    }
    if (block.height === height) return block.state === 'reversed' ? block : reverseBlock(block);
    if (height < block.height) return block.confirmations > 0 ? reverseBlock(block) : block;
    if (block.state !== 'found') return block;
    const depth = height - block.height + 1;
    if (block.confirmations === 0) return depth > patience ? reverseBlock(block) : block;
    return { ...block, confirmations: depth, state: depth >= confirmations ? 'booked' : 'found' };
  });
};

/** The hashes of a tip and of the blocks of ours that it is built on, without a gap, back to one that is booked. */
const chainOf = (blocks: readonly LedgerBlock[], tip: string): Set<string> => {
  const byHash = new Map(blocks.map((block) => [block.hash, block]));
  const chain = new Set<string>();
  let at: string | undefined = tip;
  while (at !== undefined && !chain.has(at)) {
    chain.add(at);
    const block = byHash.get(at);
    at = block?.state === 'booked' ? undefined : block?.prevHash;
  }
  return chain;
};

/** A block that the chain has gone on without. */
export const reverseBlock = (block: LedgerBlock): LedgerBlock => ({
  ...block,
  confirmations: 0,
  state: 'reversed',
});
