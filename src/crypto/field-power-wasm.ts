/**
 * Square roots and inverses modulo p, the prime of secp256k1's field: powers, and so 255 squarings each, in WebAssembly, where a
 * multiplication takes 0.07 µs and not the 0.5 µs that it takes with BigInt. The module is put together here, all 1,100 bytes of it.
 *
 * For numbers that are public: how long it takes does not depend on them, but nothing is cleared.
 */

import type { FieldPower } from './ellswift.js';
import { i64, instantiateWasm, leb } from './wasm-module.js';

/** The field's prime, 2^256 - 2^32 - 977. */
const p = 2n ** 256n - 2n ** 32n - 977n;

/** A number is ten limbs of 26 bits, least significant first, each a U32 in memory. */
const limbs = 10;
const limbBits = 26;
const limbMask = (1 << limbBits) - 1;
const size = limbs * 4;

/**
 * Compiles the module.
 * @throws WebAssembly.CompileError where the policy of a page forbids WebAssembly
 */
export function fieldPowerWasm(): FieldPower {
  const { memory, multiply, square } = instantiateWasm([
    { name: 'multiply', parameters: 3, locals: [[4 * limbs, i64]], body: multiplyBody() },
    { name: 'square', parameters: 2, locals: [[3 * limbs, i64]], body: squareBody() },
  ]) as {
    memory: { readonly buffer: ArrayBuffer };
    /** r = ab; r may be a or b. Addresses in bytes. */
    multiply(r: number, a: number, b: number): void;
    /** Squares the number at r so many times. */
    square(r: number, times: number): void;
  };
  const words = new Uint32Array(memory.buffer);
  // where numbers are kept, as addresses
  const [base, x2, x3, x22, power, other] = [0, 1, 2, 3, 4, 5].map((slot) => slot * size) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];

  const write = (address: number, a: bigint): void => {
    for (let at = address / 4, end = at + limbs; at < end; at += 2) {
      const two = Number(BigInt.asUintN(2 * limbBits, a));
      words[at] = two & limbMask;
      words[at + 1] = Math.floor(two / 2 ** limbBits);
      a >>= BigInt(2 * limbBits);
    }
  };

  const read = (address: number): bigint => {
    let a = 0n;
    for (let at = address / 4 + limbs - 2; at >= address / 4; at -= 2)
      a =
        (a << BigInt(2 * limbBits)) +
        BigInt((words[at] as number) + (words[at + 1] as number) * 2 ** limbBits);
    while (a >= p) a -= p;
    return a;
  };

  /** `power` = `power` ^ (2 ^ times) · factor */
  const step = (times: number, factor: number): void => {
    square(power, times);
    multiply(power, power, factor);
  };

  const copy = (to: number, from: number): void => {
    words.copyWithin(to / 4, from / 4, from / 4 + limbs);
  };

  /** `power` = a ^ (2^223 - 1), in which p - 2 and (p + 1) / 4 begin; a ^ 3 and a ^ (2^22 - 1) on the way. */
  const begin = (a: bigint): void => {
    write(base, a);
    copy(power, base);
    step(1, base);
    copy(x2, power);
    step(1, base);
    copy(x3, power);
    step(3, x3); // 2^6 - 1
    step(3, x3); // 2^9 - 1
    step(2, x2); // 2^11 - 1
    copy(other, power);
    step(11, other);
    copy(x22, power);
    step(22, x22);
    copy(other, power); // 2^44 - 1
    step(44, other);
    copy(other, power); // 2^88 - 1
    step(88, other); // 2^176 - 1
    // 2^220 - 1 = 2^44 · (2^176 - 1) + 2^44 - 1
    step(22, x22);
    step(22, x22);
    step(3, x3);
  };

  const squareRoot = (a: bigint): bigint | undefined => {
    begin(a);
    step(23, x22);
    step(6, x2);
    square(power, 2);
    const root = read(power);
    multiply(power, power, power);
    return read(power) === a ? root : undefined;
  };

  return {
    isSquare: (a) => squareRoot(a) !== undefined,
    squareRoot,
    inverse(a) {
      begin(a);
      step(23, x22);
      step(5, base);
      step(3, x2);
      step(2, base);
      return read(power);
    },
  };
}

/** The instructions used (WebAssembly core specification, §5.4). */
const op = {
  loop: 0x03,
  end: 0x0b,
  branchIf: 0x0d,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  load32: 0x35,
  store32: 0x3e,
  const32: 0x41,
  const64: 0x42,
  sub32: 0x6b,
  add: 0x7c,
  mul: 0x7e,
  and: 0x83,
  shl: 0x86,
  shr: 0x88,
} as const;
const voidBlock = 0x40;

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const carried = (local: number, bits: number): number[] => [op.get, local, op.const64, ...leb(bits), op.shr];
const shifted = (local: number, bits: number): number[] => [op.get, local, op.const64, ...leb(bits), op.shl];
const times = (local: number, factor: number): number[] => [
  op.get,
  local,
  op.const64,
  ...leb(factor),
  op.mul,
];
/** local += what is on the stack */
const addTo = (local: number): number[] => [op.get, local, op.add, op.set, local];

