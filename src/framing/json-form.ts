/** What is wrong with a JSON form, and how its parts are looked at. */
import { Sv2Error } from '../codec/errors.js';
import { hexToBytes } from '../codec/hex.js';

/** What is wrong with a JSON form. */
export type JsonFormErrorCode =
  | 'wrong-json-form'
  | 'unknown-json-key'
  | 'missing-json-key'
  | 'contradicting-json-key'
  | 'ambiguous-message-name'
  | 'unknown-message-name';

/** A value that is not the JSON form of a message. */
export class JsonFormError extends Sv2Error {
  override readonly name = 'JsonFormError';

  /**
   * @param code what is wrong
   * @param path where, such as `payload.merklePath[2]`; empty for the whole
   * @param problem what was found and what was expected
   */
  constructor(
    override readonly code: JsonFormErrorCode,
    readonly path: string,
    problem: string,
  ) {
    super(code, path === '' ? problem : `${path}: ${problem}`, { path });
  }
}

/** An object of JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What is there. @throws JsonFormError `missing-json-key` */
export function required(path: string, value: unknown, expected: string): unknown {
  if (value === undefined) throw new JsonFormError('missing-json-key', path, `missing, expected ${expected}`);
  return value;
}

/** @throws JsonFormError `unknown-json-key` */
export function checkKeys(path: string, form: JsonObject, known: readonly string[]): void {
  for (const key of Object.keys(form)) {
    if (known.includes(key)) continue;
    throw new JsonFormError(
      'unknown-json-key',
      path,
      `unknown key ${preview(key)}, known are ${known.join(', ')}`,
    );
  }
}

/** An object. @throws JsonFormError `wrong-json-form`, as those below */
export function objectAt(path: string, value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongForm(path, 'an object', value);
  }
  return value as JsonObject;
}

/** An array. */
export function arrayAt(path: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongForm(path, 'an array', value);
  return value;
}

/** A string. */
export function stringAt(path: string, value: unknown): string {
  if (typeof value !== 'string') throw wrongForm(path, 'a string', value);
  return value;
}

/** A number. */
export function numberAt(path: string, value: unknown): number {
  if (typeof value !== 'number') throw wrongForm(path, 'a number', value);
  return value;
}

/** True or false. */
export function booleanAt(path: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrongForm(path, 'true or false', value);
  return value;
}

/** Bytes, of hex. */
export function bytesAt(path: string, value: unknown): Uint8Array {
  if (typeof value !== 'string' || value.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(value)) {
    throw wrongForm(path, 'an even number of hex digits as a string', value);
  }
  return hexToBytes(value);
}

/** The error for what has another form than expected. */
export function wrongForm(path: string, expected: string, value: unknown): JsonFormError {
  return new JsonFormError('wrong-json-form', path, `expected ${expected}, got ${preview(value)}`);
}

/** A value as JSON, cut short. */
export function preview(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}
