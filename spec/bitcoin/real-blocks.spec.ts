import { describe, expect, it } from '@jest/globals';
import {
  assembleCoinbase,
  blockHash,
  buildCustomCoinbase,
  checkBlock,
  createHeaderHasher,
  decodeBip34Height,
  doubleSha256,
  findWitnessCommitment,
  fromDisplayHex,
  meetsTarget,
  merklePathOfCoinbase,
  merkleRoot,
  merkleRootFromPath,
  parseBlock,
  parseBlockHeader,
  parseTransaction,
  serialiseBlock,
  serialiseBlockHeader,
  serialiseOutputs,
  serialiseStrippedTransaction,
  serialiseTransaction,
  subsidy,
  targetFromNbits,
  toDisplayHex,
  transactionWeight,
  txid,
  witnessCommitment,
  witnessMerkleRoot,
  wtxid,
} from '../../src/bitcoin/index.js';
import type { BlockCandidate, Transaction } from '../../src/bitcoin/index.js';
import { blockFile, bytes, codeOf, segwitBlock } from './support.js';

interface RealBlock {
  readonly name: string;
  readonly height: number;
  readonly hash: string;
  readonly candidate: BlockCandidate;
}

const wholeBlock = (height: number, hash: string): RealBlock => {
  const { header, transactions } = parseBlock(blockFile(`main-${height}.bin`));
  const [coinbase, ...others] = transactions;
  return {
    name: `block ${height} (before SegWit)`,
    height,
    hash,
    candidate: {
      header,
      coinbase: coinbase as Transaction,
      transactions: others.map((transaction) => ({
        txid: txid(transaction),
        wtxid: wtxid(transaction),
        weight: transactionWeight(transaction),
      })),
    },
  };
};

const blocks: readonly RealBlock[] = [
  wholeBlock(170, '00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee'),
  wholeBlock(277647, '0000000000000000054a714e580b16c583701712ab91060e92dbde6eb1e052a8'),
  {
    name: 'block 540107 (SegWit)',
    height: segwitBlock.height,
    hash: segwitBlock.hash,
    candidate: {
      header: parseBlockHeader(bytes(segwitBlock.header)),
      coinbase: parseTransaction(bytes(segwitBlock.coinbase)),
      transactions: segwitBlock.transactions.map(({ txid, wtxid, weight }) => ({
        txid: fromDisplayHex(txid),
        wtxid: fromDisplayHex(wtxid),
        weight,
      })),
    },
  },
];

/** What a pool would have sent for the block: a coinbase around an extranonce, and a merkle path. */
const takeApart = ({ coinbase, transactions }: BlockCandidate) => {
  const scriptSig = coinbase.inputs[0]?.scriptSig ?? new Uint8Array();
  const extranonceSize = Math.min(8, scriptSig.length - 4);
  const extranonceStart = scriptSig.length - extranonceSize;
  return {
    extranonce: scriptSig.slice(extranonceStart),
    coinbase: buildCustomCoinbase(
      {
        coinbaseTxVersion: coinbase.version,
        coinbasePrefix: scriptSig.slice(0, extranonceStart),
        coinbaseTxInputNSequence: coinbase.inputs[0]?.sequence ?? 0,
        coinbaseTxOutputs: serialiseOutputs(coinbase.outputs),
        coinbaseTxLocktime: coinbase.locktime,
      },
      extranonceSize,
    ),
    merklePath: merklePathOfCoinbase(transactions.map((transaction) => transaction.txid)),
  };
};

