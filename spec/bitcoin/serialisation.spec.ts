import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  blockHash,
  blockHashOf,
  decodeCompactSize,
  doubleSha256,
  encodeCompactSize,
  parseBlock,
  parseBlockHeader,
  parseOutputs,
  parseTemplateOutputs,
  parseTransaction,
  serialiseBlockHeader,
  serialiseOutputs,
  serialiseStrippedTransaction,
  serialiseTemplateOutputs,
  serialiseTransaction,
  stripWitness,
  transactionWeight,
  txid,
  wtxid,
} from '../../src/bitcoin/index.js';
import { blockFile, bytes, codeOf, hex, segwitBlock } from './support.js';

const u32 = fc.nat(0xffffffff);
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const output = fc.record({
  value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  scriptPubKey: fc.uint8Array({ maxLength: 40 }),
});
const transaction = fc.record({
  version: u32,
  inputs: fc.array(
    fc.record({
      previousTxid: hash,
      previousIndex: u32,
      scriptSig: fc.uint8Array({ maxLength: 300 }),
      sequence: u32,
      witness: fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  outputs: fc.array(output, { maxLength: 4 }),
  locktime: u32,
});

describe('CompactSize', () => {
  it.each([
    [0, '00'],
    [0xfc, 'fc'],
    [0xfd, 'fdfd00'],
    [0xffff, 'fdffff'],
    [0x10000, 'fe00000100'],
    [0xffffffff, 'feffffffff'],
    [0x1_0000_0000, 'ff0000000001000000'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffffff1f00'],
  ])('writes %d as %s and reads it back', (value, digits) => {
    expect(hex(encodeCompactSize(value))).toBe(digits);
    expect(decodeCompactSize(bytes(digits))).toEqual({ value, size: digits.length / 2 });
  });

  it('round-trips at any offset and fails on every truncation', () => {
    const value = fc
      .tuple(fc.maxSafeNat(), fc.nat(52))
      .map(([number, shift]) => Math.floor(number / 2 ** shift));
    fc.assert(
      fc.property(value, fc.nat(5), (number, offset) => {
        const encoded = encodeCompactSize(number);
        const padded = Uint8Array.of(...new Uint8Array(offset).fill(0xff), ...encoded);
        expect(decodeCompactSize(padded, offset)).toEqual({ value: number, size: encoded.length });
        for (let length = 0; length < encoded.length; length++) {
          expect(codeOf(() => decodeCompactSize(encoded.subarray(0, length)))).toBe('truncated');
        }
      }),
      { seed: 42 },
    );
  });

  it.each(['fdfc00', 'feffff0000', 'ffffffffff00000000'])(
    'refuses %s, which takes more bytes than it needs',
    (digits) => {
      expect(codeOf(() => decodeCompactSize(bytes(digits)))).toBe('non-canonical-compact-size');
    },
  );

  it('refuses what is no safe whole number', () => {
    expect(codeOf(() => decodeCompactSize(bytes('ff00000000000020 00')))).toBe('out-of-range');
    for (const value of [-1, 1.5, NaN, 2 ** 53])
      expect(codeOf(() => encodeCompactSize(value))).toBe('out-of-range');
  });
});

describe('block headers', () => {
  const header = fc.record({
    version: u32,
    prevHash: hash,
    merkleRoot: hash,
    ntime: u32,
    nbits: u32,
    nonce: u32,
  });

  it('round-trip', () => {
    fc.assert(
      fc.property(header, (fields) => {
        const serialised = serialiseBlockHeader(fields);
        expect(serialised).toHaveLength(80);
        expect(parseBlockHeader(serialised)).toEqual(fields);
        expect(blockHash(fields)).toEqual(doubleSha256(serialised));
      }),
      { seed: 42 },
    );
  });

  it('have the same hash as bytes, as an object, and in parts', () => {
    fc.assert(
      fc.property(u32, hash, hash, u32, u32, u32, (version, prevHash, merkleRoot, ntime, nbits, nonce) => {
        const header = { version, prevHash, merkleRoot, ntime, nbits, nonce };
        const expected = doubleSha256(serialiseBlockHeader(header));
        expect(blockHash(header)).toEqual(expected);
        expect(blockHashOf(version, prevHash, merkleRoot, ntime, nbits, nonce)).toEqual(expected);
      }),
      { seed: 7 },
    );
    const [short, whole] = [new Uint8Array(31), new Uint8Array(32)];
    expect(codeOf(() => blockHashOf(1, short, whole, 2, 3, 4))).toBe('invalid-length');
    expect(codeOf(() => blockHashOf(1, whole, short, 2, 3, 4))).toBe('invalid-length');
  });

  it('are refused in any other length', () => {
    for (const length of [0, 79, 81]) {
      expect(codeOf(() => parseBlockHeader(new Uint8Array(length)))).toBe('invalid-length');
      expect(codeOf(() => blockHash(new Uint8Array(length)))).toBe('invalid-length');
    }
  });

  it.each(['version', 'ntime', 'nbits', 'nonce'])('name %s when it is no U32', (name) => {
    const fields = parseBlockHeader(new Uint8Array(80));
    for (const value of [-1, 2 ** 32, 0.5, NaN]) {
      expect(() => serialiseBlockHeader({ ...fields, [name]: value })).toThrow(name);
    }
  });

  it.each(['prevHash', 'merkleRoot'])('name %s when it is not 32 bytes', (name) => {
    const fields = parseBlockHeader(new Uint8Array(80));
    expect(() => serialiseBlockHeader({ ...fields, [name]: new Uint8Array(31) })).toThrow(name);
  });
});

describe('transactions', () => {
  it('round-trip with and without witnesses', () => {
    fc.assert(
      fc.property(transaction, (fields) => {
        const whole = serialiseTransaction(fields);
        const stripped = serialiseStrippedTransaction(fields);
        expect(parseTransaction(whole)).toEqual(fields);
        expect(parseTransaction(stripped)).toEqual({
          ...fields,
          inputs: fields.inputs.map((input) => ({ ...input, witness: [] })),
        });
        expect(stripWitness(whole)).toEqual(stripped);
        expect(txid(fields)).toEqual(doubleSha256(stripped));
        expect(wtxid(fields)).toEqual(doubleSha256(whole));
        expect(transactionWeight(fields)).toBe(3 * stripped.length + whole.length);
      }),
      { seed: 42, numRuns: 200 },
    );
  });

  it('of real blocks round-trip', () => {
    for (const tx of parseBlock(blockFile('main-277647.bin')).transactions) {
      expect(parseTransaction(serialiseTransaction(tx))).toEqual(tx);
    }
  });

  it('fail on every truncation and on trailing bytes', () => {
    const samples = [
      segwitBlock.coinbase,
      ...segwitBlock.transactions.flatMap(({ hex }) => hex ?? []).slice(0, 5),
    ];
    for (const sample of samples.map(bytes)) {
      for (let length = 0; length < sample.length; length++) {
        expect(codeOf(() => parseTransaction(sample.subarray(0, length)))).toBe('truncated');
      }
      expect(codeOf(() => parseTransaction(Uint8Array.of(...sample, 0)))).toBe('trailing-bytes');
    }
  });

  it('are refused without inputs, with an unknown flag, with a witness marker but no witness', () => {
    const version = '02000000';
    const input = `01${'00'.repeat(36)}00ffffffff`;
    const rest = '0000000000';
    expect(codeOf(() => parseTransaction(bytes(`${version}0000${rest}`)))).toBe('invalid-transaction');
    expect(codeOf(() => parseTransaction(bytes(`${version}000100${rest}`)))).toBe('invalid-transaction');
    expect(codeOf(() => parseTransaction(bytes(`${version}0002${input}000101aa${'00000000'}`)))).toBe(
      'invalid-transaction',
    );
    expect(codeOf(() => parseTransaction(bytes(`${version}0001${input}0000${'00000000'}`)))).toBe(
      'invalid-transaction',
    );
    expect(codeOf(() => parseTransaction(bytes(`${version}0001${input}000101aa${'00000000'}`)))).toBeNull();
    expect(codeOf(() => serialiseTransaction({ version: 2, inputs: [], outputs: [], locktime: 0 }))).toBe(
      'invalid-transaction',
    );
  });

  it('are refused, naming the field, when a count or a length is more than the bytes can hold', () => {
    expect(() => parseTransaction(bytes(`02000000fe00000001${'00'.repeat(100)}`))).toThrow(
      /inputs need at least/,
    );
    expect(() => parseTransaction(bytes(`0200000001${'00'.repeat(36)}feffffffff${'00'.repeat(10)}`))).toThrow(
      /input 0 script/,
    );
    expect(() => parseTransaction(bytes(`0200000001${'00'.repeat(36)}fd0100${'00'.repeat(20)}`))).toThrow(
      /more than it needs/,
    );
  });
});

describe('lists of outputs', () => {
  it('round-trip with and without their count', () => {
    fc.assert(
      fc.property(fc.array(output, { maxLength: 300 }), (outputs) => {
        const template = serialiseTemplateOutputs(outputs);
        expect(parseTemplateOutputs(template, outputs.length)).toEqual(outputs);
        expect(parseOutputs(serialiseOutputs(outputs))).toEqual(outputs);
        expect(serialiseOutputs(outputs)).toEqual(
          Uint8Array.of(...encodeCompactSize(outputs.length), ...template),
        );
      }),
      { seed: 42, numRuns: 30 },
    );
  });

  it('fail on every truncation, on trailing bytes and on counts that cannot be', () => {
    const serialised = serialiseOutputs([
      { value: 1n, scriptPubKey: bytes('51') },
      { value: 2n, scriptPubKey: bytes('5152') },
    ]);
    for (let length = 0; length < serialised.length; length++) {
      expect(codeOf(() => parseOutputs(serialised.subarray(0, length)))).toBe('truncated');
    }
    expect(codeOf(() => parseOutputs(Uint8Array.of(...serialised, 0)))).toBe('trailing-bytes');
    expect(codeOf(() => parseOutputs(bytes('feffffff7f')))).toBe('truncated');
    expect(codeOf(() => parseTemplateOutputs(serialised.subarray(1), 0xffffffff))).toBe('truncated');
  });

  it('refuse values beyond a U64', () => {
    for (const value of [-1n, 2n ** 64n]) {
      expect(codeOf(() => serialiseOutputs([{ value, scriptPubKey: new Uint8Array() }]))).toBe(
        'out-of-range',
      );
    }
  });
});
