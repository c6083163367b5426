/** The types of parameters that Stratum V1 methods have: how each is read, leniently, and written, strictly. */
import { bytesToHex, hexToBytes } from '../codec/hex.js';
import { reverseBytes, swapWords } from './byte-order.js';
import { Sv1Error } from './errors.js';
import { isRecord, type Json } from './json.js';

/** One type of parameter. */
export interface ParamType<T> {
  /** What kind of value it is; lets tools walk a declaration. */
  readonly kind: ParamKind;
  /** @throws Sv1Error `invalid-params` that says what was expected */
  read(value: Json): T;
  /** @throws Sv1Error `value-out-of-range` */
  write(value: T): Json;
}

/** The structure of a parameter type. Lengths are in bytes. */
export type ParamKind =
  | { readonly is: 'text' | 'u32' | 'number' | 'boolean' | 'record' | 'json' }
  | { readonly is: 'integer'; readonly max: number }
  | { readonly is: 'bytes'; readonly minLength: number; readonly maxLength: number }
  | { readonly is: 'list'; readonly of: ParamType<unknown>; readonly maxCount: number }
  | { readonly is: 'optional'; readonly of: ParamType<unknown> };

/** The parameters of a method by name, in the order of the wire. */
export type Params = Readonly<Record<string, ParamType<unknown>>>;

/** The values of parameters. */
export type ParamValues<P extends Params> = {
  readonly [K in keyof P]: P[K] extends ParamType<infer T> ? T : never;
};

const expected = (what: string): Sv1Error => new Sv1Error('invalid-params', `expected ${what}`);
const unwritable = (what: string): Sv1Error => new Sv1Error('value-out-of-range', `expected ${what}`);

/** Characters of the longest text that is taken; a user identity of Stratum V2 has 255 bytes. */
const maxTextLength = 1_024;

/** Text of at most 1,024 characters. A number is taken for its digits: some put workers' numbers without quotes. */
export const text: ParamType<string> = {
  kind: { is: 'text' },
  read(value) {
    if (typeof value === 'number') return String(value);
    if (typeof value === 'string' && value.length <= maxTextLength) return value;
    throw expected(`text of at most ${maxTextLength} characters`);
  },
  write: (value) => value,
};

/** A finite number; one in quotes is taken, too. */
export const number: ParamType<number> = {
  kind: { is: 'number' },
  read(value) {
    const read = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof read === 'number' && Number.isFinite(read)) return read;
    throw expected('a number');
  },
  write(value) {
    if (Number.isFinite(value)) return value;
    throw unwritable('a finite number');
  },
};

/** A whole number from 0 to `max`; one in quotes is taken, too. */
export const integer = (max: number): ParamType<number> => ({
  kind: { is: 'integer', max },
  read(value) {
    const read = number.read(value);
    if (Number.isInteger(read) && read >= 0 && read <= max) return read;
    throw expected(`a whole number from 0 to ${max}`);
  },
  write(value) {
    if (Number.isInteger(value) && value >= 0 && value <= max) return value;
    throw unwritable(`a whole number from 0 to ${max}`);
  },
});

/** `true` or `false`; 1 and 0 are taken, too. */
export const flag: ParamType<boolean> = {
  kind: { is: 'boolean' },
  read(value) {
    if (value === true || value === 1) return true;
    if (value === false || value === 0) return false;
    throw expected('true or false');
  },
  write: (value) => value,
};

/**
 * 32 bits as hex digits, big-endian: version, nbits, ntime, nonce. Read from one to eight digits, behind `0x` or not,
 * or from a number; written as eight digits.
 */
export const u32: ParamType<number> = {
  kind: { is: 'u32' },
  read(value) {
    if (typeof value === 'number') return integer(0xffff_ffff).read(value);
    if (typeof value === 'string' && /^(0x)?[0-9a-f]{1,8}$/i.test(value)) return parseInt(value, 16);
    throw expected('up to 8 hex digits');
  },
  write(value) {
    if (isU32(value)) return value.toString(16).padStart(8, '0');
    throw unwritable('an unsigned 32-bit integer');
  },
};

const isU32 = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;