/** Loads the limbs at an address, which a parameter has, into locals. */
const load = (parameter: number, limb: (i: number) => number): number[] =>
  range(0, limbs).flatMap((i) => [op.get, parameter, op.load32, 2, 4 * i, op.set, limb(i)]);

/** Stores limbs at the address that parameter 0 has. */
const store = (limb: (i: number) => number): number[] =>
  range(0, limbs).flatMap((i) => [op.get, 0, op.get, limb(i), op.store32, 2, 4 * i]);

/** Pairs of limbs whose products go into a column. A limb is below 2^27, so ten products sum up to less than 2^58. */
const pairs = (sum: number): (readonly [number, number])[] =>
  range(Math.max(0, sum - limbs + 1), Math.min(sum, limbs - 1) + 1).map((i) => [i, sum - i] as const);

/** What 19 columns of products come to modulo p, in the first ten of twenty locals. */
function reduction(column: (i: number) => number): number[] {
  const mask = (local: number, bits: number): number[] => [
    ...[op.get, local, op.const64, ...leb(2 ** bits - 1), op.and, op.set, local],
  ];
  /** Moves what exceeds 26 bits of a column to the next. */
  const carry = (i: number): number[] => [
    ...carried(column(i), limbBits),
    ...addTo(column(i + 1)),
    ...mask(column(i), limbBits),
  ];
  return [
    ...[op.const64, 0, op.set, column(19)],
    ...range(limbs, 2 * limbs - 1).flatMap(carry),
    // 2^260 = 2^36 + 977 · 2^4 modulo p: ten columns up stands for 2^10 in the next column and 977 · 2^4 in this one
    ...range(0, limbs).flatMap((i) => [
      ...[...times(column(limbs + i), 977 << 4), ...addTo(column(i))],
      ...(i === limbs - 1 ? [] : [...shifted(column(limbs + i), 10), ...addTo(column(i + 1))]),
      ...(i === limbs - 1 ? [] : carry(i)),
    ]),
    // what is left from 2^256 on: the upper bits of the last limb, and the share of the last column that had no next one
    ...[...carried(column(9), 22), ...shifted(column(19), 14), op.add, op.set, column(10)],
    ...mask(column(9), 22),
    ...[...times(column(10), 977), ...addTo(column(0)), ...shifted(column(10), 6), ...addTo(column(1))],
    ...range(0, limbs - 1).flatMap(carry),
  ];
}

/** Parameters: the addresses of r, a and b. Locals: the limbs of a and of b, then twenty columns. */
function multiplyBody(): number[] {
  const a = (i: number): number => 3 + i;
  const b = (i: number): number => 3 + limbs + i;
  const column = (i: number): number => 3 + 2 * limbs + i;
  return [
    ...[...load(1, a), ...load(2, b)],
    ...range(0, 2 * limbs - 1).flatMap((sum) => [
      ...pairs(sum).flatMap(([i, j], at) => [
        ...[op.get, a(i), op.get, b(j), op.mul, ...(at === 0 ? [] : [op.add])],
      ]),
      ...[op.set, column(sum)],
    ]),
    ...reduction(column),
    ...store(column),
  ];
}

/**
 * Parameters: the address of r, how many times. Locals: the limbs of r, then twenty columns. Equal products are taken once, and
 * limbs stay in locals from one time to the next: 8.6 µs for a root and not 12.1.
 */
function squareBody(): number[] {
  const a = (i: number): number => 2 + i;
  const column = (i: number): number => 2 + limbs + i;
  return [
    ...load(0, a),
    ...[op.loop, voidBlock],
    ...range(0, 2 * limbs - 1).flatMap((sum) => {
      const unequal = pairs(sum).filter(([i, j]) => i < j);
      return [
        ...unequal.flatMap(([i, j], at) => [
          ...[op.get, a(i), op.get, a(j), op.mul, ...(at === 0 ? [] : [op.add])],
        ]),
        ...(unequal.length === 0 ? [] : [op.const64, 1, op.shl]),
        ...(sum % 2 === 1 ? [] : [op.get, a(sum / 2), op.get, a(sum / 2), op.mul]),
        ...(sum % 2 === 1 || unequal.length === 0 ? [] : [op.add]),
        ...[op.set, column(sum)],
      ];
    }),
    ...reduction(column),
    ...range(0, limbs).flatMap((i) => [op.get, column(i), op.set, a(i)]),
    ...[op.get, 1, op.const32, 1, op.sub32, op.tee, 1, op.branchIf, 0],
    op.end,
    ...store(a),
  ];
}
