import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  DIFFICULTY_1_TARGET,
  MAX_U256,
  compareTargets,
  difficultyFromTarget,
  hashrateFromTarget,
  meetsTarget,
  nbitsFromTarget,
  targetFromBigInt,
  targetFromDifficulty,
  targetFromHashrate,
  targetFromNbits,
  targetToBigInt,
  toDisplayHex,
} from '../../src/bitcoin/index.js';
import { codeOf, hex } from './support.js';

const u256 = fc.bigInt({ min: 0n, max: MAX_U256 });
/** Targets of every magnitude, not only of nearly 256 bits. */
const anyTarget = fc.tuple(u256, fc.nat(255)).map(([value, shift]) => value >> BigInt(shift));

describe('targets and nbits', () => {
  it.each([
    [0x1d00ffff, '00000000ffff0000000000000000000000000000000000000000000000000000'],
    [0x1b0404cb, '00000000000404cb000000000000000000000000000000000000000000000000'],
    [0x207fffff, '7fffff0000000000000000000000000000000000000000000000000000000000'],
    // Bitcoin Core, arith_uint256_tests
    [0x01123456, '12'.padStart(64, '0')],
    [0x02123456, '1234'.padStart(64, '0')],
    [0x03123456, '123456'.padStart(64, '0')],
    [0x04123456, '12345600'.padStart(64, '0')],
    [0x05009234, '92340000'.padStart(64, '0')],
    [0x20123456, '1234560000000000000000000000000000000000000000000000000000000000'],
    [0x00123456, '0'.repeat(64)],
    [0x01003456, '0'.repeat(64)],
    [0xff000000, '0'.repeat(64)],
  ])('reads %# nbits', (nbits, display) => {
    expect(toDisplayHex(targetFromNbits(nbits))).toBe(display);
  });

  it.each([0x01fedcba, 0x04923456, 0x01810000])('refuses the negative target of nbits %#', (nbits) => {
    expect(codeOf(() => targetFromNbits(nbits))).toBe('invalid-nbits');
  });

  it.each([0xff123456, 0x23000100, 0x22010000, 0x21010000])('refuses the overflow of nbits %#', (nbits) => {
    expect(codeOf(() => targetFromNbits(nbits))).toBe('invalid-nbits');
  });

  it.each([0x2200_00ff, 0x2100_ffff])('accepts %#, whose mantissa is small enough', (nbits) => {
    expect(codeOf(() => targetFromNbits(nbits))).toBeNull();
  });

  it.each([-1, 2 ** 32, 1.5, NaN])('refuses %p, which is no U32', (nbits) => {
    expect(codeOf(() => targetFromNbits(nbits))).toBe('invalid-nbits');
  });

  it('writes what it reads, for every normalised nbits', () => {
    const normalised = fc
      .tuple(fc.integer({ min: 3, max: 32 }), fc.integer({ min: 0x8000, max: 0x7fffff }))
      .map(([exponent, mantissa]) => exponent * 2 ** 24 + mantissa);
    fc.assert(
      fc.property(normalised, (nbits) => {
        expect(nbitsFromTarget(targetFromNbits(nbits))).toBe(nbits);
      }),
      { seed: 42, numRuns: 500 },
    );
    expect(nbitsFromTarget(new Uint8Array(32))).toBe(0);
    expect(nbitsFromTarget(targetFromBigInt(0x12n))).toBe(0x01120000);
    expect(nbitsFromTarget(targetFromBigInt(0x80n))).toBe(0x02008000);
  });

  it('rounds down, keeping at least 15 bits', () => {
    fc.assert(
      fc.property(anyTarget, (value) => {
        const kept = targetToBigInt(targetFromNbits(nbitsFromTarget(targetFromBigInt(value))));
        expect(kept <= value).toBe(true);
        expect(value - kept <= value >> 15n).toBe(true);
      }),
      { seed: 42, numRuns: 500 },
    );
  });
});

