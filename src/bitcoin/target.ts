import { Sv2Error } from '../codec/errors.js';

/** The largest 256-bit integer, and so the easiest target there is. */
export const MAX_U256 = (1n << 256n) - 1n;

/** The target of difficulty 1, nbits 0x1d00ffff: what pools and miners measure difficulty against. */
export const DIFFICULTY_1_TARGET = 0xffffn << 208n;

const MAX_U128 = (1n << 128n) - 1n;

/**
 * A target as an integer.
 *
 * @param target 32 bytes, little-endian (a U256 as it is on the wire; a hash works as well)
 * @returns the integer, 0 … 2^256 − 1
 * @throws Sv2Error `invalid-length` when it isn't 32 bytes
 */
export const targetToBigInt = (target: Uint8Array): bigint => {
  const view = view32(target, 'target');
  return (
    (view.getBigUint64(24, true) << 192n) |
    (view.getBigUint64(16, true) << 128n) |
    (view.getBigUint64(8, true) << 64n) |
    view.getBigUint64(0, true)
  );
};

/**
 * An integer as a target.
 *
 * @param value 0 … 2^256 − 1; larger values become 2^256 − 1, the easiest target
 * @returns 32 bytes, little-endian
 * @throws Sv2Error `out-of-range` for a negative value
 */
export const targetFromBigInt = (value: bigint): Uint8Array => {
  if (value < 0n) throw new Sv2Error('out-of-range', `a target cannot be negative, got ${value}`, { value });
  const target = new Uint8Array(32);
  const view = new DataView(target.buffer);
  let rest = value > MAX_U256 ? MAX_U256 : value;
  for (let offset = 0; offset < 32; offset += 8, rest >>= 64n) {
    view.setBigUint64(offset, rest & 0xffff_ffff_ffff_ffffn, true);
  }
  return target;
};

/**
 * The target that the compact form in a block header stands for: mantissa × 256^(exponent − 3), with the
 * exponent in the top byte and a sign in bit 23 (Bitcoin Core, `arith_uint256::SetCompact`).
 *
 * @param nbits U32
 * @returns 32 bytes, little-endian; all zero (which no hash meets in practice) when the mantissa is zero or
 *   shifted out
 * @throws Sv2Error `invalid-nbits` when it isn't a U32, is negative, or overflows 256 bits
 */
export const targetFromNbits = (nbits: number): Uint8Array => {
  const hex = `0x${nbits.toString(16).padStart(8, '0')}`;
  if (!Number.isInteger(nbits) || nbits < 0 || nbits > 0xffffffff) {
    throw new Sv2Error('invalid-nbits', `nbits must be an unsigned 32-bit integer, got ${nbits}`, { nbits });
  }
  const exponent = nbits >>> 24;
  const mantissa = nbits & 0x7fffff;
  const value =
    exponent <= 3
      ? BigInt(mantissa) >> BigInt(8 * (3 - exponent))
      : BigInt(mantissa) << BigInt(8 * (exponent - 3));
  if (mantissa !== 0 && (nbits & 0x800000) !== 0) {
    throw new Sv2Error('invalid-nbits', `nbits ${hex} encodes a negative target`, { nbits });
  }
  if (value > MAX_U256) {
    throw new Sv2Error('invalid-nbits', `nbits ${hex} encodes a target above 2^256 − 1`, { nbits });
  }
  return targetFromBigInt(value);
};

/**
 * The compact form of a target (Bitcoin Core, `arith_uint256::GetCompact`). It keeps the top 15 to 24
 * significant bits, so `targetFromNbits` of the result is at or below the target.
 *
 * @param target 32 bytes, little-endian
 * @returns U32
 * @throws Sv2Error `invalid-length` when it isn't 32 bytes
 */
export const nbitsFromTarget = (target: Uint8Array): number => {
  view32(target, 'target');
  let size = 32;
  while (size > 0 && target[size - 1] === 0) size--;
  const byte = (index: number): number => target[index] ?? 0;
  let mantissa = (byte(size - 1) << 16) | (byte(size - 2) << 8) | byte(size - 3);
  if (mantissa & 0x800000) {
    mantissa >>>= 8; // bit 23 is the sign
    size++;
  }
  return ((size << 24) | mantissa) >>> 0;
};

/**
 * The difficulty of a target, relative to {@link DIFFICULTY_1_TARGET}; both are rounded to doubles before
 * the division, as in the reference implementation's share accounting (`Target::difficulty_float`).
 *
 * @param target 32 bytes, little-endian (for a hash: the difficulty of the share it is)
 * @returns a positive number; Infinity for the zero target
 * @throws Sv2Error `invalid-length` when it isn't 32 bytes
 */
export const difficultyFromTarget = (target: Uint8Array): number =>
  Number(DIFFICULTY_1_TARGET) / Number(targetToBigInt(target));

/**
 * The target of a difficulty: {@link DIFFICULTY_1_TARGET} divided by it, exactly, rounded down. Saturates at
 * 2^256 − 1 for tiny difficulties and at 1 for enormous ones.
 *
 * @param difficulty finite and above 0
 * @returns 32 bytes, little-endian
 * @throws Sv2Error `invalid-difficulty`
 */
