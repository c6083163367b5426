/** Puts small WebAssembly modules together (WebAssembly core specification, §5): no bytes in the source that nobody can read. */

/** What of WebAssembly is needed here; the library is compiled without the types of any host. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** The types of numbers, and of vectors. */
export const [i32, i64, v128] = [0x7f, 0x7e, 0x7b];

/** A function of a module, exported under its name. */
export interface WasmFunction {
  readonly name: string;
  /** How many parameters of type i32 it has: the first locals. */
  readonly parameters: number;
  /** How many locals it has besides, and of which types; all are 0 at first. */
  readonly locals?: readonly (readonly [count: number, type: number])[];
  /** Instructions, without the end. */
  readonly body: readonly number[];
}

/**
 * Compiles a module of functions that return nothing, and of one page of memory, exported as `memory`.
 * @param functions call each other by their index
 * @returns the exports
 * @throws WebAssembly.CompileError where the policy of a page forbids WebAssembly; ReferenceError or TypeError where there is none
 */
export function instantiateWasm(functions: readonly WasmFunction[]): unknown {
  const types = functions.map(({ parameters }) => [
    0x60,
    parameters,
    ...Array<number>(parameters).fill(i32),
    0,
  ]);
  const exported = functions.map(({ name }, index) => [...text(name), 0, index]);
  const code = functions.map(({ locals = [], body }) => {
    const content = [...vector(locals), ...body, 0x0b];
    return [...unsigned(content.length), ...content];
  });
  const bytes = Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(3, vector(functions.map((_, index) => [index]))),
    ...section(5, [1, 0, 1]),
    ...section(7, vector([[...text('memory'), 2, 0], ...exported])),
    ...section(10, vector(code)),
  ]);
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
}

/** LEB128, signed, as constants want it; for indexes below 64 it is the same unsigned. */
export function leb(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const byte = value & 0x7f;
    value >>= 7;
    if ((value === 0 && (byte & 0x40) === 0) || (value === -1 && (byte & 0x40) !== 0))
      return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

const vector = (items: readonly (readonly number[])[]): number[] => [
  ...unsigned(items.length),
  ...items.flat(),
];
const section = (id: number, content: readonly number[]): number[] => [
  id,
  ...unsigned(content.length),
  ...content,
];
const text = (name: string): number[] => [
  name.length,
  ...[...name].map((character) => character.charCodeAt(0)),
];
