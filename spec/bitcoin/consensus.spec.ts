import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  COIN,
  blockHash,
  checkBlock,
  createHeaderHasher,
  medianTimePast,
  merkleRoot,
  serialiseBlockHeader,
  subsidy,
  targetFromNbits,
  txid,
  witnessCommitment,
  witnessCommitmentScript,
  witnessMerkleRoot,
} from '../../src/bitcoin/index.js';
import type {
  BlockCandidate,
  BlockContext,
  BlockHeader,
  Transaction,
  TxIn,
} from '../../src/bitcoin/index.js';
import { bytes, codeOf } from './support.js';

const context: BlockContext = {
  prevHash: new Uint8Array(32).fill(1),
  height: 1000,
  nbits: 0x207fffff,
  medianTimePast: 1_700_000_000,
  now: 1_700_000_600,
  maxCoinbaseValue: 50n * COIN + 1234n,
};
const transactions = [2, 3].map((byte) => ({
  txid: new Uint8Array(32).fill(byte),
  wtxid: new Uint8Array(32).fill(byte + 10),
  weight: 1000,
}));
const commitment = witnessCommitmentScript(
  witnessCommitment(witnessMerkleRoot(transactions.map(({ wtxid }) => wtxid))),
);
const input: TxIn = {
  previousTxid: new Uint8Array(32),
  previousIndex: 0xffffffff,
  scriptSig: bytes('02e803 abcd'),
  sequence: 0xffffffff,
  witness: [new Uint8Array(32)],
};
const coinbase: Transaction = {
  version: 2,
  inputs: [input],
  outputs: [
    { value: 50n * COIN + 1234n, scriptPubKey: bytes('51') },
    { value: 0n, scriptPubKey: commitment },
  ],
  locktime: 0,
};

interface Changes {
  readonly header?: Partial<BlockHeader>;
  readonly coinbase?: Partial<Transaction>;
  readonly input?: Partial<TxIn>;
  readonly transactions?: BlockCandidate['transactions'];
}

/** A block like the good one but for the changes, with a true merkle root (unless changed) and real work at context.nbits. */
const mine = (changes: Changes = {}): BlockCandidate => {
  const changed: Transaction = { ...coinbase, inputs: [{ ...input, ...changes.input }], ...changes.coinbase };
  const others = changes.transactions ?? transactions;
  const header: BlockHeader = {
    version: 0x20000000,
    prevHash: context.prevHash,
    merkleRoot: merkleRoot([txid(changed), ...others.map((other) => other.txid)]).root,
    ntime: context.now,
    nbits: context.nbits,
    nonce: 0,
    ...changes.header,
  };
  const nonce =
    createHeaderHasher(serialiseBlockHeader(header)).search(0, 1000, targetFromNbits(context.nbits)) ?? 0;
  return { header: { ...header, nonce }, coinbase: changed, transactions: others };
};
const verdict = (changes: Changes, where: Partial<BlockContext> = {}) =>
  codeOf(() => checkBlock(mine(changes), { ...context, ...where }));

