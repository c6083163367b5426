import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { parse, TomlError } from 'smol-toml';
import * as z from 'zod';
import { Sv2Error } from '../codec/errors.js';
import { decodeAuthorityPublicKey, decodeAuthoritySecretKey } from '../noise/authority-key.js';
import { closest } from './closest.js';
import { holdsSecretKey } from './misplaced-keys.js';
import { withoutKeys } from './secrets.js';

/** A configuration that cannot be used; a command that meets it ends with exit status 2. Holds no values, and no keys. */
export class ConfigError extends Sv2Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  /** @param problems one line each: where (file and key, or flag) and what was expected */
  constructor(problems: readonly string[]) {
    const shown = problems.map(withoutKeys);
    super('invalid-configuration', shown.join('; '), { problems: shown });
    this.problems = shown;
  }
}

/** A setting given on the command line. */
export interface Flag {
  /** Its key in the configuration file, with dots between tables: `template_provider_type.Sv2Tp.address`. */
  readonly key: string;
  /** As it was written: `--listen`. */
  readonly name: string;
  readonly value: unknown;
}

/**
 * The options that were given on a command's command line.
 * @param command whose arguments were parsed
 * @param keys the configuration key of each option (by its Commander name, `listen` for `--listen`) that differs
 * from the option's own name in snake_case; `null` for options that are no settings, such as `config`
 */
export function flagsOf(command: Command, keys: Readonly<Record<string, string | null>> = {}): Flag[] {
  return command.options.flatMap((option) => {
    const attribute = option.attributeName();
    const key = attribute in keys ? keys[attribute] : snakeCase(attribute);
    if (key === null || key === undefined || command.getOptionValueSource(attribute) !== 'cli') return [];
    return [{ key, name: option.long ?? option.flags, value: command.getOptionValue(attribute) as unknown }];
  });
}

/**
 * Reads a TOML file, if there is one, puts what was given on the command line over it, and checks the whole.
 * @param schema the keys; make it with `z.strictObject` so that misspelt keys are found
 * @param flags settings from the command line
 * @param file the path of a TOML file
 * @throws ConfigError with every problem found; it names key or flag, the form expected, and the file
 */
export function loadConfig<S extends z.ZodType>(
  schema: S,
  flags: readonly Flag[],
  file?: string,
): z.output<S> {
  const raw = file === undefined ? {} : readToml(file);
  for (const { key, value } of flags) assign(raw, key.split('.'), value);
  const result = schema.safeParse(raw);
  const problems = [
    ...misplacedSecrets(raw).map((path) => `${placeOf(path, flags, file)}: ${misplaced}`),
    ...(result.error?.issues.flatMap((issue) => describeIssue(issue, schema, raw, flags, file)) ?? []),
  ];
  if (result.success && problems.length === 0) return result.data;
  throw new ConfigError(problems);
}

/** A command that needs a configuration file: reads the path given to `--config`. */
export const configOption = ['-c, --config <FILE>', 'a TOML file; flags go before what it says'] as const;

type Table = Record<string, unknown>;

/** What a TOML file says. @throws ConfigError where it cannot be read, or is none */
export function readToml(file: string): Table {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const why = { ENOENT: 'no such file', EACCES: 'permission denied', EISDIR: 'it is a directory' }[code];
    throw new ConfigError([`${file}: cannot be read: ${why ?? code}`]);
  }
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // the rest of its message quotes the file, which may hold a secret
    const [first = ''] = error.message.split('\n');
    const problem = first.replace(/^Invalid TOML document: /, '');
    throw new ConfigError([`${file}:${error.line}:${error.column}: not TOML: ${problem}`]);
  }
}

function assign(table: Table, [first = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    table[first] = value;
    return;
  }
  const inner = table[first];
  const next: Table = isTable(inner) ? inner : {};
  table[first] = next;
  assign(next, rest, value);
}

const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The one setting that holds a secret key. */
const secretSetting = 'authority_secret_key';
const misplaced = `it holds a secret key, which would be shown to others here: put it into ${secretSetting}, or away`;

/** Where in a configuration a secret key stands that does not belong there. */
function misplacedSecrets(value: unknown, path: readonly PropertyKey[] = []): PropertyKey[][] {
  if (typeof value === 'string')
    return path.at(-1) !== secretSetting && holdsSecretKey(value) ? [[...path]] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => misplacedSecrets(inner, [...path, key]));
}

/** The keys of a table in a schema. */
function keysAt(schema: unknown, path: readonly PropertyKey[]): string[] {
  const table = path.reduce<unknown>((inner, step) => shapeOf(inner)?.[String(step)], schema);
  return Object.keys(shapeOf(table) ?? {});
}

/** The settings of a table, by key; undefined for what is no table. */
export function shapeOf(type: unknown): Readonly<Record<string, unknown>> | undefined {
  if (type instanceof z.ZodOptional || type instanceof z.ZodDefault || type instanceof z.ZodPrefault)
    return shapeOf(type.unwrap());
  return type instanceof z.ZodObject ? type.shape : undefined;
}