describe('targets and integers', () => {
  it('round-trip, little-endian', () => {
    fc.assert(
      fc.property(u256, (value) => {
        expect(targetToBigInt(targetFromBigInt(value))).toBe(value);
      }),
      { seed: 42 },
    );
    expect(targetFromBigInt(1n)[0]).toBe(1);
    expect(targetToBigInt(new Uint8Array(40).fill(1).subarray(8))).toBe(
      targetToBigInt(new Uint8Array(32).fill(1)),
    );
  });

  it('saturate above and refuse below', () => {
    expect(targetFromBigInt(MAX_U256 + 5n)).toEqual(new Uint8Array(32).fill(0xff));
    expect(codeOf(() => targetFromBigInt(-1n))).toBe('out-of-range');
    expect(codeOf(() => targetToBigInt(new Uint8Array(31)))).toBe('invalid-length');
  });

  it('compare as integers do', () => {
    const close = fc.tuple(anyTarget, fc.bigInt({ min: -2n, max: 2n })).map(([a, step]): [bigint, bigint] => {
      const b = a + step;
      return [a, b < 0n || b > MAX_U256 ? a : b];
    });
    fc.assert(
      fc.property(fc.oneof(fc.tuple(anyTarget, anyTarget), close), ([a, b]) => {
        const [left, right] = [targetFromBigInt(a), targetFromBigInt(b)];
        expect(Math.sign(compareTargets(left, right))).toBe(a < b ? -1 : a > b ? 1 : 0);
        expect(meetsTarget(left, right)).toBe(a <= b);
      }),
      { seed: 42, numRuns: 500 },
    );
    expect(codeOf(() => meetsTarget(new Uint8Array(31), new Uint8Array(32)))).toBe('invalid-length');
    expect(codeOf(() => meetsTarget(new Uint8Array(32), new Uint8Array(33)))).toBe('invalid-length');
  });
});

describe('targets and difficulty', () => {
  it('puts difficulty 1 at nbits 0x1d00ffff', () => {
    expect(difficultyFromTarget(targetFromNbits(0x1d00ffff))).toBe(1);
    expect(targetFromDifficulty(1)).toEqual(targetFromNbits(0x1d00ffff));
    expect(targetToBigInt(targetFromDifficulty(0.5))).toBe(2n * DIFFICULTY_1_TARGET);
    expect(targetToBigInt(targetFromDifficulty(3))).toBe(DIFFICULTY_1_TARGET / 3n);
    expect(difficultyFromTarget(targetFromNbits(0x1b0404cb))).toBeCloseTo(16307.420938523983, 10);
  });

  it('saturates at both ends', () => {
    expect(difficultyFromTarget(new Uint8Array(32))).toBe(Infinity);
    expect(targetToBigInt(targetFromDifficulty(Number.MIN_VALUE))).toBe(MAX_U256);
    expect(targetToBigInt(targetFromDifficulty(Number.MAX_VALUE))).toBe(1n);
  });

  it.each([0, -1, NaN, Infinity])('refuses difficulty %p', (difficulty) => {
    expect(codeOf(() => targetFromDifficulty(difficulty))).toBe('invalid-difficulty');
  });

  it('round-trips to within a double', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 1e20, noNaN: true }), (difficulty) => {
        expect(difficultyFromTarget(targetFromDifficulty(difficulty)) / difficulty).toBeCloseTo(1, 12);
      }),
      { seed: 42 },
    );
  });
});