describe.each(blocks)('$name', ({ height, hash, candidate }) => {
  const { header, coinbase, transactions } = candidate;
  const target = targetFromNbits(header.nbits);

  it('has its hash, at or below its target', () => {
    expect(toDisplayHex(blockHash(header))).toBe(hash);
    expect(meetsTarget(blockHash(header), target)).toBe(true);
  });

  it('taken apart into template and job, and put together again, is a block with its real nonce', () => {
    const parts = takeApart(candidate);
    const stripped = assembleCoinbase(parts.coinbase.stripped, parts.extranonce);
    expect(stripped).toEqual(serialiseStrippedTransaction(coinbase));
    if (height === 540107) {
      expect(assembleCoinbase(parts.coinbase.withWitness, parts.extranonce)).toEqual(
        bytes(segwitBlock.coinbase),
      );
    }
    const root = merkleRootFromPath(doubleSha256(stripped), parts.merklePath);
    const rebuilt = serialiseBlockHeader({ ...header, merkleRoot: root });
    expect(meetsTarget(blockHash(rebuilt), target)).toBe(true);
    expect(toDisplayHex(blockHash(rebuilt))).toBe(hash);
  });

  it('is no block with another extranonce', () => {
    const parts = takeApart(candidate);
    const extranonce = parts.extranonce.map((byte, index) => (index === 0 ? byte ^ 1 : byte));
    const root = merkleRootFromPath(
      doubleSha256(assembleCoinbase(parts.coinbase.stripped, extranonce)),
      parts.merklePath,
    );
    expect(meetsTarget(blockHash({ ...header, merkleRoot: root }), target)).toBe(false);
  });

  it('is no block after any one-bit change of its header', () => {
    const original = serialiseBlockHeader(header);
    const survivors: number[] = [];
    for (let bit = 0; bit < 640; bit++) {
      const changed = original.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const ownNbits = parseBlockHeader(changed).nbits;
      const meetsOwnTarget =
        codeOf(() => targetFromNbits(ownNbits)) === null &&
        meetsTarget(blockHash(changed), targetFromNbits(ownNbits));
      if (meetsTarget(blockHash(changed), target) || meetsOwnTarget) survivors.push(bit);
    }
    expect(survivors).toEqual([]);
  });

  it('is found by a search over nonces around its own', () => {
    const hasher = createHeaderHasher(serialiseBlockHeader({ ...header, nonce: 0 }));
    expect(hasher.search(header.nonce - 1000, 2000, target)).toBe(header.nonce);
    expect(hasher.search(header.nonce + 1, 2000, target)).toBeNull();
    expect(hasher.hash(header.nonce)).toEqual(blockHash(header));
  });

  it('has the merkle root of its txids', () => {
    const { root, mutated } = merkleRoot([
      txid(coinbase),
      ...transactions.map((transaction) => transaction.txid),
    ]);
    expect(root).toEqual(header.merkleRoot);
    expect(mutated).toBe(false);
  });

  if (height >= 227931) {
    it('begins its coinbase with its height and passes the consensus checks', () => {
      expect(decodeBip34Height(coinbase.inputs[0]?.scriptSig ?? new Uint8Array())).toBe(height);
      const paid = coinbase.outputs.reduce((sum, { value }) => sum + value, 0n);
      expect(paid).toBeGreaterThan(subsidy(height)); // the fees of a full block
      const context = {
        prevHash: header.prevHash,
        height,
        nbits: header.nbits,
        medianTimePast: header.ntime - 1,
        now: header.ntime,
        maxCoinbaseValue: paid,
      };
      expect(checkBlock(candidate, context)).toEqual(blockHash(header));
      expect(codeOf(() => checkBlock(candidate, { ...context, height: height + 1 }))).toBe('bad-cb-height');
      expect(codeOf(() => checkBlock(candidate, { ...context, maxCoinbaseValue: paid - 1n }))).toBe(
        'bad-cb-amount',
      );
    });
  }
});

describe('block 540107', () => {
  const coinbase = parseTransaction(bytes(segwitBlock.coinbase));

  it('commits to its wtxids', () => {
    const root = witnessMerkleRoot(
      segwitBlock.transactions.map((transaction) => fromDisplayHex(transaction.wtxid)),
    );
    expect(findWitnessCommitment(coinbase.outputs)).toEqual(
      witnessCommitment(root, coinbase.inputs[0]?.witness[0]),
    );
  });

  it('has transactions with the txids, wtxids and weights that were recorded', () => {
    const kept = segwitBlock.transactions.filter(({ hex }) => hex !== undefined);
    expect(kept.length).toBeGreaterThan(50);
    for (const expected of kept) {
      const raw = bytes(expected.hex ?? '');
      const transaction = parseTransaction(raw);
      expect(serialiseTransaction(transaction)).toEqual(raw);
      expect(toDisplayHex(txid(transaction))).toBe(expected.txid);
      expect(toDisplayHex(wtxid(transaction))).toBe(expected.wtxid);
      expect(transactionWeight(transaction)).toBe(expected.weight);
    }
  });
});

describe('parsing and serialising a block', () => {
  it.each([170, 277647])('round-trips block %d', (height) => {
    const file = blockFile(`main-${height}.bin`);
    expect(serialiseBlock(parseBlock(file))).toEqual(file);
  });

  it('fails on every truncation and on trailing bytes', () => {
    const file = blockFile('main-170.bin');
    for (let length = 0; length < file.length; length++) {
      expect(codeOf(() => parseBlock(file.subarray(0, length)))).toBe('truncated');
    }
    expect(codeOf(() => parseBlock(Uint8Array.of(...file, 0)))).toBe('trailing-bytes');
  });

  it('does not believe a transaction count that the bytes cannot hold', () => {
    const claims = Uint8Array.of(...blockFile('main-170.bin').subarray(0, 80), 0xfe, 0xff, 0xff, 0xff, 0x7f);
    expect(codeOf(() => parseBlock(claims))).toBe('truncated');
  });
});
