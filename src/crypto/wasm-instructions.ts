/** Instructions of WebAssembly (core specification, §5.4), as bytes: each leaves on the stack what it says. */
import { leb, unsigned } from './wasm-module.js';

/** The value of a local. */
export const get = (local: number): number[] => [0x20, local];
/** Takes a value into a local. */
export const set = (local: number): number[] => [0x21, local];
/** A constant i32. */
export const int = (value: number): number[] => [0x41, ...leb(value)];
/** The sum of two i32. */
export const i32Add = [0x6a];
/** What two i32 have in common. */
export const i32And = [0x71];
/** Runs a body again as long as its condition holds. */
export const whileLoop = (condition: readonly number[], body: readonly number[]): number[] => [
  ...[0x02, 0x40, 0x03, 0x40, ...condition, 0x45, 0x0d, 1],
  ...[...body, 0x0c, 0, 0x0b, 0x0b],
];
/** Whether a local, unsigned, is below a limit. */
export const below = (local: number, limit: readonly number[]): number[] => [...get(local), ...limit, 0x49];

/** A constant i64. */
export const long = (value: bigint): number[] => {
  const bytes: number[] = [0x42];
  for (;;) {
    const byte = Number(BigInt.asUintN(7, value));
    value >>= 7n;
    if ((value === 0n && byte < 0x40) || (value === -1n && byte >= 0x40)) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
};
/** An i64 of memory, little-endian. @param offset bytes */
export const longLoad = (address: readonly number[], offset: number): number[] => [
  ...address,
  ...[0x29, 0, ...unsigned(offset)],
];
/** An i64 into memory, little-endian. @param offset bytes */
export const longStore = (address: readonly number[], offset: number, value: readonly number[]): number[] => [
  ...[...address, ...value],
  ...[0x37, 0, ...unsigned(offset)],
];
/** What is done with two i64. */
const longOp = {
  add: 0x7c,
  sub: 0x7d,
  mul: 0x7e,
  and: 0x83,
  or: 0x84,
  xor: 0x85,
  shl: 0x86,
  sar: 0x87,
  shr: 0x88,
};
/** One operation after the other on what is on the stack: the operands come in order. */
export const fold = (operation: keyof typeof longOp, ...operands: (readonly number[])[]): number[] =>
  operands.flatMap((operand, index) => (index === 0 ? [...operand] : [...operand, longOp[operation]]));

/** An instruction of vectors, by its number behind the prefix. */
export const vector = (code: number): number[] => [0xfd, ...unsigned(code)];
/** 16 bytes of memory. @param offset bytes */
export const vectorLoad = (address: readonly number[], offset: number): number[] => [
  ...address,
  ...vector(0x00),
  ...[0, ...unsigned(offset)],
];
/** 16 bytes into memory. @param offset bytes */
export const vectorStore = (
  address: readonly number[],
  offset: number,
  value: readonly number[],
): number[] => [...[...address, ...value], ...vector(0x0b), ...[0, ...unsigned(offset)]];
/** A constant of four words. */
export const vectorOf = (...words: number[]): number[] => [
  ...vector(0x0c),
  ...words.flatMap((word) => [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24]),
];
/** The exclusive-or of two vectors. */
export const vectorXor = vector(0x51);
/** The sums of the words of two vectors. */
export const wordsAdd = vector(0xae);