/** The tables of a schema in which a key is a setting: `[]` for above every table. */
function tablesWith(key: string, schema: unknown, path: readonly string[] = []): string[][] {
  const shape = shapeOf(schema) ?? {};
  const inner = Object.entries(shape).flatMap(([name, type]) => tablesWith(key, type, [...path, name]));
  return Object.hasOwn(shape, key) ? [[...path], ...inner] : inner;
}

/** What an unknown key probably should have been: one of another table, or another one of this table. */
function hintFor(key: string, path: readonly PropertyKey[], schema: unknown): string {
  const [elsewhere] = tablesWith(key, schema);
  if (elsewhere !== undefined) {
    return elsewhere.length === 0
      ? `: it belongs above every [table], did you mean to put it above [${path.map(shownKey).join('.')}]?`
      : `: it belongs below [${elsewhere.join('.')}]`;
  }
  const meant = closest(key, keysAt(schema, path));
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}

/** Keys may be anything, a secret key that was put before the = too: only what looks like a setting is shown. */
const shownKey = (key: PropertyKey): string =>
  /^([a-z][a-z0-9]*([_-][a-z0-9]+)*|Sv2Tp|BitcoinCoreIpc|\d+)$/.test(String(key)) && String(key).length <= 40
    ? String(key)
    : `(a key of ${String(key).length} characters, not shown)`;

/** The flag or the file and key that a problem is about. */
function placeOf(path: readonly PropertyKey[], flags: readonly Flag[], file: string | undefined): string {
  const flag = flags.find((candidate) => candidate.key === path.join('.'));
  if (flag !== undefined) return flag.name;
  return `${file === undefined ? '' : `${file}: `}${path.map(shownKey).join('.')}`;
}

function describeIssue(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  raw: Table,
  flags: readonly Flag[],
  file: string | undefined,
): string[] {
  const where = file === undefined ? '' : `${file}: `;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(
      (key) =>
        `${where}${[...issue.path, key].map(shownKey).join('.')}: unknown key${hintFor(key, issue.path, schema)}`,
    );
  }
  if (issue.path.length === 0) return [`${where}${issue.message}`];
  const value = issue.path.reduce<unknown>(
    (inner, step) => (inner as Record<PropertyKey, unknown> | undefined)?.[step],
    raw,
  );
  return [`${placeOf(issue.path, flags, file)}${value === undefined ? ' is missing' : ''}: ${issue.message}`];
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

// ---- forms of settings; each error says what was expected ----

/** A text of `min` to `max` bytes as UTF-8. */
export function text(min = 1, max = 255) {
  const error = `expected a text of ${min} to ${max} bytes`;
  const size = (value: string) => new TextEncoder().encode(value).length;
  return z.string({ error }).refine((value) => size(value) >= min && size(value) <= max, { error });
}

/** A number; on the command line as digits. */
export function number({
  min,
  max = Infinity,
  integer = false,
  unit = '',
}: {
  readonly min: number;
  readonly max?: number;
  readonly integer?: boolean;
  readonly unit?: string;
}) {
  const range = max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`;
  const error = `expected a ${integer ? 'whole ' : ''}number ${range}${unit === '' ? '' : ` (${unit})`}`;
  return z.preprocess(
    (value) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value),
    z
      .number({ error })
      .refine((value) => value >= min && value <= max && (!integer || Number.isInteger(value)), { error }),
  );
}

/** `HOST:PORT`, with an IPv6 host in brackets. Comes out as host (without brackets) and port. */
export function hostPort(lowestPort: 0 | 1 = 1) {
  const error = `expected HOST:PORT, such as 127.0.0.1:34254 or [::1]:34254, with a port from ${lowestPort} to 65535`;
  return z.string({ error }).transform((value, context) => {
    const [, ipv6, name, digits = ''] = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(value) ?? [];
    const host = ipv6 ?? name;
    const port = Number(digits);
    if (host !== undefined && port >= lowestPort && port <= 65535) return { host, port };
    context.issues.push({ code: 'custom', message: error, input: undefined });
    return z.NEVER;
  });
}

/** An authority public key in base58check (spec §4.7), as `sv2 keygen` prints it. Stays a text. */
export const authorityPublicKey = () => keyText(decodeAuthorityPublicKey);

/** An authority secret key in base58check, as `sv2 keygen` prints it. Stays a text. */
export const authoritySecretKey = () => keyText((value) => decodeAuthoritySecretKey(value).fill(0));

function keyText(decode: (value: string) => unknown) {
  const expected = 'expected a key in base58check, as `sv2 keygen` prints it';
  return z.string({ error: expected }).superRefine((value, context) => {
    try {
      decode(value);
    } catch (error) {
      // these errors say what is wrong without repeating the key
      const message = error instanceof Sv2Error ? `${expected}: ${error.message}` : expected;
      context.issues.push({ code: 'custom', message, input: undefined });
    }
  });
}
