/** Settings in environment variables, in the reference implementation's form, of every role that has a configuration file. */
import { z } from 'zod';
import { closest } from './closest.js';
import { ConfigError, shapeOf, type Flag } from './config.js';

/** Where settings stand in the environment. */
type Environment = Readonly<Record<string, string | undefined>>;

/** What is between the steps of a path: `POOL__JDS__LISTEN_ADDRESS` is `jds.listen_address`. */
const separator = '__';

/**
 * The settings in environment variables, which go before those of a file: `PREFIX__KEY`, `PREFIX__TABLE__KEY`, lists with
 * commas, whether in capitals or not. Lists of tables are `PREFIX__UPSTREAM_<NAME>__<KEY>` (for `[[upstreams]]`), in the
 * order of their names, in place of the file's.
 * @param schema what the file may say
 * @param prefix the role's: `POOL`
 * @throws ConfigError for variables of that prefix that are no settings; values are not in it
 */
export function environmentFlags(
  schema: z.ZodType,
  prefix: string,
  environment: Environment = process.env,
): readonly Flag[] {
  const flags: Flag[] = [];
  const tables = new Map<string, Map<string, Record<string, unknown>>>();
  const problems: string[] = [];
  const start = `${prefix}${separator}`;
  for (const name of Object.keys(environment).sort()) {
    const value = environment[name];
    if (!name.startsWith(start) || value === undefined) continue;
    const place = placeOf(schema, name.slice(start.length).split(separator));
    if (place === undefined) {
      const meant = closest(name, namesIn(schema, prefix));
      problems.push(`${name}: unknown setting${meant === undefined ? '' : `; did you mean ${meant}?`}`);
    } else if (place.entry === undefined) {
      flags.push({ key: place.path.join('.'), name, value: valueOf(place.type, value) });
    } else {
      const key = place.path.join('.');
      const entries = tables.get(key) ?? new Map<string, Record<string, unknown>>();
      tables.set(key, entries);
      const fields = entries.get(place.entry) ?? {};
      entries.set(place.entry, { ...fields, [place.field]: valueOf(place.type, value) });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  for (const [key, entries] of tables) {
    const name = `${start}${singular(key).toUpperCase()}_…`;
    flags.push({
      key,
      name,
      value: [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, table]) => table),
    });
  }
  return flags;
}

/** Where a setting stands, and what it is. */
type Place = { readonly path: readonly string[]; readonly type: unknown } & (
  | { readonly entry?: undefined }
  /** In which of a list of tables, and as what. */
  | { readonly entry: string; readonly field: string }
);

/** Of `upstreams` one is an `upstream`. */
const singular = (key: string): string => key.replace(/s$/, '');

const keyLike = (shape: Readonly<Record<string, unknown>>, word: string): string | undefined =>
  Object.keys(shape).find((key) => key.toLowerCase() === word.toLowerCase());

function placeOf(schema: unknown, words: readonly string[]): Place | undefined {
  const path: string[] = [];
  let type = schema;
  for (const [index, word] of words.entries()) {
    const shape = shapeOf(type);
    if (shape === undefined) return undefined;
    const key = keyLike(shape, word);
    if (key === undefined) {
      const inTable = tableOf(shape, word, words.slice(index + 1));
      return inTable === undefined ? undefined : { ...inTable, path: [...path, ...inTable.path] };
    }
    path.push(key);
    type = shape[key];
  }
  return shapeOf(type) !== undefined || shapeOf(elementOf(type)) !== undefined ? undefined : { path, type };
}

/** A setting of one of a list of tables. */
function tableOf(
  shape: Readonly<Record<string, unknown>>,
  word: string,
  rest: readonly string[],
): Extract<Place, { readonly entry: string }> | undefined {
  for (const [key, type] of Object.entries(shape)) {
    const fields = shapeOf(elementOf(type));
    const start = `${singular(key)}_`;
    if (fields === undefined || rest.length !== 1 || !word.toLowerCase().startsWith(start)) continue;
    const field = keyLike(fields, rest[0] ?? '');
    if (field === undefined) continue;
    return { path: [key], type: fields[field], entry: word.slice(start.length), field };
  }
  return undefined;
}

/** What a schema is about, without what it says of its absence. */
const inner = (type: unknown): unknown =>
  type instanceof z.ZodOptional || type instanceof z.ZodDefault || type instanceof z.ZodPrefault
    ? inner(type.unwrap())
    : type;

/** Of a list what it is a list of. */
function elementOf(type: unknown): unknown {
  const list = inner(type);
  return list instanceof z.ZodArray ? list.element : undefined;
}

/** A text as what a schema takes; numbers take texts themselves. */
function valueOf(type: unknown, text: string): unknown {
  if (elementOf(type) !== undefined)
    return text
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== '');
  if (!(inner(type) instanceof z.ZodBoolean)) return text;
  return text === 'true' ? true : text === 'false' ? false : text;
}

/** All variables that there are, for hints. */
function namesIn(schema: unknown, before: string): readonly string[] {
  return Object.entries(shapeOf(schema) ?? {}).flatMap(([key, type]) => {
    const name = `${before}${separator}${key.toUpperCase()}`;
    const fields = shapeOf(elementOf(type));
    if (shapeOf(type) !== undefined) return namesIn(type, name);
    if (fields === undefined) return [name];
    const table = `${before}${separator}${singular(key).toUpperCase()}_A`;
    return Object.keys(fields).map((field) => `${table}${separator}${field.toUpperCase()}`);
  });
}
