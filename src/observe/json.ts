/** The JSON form of outcomes: of every role, and of an application's own. */
import { Sv2Error } from '../codec/errors.js';
import { bytesToHex, hexToBytes } from '../codec/hex.js';
import { errorFields, errorFromFields } from './json-errors.js';

/** A `bigint` in JSON: a decimal string. */
export interface BigIntJson {
  readonly $bigint: string;
}

/** A `Uint8Array` in JSON: lower-case hex. */
export interface BytesJson {
  readonly $bytes: string;
}

/** A number that JSON has not: `NaN`, `Infinity`, `-Infinity` or `-0`. */
export interface NumberJson {
  readonly $number: 'NaN' | 'Infinity' | '-Infinity' | '-0';
}

/** An error in JSON, with all that it has: `code` and `detail` if it is one of rx-sv2's, its `cause`, if there is one. */
export interface ErrorJson {
  readonly $error: {
    /** The class: one of rx-sv2's or of JavaScript's own; the nearest that is one of those for others. */
    readonly class: string;
    readonly message: string;
    readonly [field: string]: unknown;
  };
}

/**
 * What a value looks like in JSON. Fields that are `undefined` are absent, and read as `undefined`.
 */
export type OutcomeJson<T> = unknown extends T
  ? unknown
  : T extends bigint
    ? BigIntJson
    : T extends Uint8Array
      ? BytesJson
      : T extends Error
        ? ErrorJson
        : T extends number
          ? T | NumberJson
          : T extends string | boolean | null | undefined
            ? T
            : T extends readonly unknown[]
              ? { readonly [K in keyof T]: OutcomeJson<T[K]> }
              : T extends (...args: never[]) => unknown
                ? never
                : { readonly [K in keyof T]: OutcomeJson<T[K]> };

/** How deep an outcome may be nested; those of rx-sv2 are at most half of it. */
const maxDepth = 64;

/**
 * An outcome as what `JSON.stringify` takes, without loss: what JSON has is left as it is; see {@link BigIntJson},
 * {@link BytesJson}, {@link NumberJson} and {@link ErrorJson} for the rest. Of errors that rx-sv2 does not raise
 * itself the stack is kept, too. What no outcome of rx-sv2 has (functions, symbols, cycles, what is nested deeper than
 * 64 levels) is `{ $opaque: … }` with a word about what it was.
 */
export function outcomeToJson<O extends { readonly type: string }>(outcome: O): OutcomeJson<O> {
  return valueToJson(outcome, maxDepth) as OutcomeJson<O>;
}

function valueToJson(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return value;
    case 'number':
      if (Number.isFinite(value) && !Object.is(value, -0)) return value;
      return { $number: Object.is(value, -0) ? '-0' : String(value) };
    case 'bigint':
      return { $bigint: String(value) };
    case 'object':
      break;
    default:
      return { $opaque: typeof value };
  }
  if (value === null) return null;
  if (value instanceof Uint8Array) return { $bytes: bytesToHex(value) };
  if (depth === 0) return { $opaque: 'nested too deep' };
  if (Array.isArray(value)) return value.map((element) => valueToJson(element, depth - 1));
  if (value instanceof Error) return { $error: fieldsToJson(errorFields(value), depth - 1) };
  return fieldsToJson(value, depth - 1);
}

/** Names that begin with `$` get another one in front, so that none can look like a tag. */
function fieldsToJson(fields: object, depth: number): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) {
    const value: unknown = (fields as Readonly<Record<string, unknown>>)[name];
    if (value === undefined) continue;
    set(json, name.startsWith('$') ? `$${name}` : name, valueToJson(value, depth));
  }
  return json;
}

/** Names may come from remotes: `__proto__` is a name like any other. */
function set(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') object[name] = value;
  else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

/**
 * The outcome of a JSON form.
 * @param json what `outcomeToJson` returned, or `JSON.parse` made of it. Its tags are checked, its fields are not: name
 *   the type for JSON of your own, as in `outcomeFromJson<PoolOutcome>(…)`
 * @throws Sv2Error `invalid-outcome-json` with the `path` of what is no such form
 */
export function outcomeFromJson<O extends { readonly type: string } = { readonly type: string }>(
  json: unknown,
): O {
  const outcome = valueFromJson(json, undefined, maxDepth);
  const type: unknown = (outcome as { readonly type?: unknown } | null | undefined)?.type;
  if (typeof outcome !== 'object' || typeof type !== 'string')
    throw invalid(undefined, `expected an object with a 'type', got ${preview(json)}`);
  return outcome as O;
}

/** Where a value stands, the innermost name first: joined when there is something to say of it, and not for every field that is right. */
type Path = { readonly name: string | number; readonly outer: Path } | undefined;

function valueFromJson(json: unknown, path: Path, depth: number): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (depth === 0) throw invalid(path, `nested deeper than ${maxDepth} levels`);
  if (Array.isArray(json))
    return json.map((element: unknown, index) =>
      valueFromJson(element, { name: index, outer: path }, depth - 1),
    );
  const names = Object.keys(json);
  const [first = ''] = names;
  if (names.length === 1 && first.startsWith('$') && !first.startsWith('$$'))
    return taggedFromJson(first, (json as Readonly<Record<string, unknown>>)[first], path, depth);
  return fieldsFromJson(json, path, depth);
}

function fieldsFromJson(json: object, path: Path, depth: number): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const name of Object.keys(json)) {
    if (name.startsWith('$') && !name.startsWith('$$'))
      throw invalid(path, `${preview(name)} stands beside other keys, or is none of $bigint, $bytes, …`);
    const value = valueFromJson((json as Record<string, unknown>)[name], { name, outer: path }, depth - 1);
    set(fields, name.startsWith('$') ? name.slice(1) : name, value);
  }
  return fields;
}

const numbers: readonly unknown[] = ['NaN', 'Infinity', '-Infinity', '-0'] satisfies NumberJson['$number'][];

/** Digits that a bigint of an outcome has at most: those of 512 bits. */
const decimal = /^-?\d{1,155}$/;

function taggedFromJson(tag: string, value: unknown, path: Path, depth: number): unknown {
  switch (tag) {
    case '$bigint':
      if (typeof value === 'string' && decimal.test(value)) return BigInt(value);
      throw invalid({ name: tag, outer: path }, `expected digits, got ${preview(value)}`);
    case '$bytes':
      if (typeof value === 'string' && value.length % 2 === 0 && /^[0-9a-f]*$/i.test(value))
        return hexToBytes(value);
      throw invalid(
        { name: tag, outer: path },
        `expected an even number of hex digits, got ${preview(value)}`,
      );
    case '$number':
      if (numbers.includes(value)) return Number(value);
      throw invalid(
        { name: tag, outer: path },
        `expected one of ${numbers.join(', ')}, got ${preview(value)}`,
      );
    case '$error': {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw invalid({ name: tag, outer: path }, `expected an object, got ${preview(value)}`);
      return errorFromFields(fieldsFromJson(value, { name: tag, outer: path }, depth - 1));
    }
    case '$opaque':
      return { $opaque: value };
    default:
      throw invalid(path, `there is no ${preview(tag)}`);
  }
}

function invalid(path: Path, problem: string): Sv2Error {
  const names: (string | number)[] = [];
  for (let inner = path; inner !== undefined; inner = inner.outer) names.unshift(inner.name);
  const place = names.join('.').slice(0, 200);
  return new Sv2Error('invalid-outcome-json', place === '' ? problem : `${place}: ${problem}`, {
    path: place,
  });
}

function preview(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}
