import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  addCoinbaseWitness,
  assembleCoinbase,
  buildCoinbase,
  buildCustomCoinbase,
  coinbaseScriptSigPrefix,
  coinbaseTag,
  parseTransaction,
  serialiseOutputs,
  stripCoinbaseWitness,
  stripWitness,
} from '../../src/bitcoin/index.js';
import type { CoinbaseParts, CoinbaseTemplate } from '../../src/bitcoin/index.js';
import { bytes, codeOf, hex } from './support.js';

const COMMITMENT_OUTPUT =
  '0000000000000000266a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9';

/** Template and payout of the job factory's own test in the reference implementation (channels_sv2 8.0.0). */
const template: CoinbaseTemplate = {
  coinbaseTxVersion: 2,
  coinbasePrefix: bytes('5200'),
  coinbaseTxInputSequence: 0xffffffff,
  coinbaseTxValueRemaining: 5_000_000_000n,
  coinbaseTxOutputsCount: 1,
  coinbaseTxOutputs: bytes(COMMITMENT_OUTPUT),
  coinbaseTxLocktime: 0,
};
const payout = { value: 5_000_000_000n, scriptPubKey: bytes('0014ebe1b7dcc293ccaa0ee743a86f89df8258c208fc') };
const additions = {
  tag: coinbaseTag('Stratum V2 SRI Pool'),
  fullExtranonceSize: 32,
  payoutOutputs: [payout],
};

const asHex = ({ coinbaseTxPrefix, coinbaseTxSuffix }: CoinbaseParts): string[] => [
  hex(coinbaseTxPrefix),
  hex(coinbaseTxSuffix),
];

describe('the coinbase of a template', () => {
  it('is byte for byte the one the reference implementation builds', () => {
    const { stripped, withWitness } = buildCoinbase(template, additions);
    const outputs = `0200f2052a01000000160014ebe1b7dcc293ccaa0ee743a86f89df8258c208fc${COMMITMENT_OUTPUT}`;
    const script = `3d520019${hex(new TextEncoder().encode('Sv2/Stratum V2 SRI Pool//'))}20`;
    const input = `01${'00'.repeat(32)}ffffffff${script}`;
    expect(asHex(stripped)).toEqual([`02000000${input}`, `ffffffff${outputs}00000000`]);
    expect(asHex(withWitness)).toEqual([
      `020000000001${input}`,
      `ffffffff${outputs}0120${'00'.repeat(32)}00000000`,
    ]);
  });

  it('parses as a transaction with the extranonce inside, and strips to the other form', () => {
    const { stripped, withWitness } = buildCoinbase(template, additions);
    const extranonce = new Uint8Array(32).fill(0xab);
    const whole = assembleCoinbase(withWitness, extranonce);
    const [input] = parseTransaction(whole).inputs;
    expect(hex(input?.scriptSig ?? new Uint8Array())).toBe(
      hex(coinbaseScriptSigPrefix(template.coinbasePrefix, additions)) + 'ab'.repeat(32),
    );
    expect(input?.witness).toEqual([new Uint8Array(32)]);
    expect(stripWitness(whole)).toEqual(assembleCoinbase(stripped, extranonce));
  });

  it('keeps the slashes of absent tags', () => {
    expect(new TextDecoder().decode(coinbaseTag())).toBe('Sv2///');
    expect(new TextDecoder().decode(coinbaseTag('pool', 'miner'))).toBe('Sv2/pool/miner/');
    expect(coinbaseTag('x'.repeat(69))).toHaveLength(75);
    expect(codeOf(() => coinbaseTag('x'.repeat(70)))).toBe('invalid-coinbase-tag');
    expect(codeOf(() => buildCoinbase(template, { ...additions, tag: new Uint8Array() }))).toBe(
      'invalid-coinbase-tag',
    );
  });

  it('allows a scriptSig of 100 bytes and not one more, naming the sizes', () => {
    const tag = new Uint8Array(64);
    expect(() => buildCoinbase(template, { ...additions, tag })).not.toThrow();
    const tooLong = { ...additions, tag: new Uint8Array(65) };
    expect(codeOf(() => buildCoinbase(template, tooLong))).toBe('bad-cb-length');
    expect(() => buildCoinbase(template, tooLong)).toThrow(/101 bytes.*100.*prefix 2.*tag 65.*extranonce 32/);
  });

  it('counts a mark with the tag, and puts it behind', () => {
    const mark = Uint8Array.of(1, 2, 3, 4, 5);
    const { stripped } = buildCoinbase(template, { ...additions, tag: Uint8Array.of(9), mark });
    expect(String(stripped.coinbaseTxPrefix)).toContain(',6,9,1,2,3,4,5,');
    const tag = new Uint8Array(60);
    expect(() => buildCoinbase(template, { ...additions, tag, mark })).toThrow(
      /101 bytes.*tag 60, job mark 5/,
    );
    const longest = { tag: new Uint8Array(71), mark, fullExtranonceSize: 4 };
    expect(() => buildCoinbase(template, { ...additions, ...longest })).toThrow(/tag must be 1 to 70 bytes/);
  });

  it('pays at most what the template leaves', () => {
    const over = { ...payout, value: 5_000_000_001n };
    expect(codeOf(() => buildCoinbase(template, { ...additions, payoutOutputs: [over] }))).toBe(
      'invalid-payout-sum',
    );
    expect(
      codeOf(() =>
        buildCoinbase(template, { ...additions, payoutOutputs: [payout, { ...payout, value: 1n }] }),
      ),
    ).toBe('invalid-payout-sum');
    expect(() => buildCoinbase(template, { ...additions, payoutOutputs: [] })).not.toThrow();
  });

  it('refuses template outputs that are not as many as the template says', () => {
    expect(codeOf(() => buildCoinbase({ ...template, coinbaseTxOutputsCount: 2 }, additions))).toBe(
      'truncated',
    );
    expect(codeOf(() => buildCoinbase({ ...template, coinbaseTxOutputsCount: 0 }, additions))).toBe(
      'trailing-bytes',
    );
  });

  it.each([-1, 1.5, 76, NaN])('refuses an extranonce of %p bytes', (fullExtranonceSize) => {
    expect(codeOf(() => buildCoinbase(template, { ...additions, fullExtranonceSize }))).toBe(
      'invalid-extranonce-size',
    );
  });
});