describe('the checks of a block', () => {
  it('accept a good one and return its hash', () => {
    const block = mine();
    expect(checkBlock(block, context)).toEqual(blockHash(block.header));
  });

  it.each<[string, string, Changes]>([
    ['another prevHash', 'bad-prevblk', { header: { prevHash: new Uint8Array(32) } }],
    ['another nbits', 'bad-diffbits', { header: { nbits: 0x207ffffe } }],
    ['an ntime that is the median time past', 'time-too-old', { header: { ntime: context.medianTimePast } }],
    ['an ntime two hours and a second ahead', 'time-too-new', { header: { ntime: context.now + 7201 } }],
    ['another merkle root', 'bad-txnmrklroot', { header: { merkleRoot: new Uint8Array(32) } }],
    [
      'a repeated transaction',
      'bad-txns-duplicate',
      { transactions: [...transactions, ...transactions.slice(1)] },
    ],
    ['a coinbase that spends another index', 'bad-cb-missing', { input: { previousIndex: 0 } }],
    [
      'a coinbase that spends a txid',
      'bad-cb-missing',
      { input: { previousTxid: new Uint8Array(32).fill(1) } },
    ],
    ['a coinbase of two inputs', 'bad-cb-missing', { coinbase: { inputs: [input, input] } }],
    ['a coinbase without outputs', 'bad-txns-vout-empty', { coinbase: { outputs: [] } }],
    ['a scriptSig of 1 byte', 'bad-cb-length', { input: { scriptSig: bytes('51') } }],
    [
      'a scriptSig of 101 bytes',
      'bad-cb-length',
      { input: { scriptSig: Uint8Array.of(2, 0xe8, 3, ...new Uint8Array(98)) } },
    ],
    [
      'a locktime ahead',
      'bad-txns-nonfinal',
      { coinbase: { locktime: 1000 }, input: { sequence: 0xfffffffe } },
    ],
    ['the height before', 'bad-cb-height', { input: { scriptSig: bytes('02e703abcd') } }],
    ['a height not minimally pushed', 'bad-cb-height', { input: { scriptSig: bytes('03e80300') } }],
    ['no witness', 'bad-witness-nonce-size', { input: { witness: [] } }],
    ['a reserved value of 31 bytes', 'bad-witness-nonce-size', { input: { witness: [new Uint8Array(31)] } }],
    [
      'two witness elements',
      'bad-witness-nonce-size',
      { input: { witness: [new Uint8Array(32), new Uint8Array(32)] } },
    ],
    [
      'another reserved value',
      'bad-witness-merkle-match',
      { input: { witness: [new Uint8Array(32).fill(1)] } },
    ],
    [
      'another wtxid',
      'bad-witness-merkle-match',
      {
        transactions: transactions.map((transaction) => ({
          ...transaction,
          wtxid: new Uint8Array(32).fill(99),
        })),
      },
    ],
    [
      'witnesses without a commitment',
      'unexpected-witness',
      { coinbase: { outputs: coinbase.outputs.slice(0, 1) } },
    ],
    [
      'too much weight',
      'bad-blk-weight',
      { transactions: transactions.map((transaction) => ({ ...transaction, weight: 2_000_000 })) },
    ],
    [
      'a satoshi too much',
      'bad-cb-amount',
      {
        coinbase: {
          outputs: [{ value: 50n * COIN + 1235n, scriptPubKey: bytes('51') }, ...coinbase.outputs.slice(1)],
        },
      },
    ],
  ])('refuse %s as %s', (_, code, changes) => {
    expect(verdict(changes)).toBe(code);
  });

  it('refuse a hash above the target, and one that only its own easier nbits would allow', () => {
    expect(verdict({}, { nbits: 0x1d00ffff })).toBe('high-hash');
    const block = mine();
    const idle = { ...block, header: { ...block.header, nonce: 0 } };
    const hasher = createHeaderHasher(serialiseBlockHeader(idle.header));
    let nonce = 0;
    while (hasher.search(nonce, 1, targetFromNbits(context.nbits)) !== null) nonce++;
    expect(codeOf(() => checkBlock({ ...block, header: { ...block.header, nonce } }, context))).toBe(
      'high-hash',
    );
  });

  it('accept what is just inside the limits', () => {
    expect(verdict({ header: { ntime: context.medianTimePast + 1 } })).toBeNull();
    expect(verdict({ header: { ntime: context.now + 7200 } })).toBeNull();
    expect(verdict({ input: { scriptSig: Uint8Array.of(2, 0xe8, 3, ...new Uint8Array(97)) } })).toBeNull();
    expect(verdict({ coinbase: { locktime: 999 }, input: { sequence: 0xfffffffe } })).toBeNull();
    expect(verdict({ coinbase: { locktime: 1000 } })).toBeNull();
    expect(verdict({}, { maxCoinbaseValue: 50n * COIN + 1234n })).toBeNull();
  });

  it('accept a block without witnesses and without a commitment', () => {
    const legacy = transactions.map((transaction) => ({ ...transaction, wtxid: transaction.txid }));
    const outputs = coinbase.outputs.slice(0, 1);
    expect(verdict({ transactions: legacy, coinbase: { outputs }, input: { witness: [] } })).toBeNull();
    expect(verdict({ transactions: legacy, coinbase: { outputs } })).toBe('unexpected-witness');
  });
});

describe('the subsidy', () => {
  it.each([
    [0, 5_000_000_000n],
    [209_999, 5_000_000_000n],
    [210_000, 2_500_000_000n],
    [840_000, 312_500_000n],
    [32 * 210_000, 1n],
    [33 * 210_000, 0n],
    [100 * 210_000, 0n],
  ])('at height %d is %d satoshis', (height, expected) => {
    expect(subsidy(height)).toBe(expected);
  });

  it('halves every 150 blocks on regtest, and never rises', () => {
    expect(subsidy(149, 150)).toBe(5_000_000_000n);
    expect(subsidy(150, 150)).toBe(2_500_000_000n);
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.nat(10_000_000), (height, later) => {
        expect(subsidy(height + later) <= subsidy(height)).toBe(true);
      }),
      { seed: 42 },
    );
  });
});

describe('the median time past', () => {
  it('is the middle of the last eleven', () => {
    expect(medianTimePast([5])).toBe(5);
    expect(medianTimePast([9, 1, 5])).toBe(5);
    expect(medianTimePast([1000, ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]])).toBe(6);
    expect(medianTimePast([1, 2])).toBe(2);
    expect(codeOf(() => medianTimePast([]))).toBe('empty-list');
  });
});