export const targetFromDifficulty = (difficulty: number): Uint8Array => {
  if (!Number.isFinite(difficulty) || difficulty <= 0) {
    throw new Sv2Error('invalid-difficulty', `a difficulty must be finite and above 0, got ${difficulty}`, {
      difficulty,
    });
  }
  // difficulty = significand × 2^exponent with an integral significand
  let significand = difficulty;
  let exponent = 0;
  for (; significand >= 2 ** 53; exponent++) significand /= 2;
  for (; !Number.isInteger(significand); exponent--) significand *= 2;
  const target =
    exponent < 0
      ? (DIFFICULTY_1_TARGET << BigInt(-exponent)) / BigInt(significand)
      : DIFFICULTY_1_TARGET / (BigInt(significand) << BigInt(exponent));
  return targetFromBigInt(target < 1n ? 1n : target);
};

/**
 * The target at which a device of that hashrate finds that many shares a minute:
 * `(2^256 − 1 − w) / (w + 1)` where `w`, the work per share, is `hashrate × 60 / sharesPerMinute` as a
 * double, truncated; it and its successor saturate at 128 bits (the arithmetic of the reference implementation,
 * `channels_sv2::target::hash_rate_to_target`).
 *
 * @param hashrate hashes per second, finite and not negative; 0 gives the easiest target
 * @param sharesPerMinute finite and above 0
 * @returns 32 bytes, little-endian
 * @throws Sv2Error `invalid-hashrate`, `invalid-shares-per-minute`
 */
export const targetFromHashrate = (hashrate: number, sharesPerMinute: number): Uint8Array => {
  requireSharesPerMinute(sharesPerMinute);
  if (!Number.isFinite(hashrate) || hashrate < 0 || Object.is(hashrate, -0)) {
    throw new Sv2Error('invalid-hashrate', `a hashrate must be finite and not negative, got ${hashrate}`, {
      hashrate,
    });
  }
  const work = truncateToU128(hashrate * (60 / sharesPerMinute));
  return targetFromBigInt((MAX_U256 - work) / (work < MAX_U128 ? work + 1n : MAX_U128));
};

/**
 * The hashrate that finds that many shares a minute at a target, the inverse of {@link targetFromHashrate}:
 * `(2^256 − target) / ((target + 1) × secondsPerShare)`, where `secondsPerShare` is cut to hundredths (the
 * arithmetic of the reference implementation, `channels_sv2::target::hash_rate_from_target`). Where that
 * arithmetic overflows 256 bits, divides by zero or returns only the low 128 bits, this computes the value.
 *
 * @param target 32 bytes, little-endian, above 0
 * @param sharesPerMinute finite and above 0
 * @returns hashes per second, a whole number below 6,000 shares a minute; always finite
 * @throws Sv2Error `invalid-target` for a zero target, `invalid-shares-per-minute`, `invalid-length`
 */
export const hashrateFromTarget = (target: Uint8Array, sharesPerMinute: number): number => {
  requireSharesPerMinute(sharesPerMinute);
  const value = targetToBigInt(target);
  if (value === 0n) throw new Sv2Error('invalid-target', 'no hashrate finds shares at a target of zero');
  const numerator = (1n << 256n) - value;
  const hundredths = truncateToU128((60 / sharesPerMinute) * 100);
  const denominator = ((value + 1n) * hundredths) / 100n;
  if (denominator > 0n) return Number(numerator / denominator);
  // Shares more often than every hundredth of a second: too coarse for whole hundredths.
  return Math.min((Number(numerator) / Number(value + 1n) / 60) * sharesPerMinute, Number.MAX_VALUE);
};

/**
 * Whether a hash is at or below a target, both little-endian. Compares bytes, without a bigint.
 *
 * @param hash 32 bytes, a block hash as SHA-256 returned it
 * @param target 32 bytes
 */
export const meetsTarget = (hash: Uint8Array, target: Uint8Array): boolean =>
  compareTargets(hash, target) <= 0;

/**
 * Compares two 32-byte little-endian integers: hashes, targets.
 *
 * @returns below 0 when `a` is smaller, 0 when they are equal, above 0 when `a` is larger
 * @throws Sv2Error `invalid-length` when one isn't 32 bytes
 */
export const compareTargets = (a: Uint8Array, b: Uint8Array): number => {
  if (a.length !== 32 || b.length !== 32) view32(a.length !== 32 ? a : b, 'hash or target');
  for (let index = 31; index >= 0; index--) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
};

const requireSharesPerMinute = (sharesPerMinute: number): void => {
  if (Number.isFinite(sharesPerMinute) && sharesPerMinute > 0) return;
  throw new Sv2Error(
    'invalid-shares-per-minute',
    `shares per minute must be finite and above 0, got ${sharesPerMinute}`,
    { sharesPerMinute },
  );
};

/** What Rust's `as u128` does with a double: truncates, saturates, and makes zero of NaN. */
const truncateToU128 = (value: number): bigint => {
  if (!(value >= 1)) return 0n;
  return value >= 2 ** 128 ? MAX_U128 : BigInt(Math.trunc(value));
};

const view32 = (bytes: Uint8Array, name: string): DataView => {
  if (bytes.length !== 32) {
    throw new Sv2Error('invalid-length', `a ${name} must be 32 bytes, got ${bytes.length}`, {
      length: bytes.length,
    });
  }
  return new DataView(bytes.buffer, bytes.byteOffset, 32);
};
