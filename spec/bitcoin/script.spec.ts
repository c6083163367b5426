import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  coinbaseOutputConstraints,
  countLegacySigops,
  decodeBip34Height,
  encodeBip34Height,
  parsePayoutScript,
  serialiseOutput,
} from '../../src/bitcoin/index.js';
import { bytes, codeOf, hex } from './support.js';

describe('the BIP 34 height', () => {
  it.each([
    [0, '00'],
    [1, '51'],
    [2, '52'],
    [16, '60'],
    [17, '0111'],
    [127, '017f'],
    [128, '028000'],
    [255, '02ff00'],
    [256, '020001'],
    [32767, '02ff7f'],
    [32768, '03008000'],
    [227931, '035b7a03'],
    [540107, '03cb3d08'],
    [0x7fffff, '03ffff7f'],
    [0x800000, '0400008000'],
    [0x7fffffff, '04ffffff7f'],
  ])('%d is pushed as %s', (height, digits) => {
    expect(hex(encodeBip34Height(height))).toBe(digits);
    expect(decodeBip34Height(bytes(`${digits}abcdef`))).toBe(height);
  });

  it('round-trips', () => {
    fc.assert(
      fc.property(fc.nat(0x7fffffff), fc.nat(31), (number, shift) => {
        expect(decodeBip34Height(encodeBip34Height(number >>> shift))).toBe(number >>> shift);
      }),
      { seed: 42 },
    );
  });

  it.each([
    '',
    '01',
    '0210',
    '0105',
    '021100',
    '0191',
    '03cb3d88',
    '0500000080',
    '04ffffffff',
    '4c01ff',
    'ac',
  ])('is not in %p', (digits) => {
    expect(decodeBip34Height(bytes(digits))).toBeNull();
  });

  it.each([-1, 0.5, 2 ** 31, NaN])('cannot be %p', (height) => {
    expect(codeOf(() => encodeBip34Height(height))).toBe('out-of-range');
  });
});

describe('signature operations', () => {
  it.each([
    ['nothing', '', 0],
    ['P2PKH', `76a914${'ac'.repeat(20)}88ac`, 1],
    ['P2SH', `a914${'ac'.repeat(20)}87`, 0],
    ['P2WPKH', `0014${'ac'.repeat(20)}`, 0],
    ['P2TR', `5120${'ac'.repeat(32)}`, 0],
    ['P2PK', `21${'ac'.repeat(33)}ac`, 1],
    ['bare 1-of-1 multisig', `5121${'ac'.repeat(33)}51ae`, 20],
    ['all four opcodes', 'acadaeaf', 42],
    ['OP_RETURN with CHECKSIGs as data', '6a04acacacac', 0],
    ['a PUSHDATA1', '4c02acacac', 1],
    ['a PUSHDATA2', '4d0200acacac', 1],
    ['a PUSHDATA4', '4e02000000acacac', 1],
    ['a push past the end', 'ac05acac', 1],
    ['a PUSHDATA2 cut in its length', 'ac4dac', 1],
  ])('in %s', (_, script, sigops) => {
    expect(countLegacySigops(bytes(script))).toBe(sigops);
  });
});

describe('CoinbaseOutputConstraints', () => {
  const output = (text: string) => ({ value: 0n, scriptPubKey: parsePayoutScript(text).scriptPubKey });

  it('counts the serialised size and four times the legacy sigops', () => {
    // sizes and sigops as the reference applications state them: P2TR is the largest output, P2PKH has 4 sigops
    const p2tr = output('bc1p8fltq0npm605tzl22gqewhy9dt5l25m7x67832vyhh9aem24rgdsgqwtpu');
    const p2pkh = output('1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2');
    const constraints = (size: number, sigops: number) => ({
      coinbaseOutputMaxAdditionalSize: size,
      coinbaseOutputMaxAdditionalSigops: sigops,
    });
    expect(coinbaseOutputConstraints([])).toEqual(constraints(0, 0));
    expect(coinbaseOutputConstraints([p2tr])).toEqual(constraints(43, 0));
    expect(coinbaseOutputConstraints([p2pkh])).toEqual(constraints(34, 4));
    expect(coinbaseOutputConstraints([p2tr, p2pkh, p2pkh])).toEqual(constraints(111, 8));
    expect(serialiseOutput(p2tr)).toHaveLength(43);
  });

  it('fits its U16', () => {
    const script = { value: 0n, scriptPubKey: new Uint8Array(20_000).fill(0xac) };
    expect(coinbaseOutputConstraints([script]).coinbaseOutputMaxAdditionalSigops).toBe(0xffff);
  });
});