/** Bytes as hex digits, of either case. */
export const bytes = (minLength: number, maxLength: number): ParamType<Uint8Array> => ({
  kind: { is: 'bytes', minLength, maxLength },
  read(value) {
    const isHex = typeof value === 'string' && value.length <= 2 * maxLength && isHexBytes(value);
    if (isHex && value.length >= 2 * minLength) return hexToBytes(value);
    throw expected(`${minLength} to ${maxLength} bytes in hex`);
  },
  write(value) {
    if (value.length >= minLength && value.length <= maxLength) return bytesToHex(value);
    throw unwritable(`${minLength} to ${maxLength} bytes`);
  },
});

const isHexBytes = (value: string): boolean => value.length % 2 === 0 && /^[0-9a-f]*$/i.test(value);

/** 32 bytes as they are hashed. */
export const hash: ParamType<Uint8Array> = bytes(32, 32);

/** A previous hash: 32 bytes as in the block header, of which each 32-bit word is turned around on the wire. */
export const prevHash: ParamType<Uint8Array> = {
  kind: hash.kind,
  read: (value) => swapWords(hash.read(value)),
  write: (value) => hash.write(swapWords(value)),
};

/** A target: 32 bytes, little-endian; big-endian on the wire. Fewer digits are taken, too. */
export const target: ParamType<Uint8Array> = {
  kind: hash.kind,
  read(value) {
    if (typeof value === 'string' && /^(0x)?[0-9a-f]{1,64}$/i.test(value))
      return reverseBytes(hexToBytes(value.replace(/^0x/i, '').padStart(64, '0')));
    throw expected('a target of up to 64 hex digits');
  },
  write: (value) => hash.write(reverseBytes(value)),
};

/** As many elements as come, up to `maxCount`. */
export const list = <T>(of: ParamType<T>, maxCount: number): ParamType<readonly T[]> => ({
  kind: { is: 'list', of: of, maxCount },
  read(value) {
    if (Array.isArray(value) && value.length <= maxCount) return (value as readonly Json[]).map(of.read);
    throw expected(`a list of at most ${maxCount} elements`);
  },
  write(value) {
    if (value.length <= maxCount) return value.map(of.write);
    throw unwritable(`a list of at most ${maxCount} elements`);
  },
});

/** An object, with whatever is in it. */
export const record: ParamType<{ readonly [name: string]: Json }> = {
  kind: { is: 'record' },
  read(value) {
    if (isRecord(value)) return value;
    throw expected('an object');
  },
  write: (value) => value,
};

/** Anything. */
export const json: ParamType<Json> = {
  kind: { is: 'json' },
  read: (value) => value,
  write: (value) => value,
};

/** A value that may be left out, or null. */
export const optional = <T>(of: ParamType<T>): ParamType<T | null> => ({
  kind: { is: 'optional', of: of },
  read: (value) => (value === null ? null : of.read(value)),
  write: (value) => (value === null ? null : of.write(value)),
});

/**
 * Reads parameters by their declaration; more than are declared are ignored.
 * @throws Sv1Error `invalid-params` that names the parameter
 */
export function readParams<P extends Params>(declared: P, values: readonly Json[]): ParamValues<P> {
  const read: Record<string, unknown> = {};
  Object.entries(declared).forEach(([name, type], index) => {
    const value = values[index] ?? null;
    try {
      if (value === null && type.kind.is !== 'optional') throw expected('a value');
      read[name] = type.read(value);
    } catch (error) {
      if (!(error instanceof Sv1Error)) throw error;
      throw new Sv1Error('invalid-params', `${name}: ${error.message}`, { param: name });
    }
  });
  return read as ParamValues<P>;
}

/**
 * Writes parameters in the order of their declaration, without those at the end that are null.
 * @throws Sv1Error `value-out-of-range` that names the parameter
 */
export function writeParams<P extends Params>(declared: P, values: ParamValues<P>): readonly Json[] {
  const written = Object.entries(declared).map(([name, type]) => {
    try {
      return type.write(values[name]);
    } catch (error) {
      if (!(error instanceof Sv1Error)) throw error;
      throw new Sv1Error('value-out-of-range', `${name}: ${error.message}`, { param: name });
    }
  });
  while (written.at(-1) === null) written.pop();
  return written;
}