describe('the coinbase of a custom job', () => {
  const job = {
    coinbaseTxVersion: 2,
    coinbasePrefix: coinbaseScriptSigPrefix(template.coinbasePrefix, additions),
    coinbaseTxInputNSequence: 0xffffffff,
    coinbaseTxOutputs: bytes(
      `0200f2052a01000000160014ebe1b7dcc293ccaa0ee743a86f89df8258c208fc${COMMITMENT_OUTPUT}`,
    ),
    coinbaseTxLocktime: 0,
  };

  it('equals the one of the template it was made from', () => {
    expect(buildCustomCoinbase(job, 32)).toEqual(buildCoinbase(template, additions));
  });

  it('checks scriptSig size and outputs', () => {
    const size = (length: number) =>
      codeOf(() => buildCustomCoinbase({ ...job, coinbasePrefix: new Uint8Array(length) }, 32));
    expect(size(68)).toBeNull();
    expect(size(69)).toBe('bad-cb-length');
    expect(codeOf(() => buildCustomCoinbase({ ...job, coinbasePrefix: new Uint8Array(1) }, 0))).toBe(
      'bad-cb-length',
    );
    expect(
      codeOf(() => buildCustomCoinbase({ ...job, coinbaseTxOutputs: bytes(COMMITMENT_OUTPUT) }, 32)),
    ).toBe('trailing-bytes');
  });
});

describe('adding and stripping a coinbase witness', () => {
  it('are inverse for any template', () => {
    const output = fc.record({
      value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      scriptPubKey: fc.uint8Array({ maxLength: 300 }),
    });
    const custom = fc.record({
      coinbaseTxVersion: fc.nat(),
      coinbasePrefix: fc.uint8Array({ minLength: 2, maxLength: 68 }),
      coinbaseTxInputNSequence: fc.nat(),
      coinbaseTxOutputs: fc.array(output, { minLength: 1, maxLength: 300 }).map(serialiseOutputs),
      coinbaseTxLocktime: fc.nat(),
    });
    fc.assert(
      fc.property(custom, fc.uint8Array({ maxLength: 32 }), (job, extranonce) => {
        const { stripped, withWitness } = buildCustomCoinbase(job, extranonce.length);
        expect(stripCoinbaseWitness(withWitness)).toEqual(stripped);
        expect(addCoinbaseWitness(stripped)).toEqual(withWitness);
        expect(stripCoinbaseWitness(stripped)).toBe(stripped);
        expect(addCoinbaseWitness(withWitness)).toBe(withWitness);
        expect(stripWitness(assembleCoinbase(withWitness, extranonce))).toEqual(
          assembleCoinbase(stripped, extranonce),
        );
      }),
      { seed: 42, numRuns: 50 },
    );
  });

  it('refuse parts that are too short or hold another witness', () => {
    const marked = bytes('020000000001');
    const strip = (prefix: Uint8Array, suffix: Uint8Array) =>
      codeOf(() => stripCoinbaseWitness({ coinbaseTxPrefix: prefix, coinbaseTxSuffix: suffix }));
    expect(strip(new Uint8Array(5), new Uint8Array(38))).toBe('invalid-coinbase');
    expect(strip(marked, new Uint8Array(37))).toBe('invalid-coinbase');
    expect(strip(marked, bytes(`0220${'00'.repeat(36)}`))).toBe('invalid-coinbase');
    expect(strip(marked, bytes(`0120${'00'.repeat(36)}`))).toBeNull();
    expect(
      codeOf(() =>
        addCoinbaseWitness({
          coinbaseTxPrefix: bytes('02000000010000'),
          coinbaseTxSuffix: new Uint8Array(3),
        }),
      ),
    ).toBe('invalid-coinbase');
  });
});
