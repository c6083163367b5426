import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { readFileSync } from 'node:fs';
import { Sv2Error } from '../../src/codec/errors.js';

/** A file of spec/vectors/sri, see spec/interop/README.md. Its first member names the crates that answered. */
export const readVectors = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`./sri/${name}.json`, import.meta.url), 'utf8')) as T;

/** What `run` returns, or `error: code` of the Sv2Error it throws. */
export const resultOf = <T>(run: () => T): T | `error: ${string}` => {
  try {
    return run();
  } catch (error) {
    if (error instanceof Sv2Error) return `error: ${error.code}`;
    throw error;
  }
};

/** A number of the vectors: those that JSON cannot write are strings. */
export const numberOf = (value: number | string): number =>
  typeof value === 'number' ? value : Number(value.replace('inf', 'Infinity'));

/** Long values written short: `{repeat, length}` of a byte, `{repeat, count}` of an element. */
export const expand = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(expand);
  if (typeof value !== 'object' || value === null) return value;
  const { repeat, length, count } = value as Record<string, unknown>;
  if (typeof length === 'number') return (repeat as string).repeat(length);
  if (typeof count === 'number') return new Array<unknown>(count).fill(expand(repeat));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, expand(member)]));
};

export { bytesToHex, hexToBytes };
