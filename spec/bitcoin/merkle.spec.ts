import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  findWitnessCommitment,
  merklePathOfCoinbase,
  merkleRoot,
  merkleRootFromPath,
  witnessCommitment,
  witnessCommitmentScript,
  witnessMerkleRoot,
} from '../../src/bitcoin/index.js';
import { bytes, codeOf } from './support.js';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('the merkle path of the coinbase', () => {
  it('folds to the merkle root, for any number of transactions and any coinbase', () => {
    fc.assert(
      fc.property(hash, fc.array(hash, { maxLength: 70 }), (coinbaseTxid, txids) => {
        const path = merklePathOfCoinbase(txids);
        expect(path).toHaveLength(Math.ceil(Math.log2(txids.length + 1)));
        expect(merkleRootFromPath(coinbaseTxid, path)).toEqual(merkleRoot([coinbaseTxid, ...txids]).root);
      }),
      { seed: 42, numRuns: 200 },
    );
  });

  it('is empty for a lone coinbase, whose txid is the root', () => {
    const coinbaseTxid = new Uint8Array(32).fill(7);
    expect(merklePathOfCoinbase([])).toEqual([]);
    expect(merkleRootFromPath(coinbaseTxid, [])).toEqual(coinbaseTxid);
  });
});

describe('the merkle root', () => {
  const [a, b, c] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];

  it('is flagged when repeated transactions leave it unchanged (CVE-2012-2459)', () => {
    const honest = merkleRoot([a, b, c]);
    const forged = merkleRoot([a, b, c, c]);
    expect(forged.root).toEqual(honest.root);
    expect(honest.mutated).toBe(false);
    expect(forged.mutated).toBe(true);
    expect(merkleRoot([a, b, c, a, b, c]).mutated).toBe(false);
    expect(merkleRoot([a, b, c, c, a, b]).mutated).toBe(true);
  });

  it('is flagged when a whole branch is repeated', () => {
    const six = [a, b, c, c, a, a].map((txid, index) => txid.map((byte) => byte + 10 * index));
    const forged = [...six, ...six.slice(4)];
    expect(merkleRoot(forged).root).toEqual(merkleRoot(six).root);
    expect(merkleRoot(forged).mutated).toBe(true);
  });

  it('needs at least one hash, and hashes of 32 bytes', () => {
    expect(codeOf(() => merkleRoot([]))).toBe('empty-list');
    expect(codeOf(() => merkleRoot([a, new Uint8Array(31)]))).toBe('invalid-length');
    expect(codeOf(() => merklePathOfCoinbase([new Uint8Array(33)]))).toBe('invalid-length');
    expect(codeOf(() => merkleRootFromPath(new Uint8Array(31), []))).toBe('invalid-length');
    expect(codeOf(() => merkleRootFromPath(a, [new Uint8Array(31)]))).toBe('invalid-length');
  });
});

describe('the witness commitment', () => {
  it('of a block without other transactions is the one every empty template carries', () => {
    // as in the reference implementation's job factory test and countless empty blocks
    const commitment = witnessCommitment(witnessMerkleRoot([]));
    const script = witnessCommitmentScript(commitment);
    expect(script).toEqual(
      bytes('6a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9'),
    );
    expect(findWitnessCommitment([{ scriptPubKey: script }])).toEqual(commitment);
  });

  it('is the last of several, may be followed by more bytes, and needs its whole header', () => {
    const [first, second] = [1, 2].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array, Uint8Array];
    const script = (commitment: Uint8Array, ...more: number[]) => ({
      scriptPubKey: Uint8Array.of(...witnessCommitmentScript(commitment), ...more),
    });
    expect(findWitnessCommitment([script(first), script(second, 1, 2, 3)])).toEqual(second);
    expect(findWitnessCommitment([])).toBeNull();
    expect(findWitnessCommitment([{ scriptPubKey: script(first).scriptPubKey.subarray(0, 37) }])).toBeNull();
    for (let index = 0; index < 6; index++) {
      const { scriptPubKey } = script(first);
      scriptPubKey[index] = (scriptPubKey[index] ?? 0) ^ 1;
      expect(findWitnessCommitment([{ scriptPubKey }])).toBeNull();
    }
  });

  it('needs 32 bytes of everything', () => {
    const short = new Uint8Array(31);
    expect(codeOf(() => witnessMerkleRoot([short]))).toBe('invalid-length');
    expect(codeOf(() => witnessCommitment(short))).toBe('invalid-length');
    expect(codeOf(() => witnessCommitment(new Uint8Array(32), short))).toBe('invalid-length');
    expect(codeOf(() => witnessCommitmentScript(short))).toBe('invalid-length');
  });
});