describe('targets and hashrate', () => {
  it('follows the formula of the reference implementation', () => {
    // (2^256 − 1 − w) / (w + 1), w = hashrate × 60 / sharesPerMinute
    expect(targetToBigInt(targetFromHashrate(1e12, 6))).toBe((MAX_U256 - 10n ** 13n) / (10n ** 13n + 1n));
    expect(targetToBigInt(targetFromHashrate(1, 7))).toBe((MAX_U256 - 8n) / 9n); // 8.57… is cut to 8
    expect(hashrateFromTarget(targetFromBigInt((1n << 224n) - 1n), 60)).toBe(2 ** 32 - 1);
    expect(hashrateFromTarget(targetFromBigInt((1n << 224n) - 1n), 7)).toBe(
      // 8.5714… seconds per share are cut to 8.57
      Number(((1n << 256n) - (1n << 224n) + 1n) / (((1n << 224n) * 857n) / 100n)),
    );
  });

  it.each([
    // hashrate, shares per minute, target, hashrate from that target, its difficulty: printed by channels_sv2 8.0.0
    [
      1.2345678e3,
      1e1,
      'b011205a13932add90e6712e94cc12c28f443cfdeaf90459715df933bed80800',
      1.234e3,
      1.7247830896849337e-6,
    ],
    [1e6, 6, 'f05ffc2978ed8b3dbcca8bf1fe338ff08ccf4c9c01406a8837db267fad010000', 1e6, 2.3282711422289992e-3],
    [
      4.2e9,
      1e-2,
      'e6b07c02d6f4a9bbb29a3e0d89d4b66e65303dc3381a5aa76d2b0b0000000000',
      4.2e9,
      5.867242691693042e3,
    ],
    [
      1e12,
      3.333e2,
      '625d83d2ac2523f63fd790d4b0c178a8cc93c427f3ac3854ef971b0600000000',
      1.00010001e12,
      4.191306767619286e1,
    ],
    [
      3.3e14,
      7,
      'd0052a7e5d2297051c75e3381c2a03815223fee1140981937919000000000000',
      3.30055009168194e14,
      6.585680572308255e5,
    ],
    [
      1e18,
      5.999e3,
      '7eaa37961fc19b985688425c8a1983bd7f431232a332f15d3407000000000000',
      1.0001666944490748e18,
      2.3286590192384482e6,
    ],
    [
      5e20,
      1.234e1,
      'a9f6ba7efa6ccfad14fc2467678f73345c534d2e8045f1010000000000000000',
      5.0023010584869044e20,
      5.660302048789081e11,
    ],
  ])(
    'agrees with the reference implementation for %d H/s and %d shares a minute',
    (hashrate, sharesPerMinute, digits, back, difficulty) => {
      const target = targetFromHashrate(hashrate, sharesPerMinute);
      expect(hex(target)).toBe(digits);
      expect(hashrateFromTarget(target, sharesPerMinute)).toBe(back);
      expect(difficultyFromTarget(target)).toBe(difficulty);
    },
  );

  it('is its own inverse to within a hundredth', () => {
    const rates = fc.tuple(
      fc.double({ min: 1e4, max: 1e18, noNaN: true }),
      fc.double({ min: 0.1, max: 60, noNaN: true }),
    );
    fc.assert(
      fc.property(rates, ([hashrate, sharesPerMinute]) => {
        const target = targetFromHashrate(hashrate, sharesPerMinute);
        const ratio = hashrateFromTarget(target, sharesPerMinute) / hashrate;
        expect(Math.abs(ratio - 1)).toBeLessThan(0.0101); // hundredths of the shortest second
      }),
      { seed: 42, numRuns: 500 },
    );
  });

  it('gives the easiest target without a hashrate', () => {
    expect(targetFromHashrate(0, 6)).toEqual(new Uint8Array(32).fill(0xff));
    expect(targetFromHashrate(1e-30, 6)).toEqual(new Uint8Array(32).fill(0xff));
  });

  it('saturates with absurd ones', () => {
    const hardest = 1n << 128n;
    expect(targetToBigInt(targetFromHashrate(Number.MAX_VALUE, 1))).toBe(hardest);
    expect(targetToBigInt(targetFromHashrate(1, Number.MIN_VALUE))).toBe(hardest);
    expect(targetToBigInt(targetFromHashrate(0, Number.MIN_VALUE))).toBe(MAX_U256);
  });

  it.each([-1, -0, NaN, Infinity, -Infinity])('refuses hashrate %p', (hashrate) => {
    expect(codeOf(() => targetFromHashrate(hashrate, 6))).toBe('invalid-hashrate');
  });

  it.each([0, -0, -1, NaN, Infinity, -Infinity])('refuses %p shares per minute', (sharesPerMinute) => {
    expect(codeOf(() => targetFromHashrate(1, sharesPerMinute))).toBe('invalid-shares-per-minute');
    expect(codeOf(() => hashrateFromTarget(new Uint8Array(32).fill(1), sharesPerMinute))).toBe(
      'invalid-shares-per-minute',
    );
  });

  it('always computes a finite hashrate', () => {
    const anyRate = fc.double({
      min: Number.MIN_VALUE,
      max: Number.MAX_VALUE,
      noNaN: true,
      noDefaultInfinity: true,
    });
    fc.assert(
      fc.property(anyTarget, anyRate, (value, sharesPerMinute) => {
        const hashrate = hashrateFromTarget(targetFromBigInt(value === 0n ? 1n : value), sharesPerMinute);
        expect(hashrate >= 0 && Number.isFinite(hashrate)).toBe(true);
      }),
      { seed: 42, numRuns: 500 },
    );
    expect(codeOf(() => hashrateFromTarget(new Uint8Array(32), 6))).toBe('invalid-target');
    expect(hashrateFromTarget(targetFromBigInt((1n << 224n) - 1n), 60_000)).toBeCloseTo(
      (2 ** 32 - 1) * 1000,
      3,
    );
    expect(hashrateFromTarget(new Uint8Array(32).fill(0xff), 6)).toBe(0);
  });
});
