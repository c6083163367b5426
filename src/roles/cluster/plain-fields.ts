/** Reads plain values that came over a port: every field is checked, and what is wrong is said. */
import { Sv2Error } from '../../codec/errors.js';

/** The form of what goes over ports; both ends have the same. */
export const clusterVersion = 1;

/** The fields of an object. Each of its functions throws Sv2Error `invalid-cluster-message` when a field is not what it reads. */
export interface Fields {
  /** Whole, from 0 to `most`: 2^53 - 1 unless given. */
  whole(name: string, most?: number): number;
  /** Finite, 0 or more. */
  positive(name: string): number;
  flag(name: string): boolean;
  /** Of `most` UTF-16 units at most. */
  text(name: string, most: number): string;
  big(name: string): bigint;
  /** Of `least` to `most` bytes; exactly so many if only one is given. */
  bytes(name: string, least: number, most?: number): Uint8Array;
  /** Of `most` elements at most. */
  list<T>(name: string, most: number, read: (element: unknown) => T): T[];
  /** Whatever it is; undefined if it is not there. */
  value(name: string): unknown;
}

/**
 * The fields of a value.
 * @param what it should be, for people
 * @throws Sv2Error `invalid-cluster-message`
 */
export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(what, 'an object', value);
  const own = (name: string): unknown =>
    Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
  const read = <T>(name: string, is: (field: unknown) => field is T, expected: string): T => {
    const field = own(name);
    if (!is(field)) throw invalid(`${what}: ${name}`, expected, field);
    return field;
  };
  return {
    whole: (name, most = Number.MAX_SAFE_INTEGER) =>
      read(
        name,
        (field): field is number =>
          Number.isSafeInteger(field) && Number(field) >= 0 && Number(field) <= most,
        `a whole number from 0 to ${most}`,
      ),
    positive: (name) =>
      read(
        name,
        (field): field is number => typeof field === 'number' && field >= 0 && field < Infinity,
        'a number, 0 or more',
      ),
    flag: (name) => read(name, (field) => typeof field === 'boolean', 'true or false'),
    text: (name, most) =>
      read(
        name,
        (field): field is string => typeof field === 'string' && field.length <= most,
        `a text of ${most} characters at most`,
      ),
    big: (name) => read(name, (field) => typeof field === 'bigint', 'a bigint'),
    bytes: (name, least, most = least) =>
      read(
        name,
        (field): field is Uint8Array =>
          field instanceof Uint8Array && field.length >= least && field.length <= most,
        least === most ? `${least} bytes` : `${least} to ${most} bytes`,
      ),
    list: (name, most, readElement) =>
      read(
        name,
        (field): field is unknown[] => Array.isArray(field) && field.length <= most,
        `a list of ${most} at most`,
      ).map(readElement),
    value: own,
  };
}

/** The version of a message is ours. @throws Sv2Error `cluster-version` with both */
export function requireVersion(fields: Fields, what: string): void {
  const version = fields.whole('version');
  if (version === clusterVersion) return;
  throw new Sv2Error(
    'cluster-version',
    `${what}: of version ${version}; expected ${clusterVersion}: fronts and core have to be of one release`,
    { version, expected: clusterVersion },
  );
}

/** The error of a value that is not what it should be. */
export function invalid(what: string, expected: string, got: unknown): Sv2Error {
  return new Sv2Error('invalid-cluster-message', `${what}: expected ${expected}, got ${shown(got)}`, {
    what,
  });
}

/** What a value is, in a few words. */
function shown(value: unknown): string {
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'string')
    return value.length <= 40 ? JSON.stringify(value) : `${value.length} characters`;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  return typeof value === 'object' ? 'an object' : typeof value;
}
