/** Lines to messages and back. */
import type { Answer, MethodMessage, Sv1Id, Sv1Method } from './define-method.js';
import type { StratumError } from './error-codes.js';
import { Sv1Error } from './errors.js';
import { isRecord, own, parseJson, type Json } from './json.js';
import * as methods from './methods.js';
import type { Params } from './params.js';

/** A request or notification whose method is not known here. */
export interface UnknownMethod {
  readonly type: 'unknown';
  readonly id: Sv1Id;
  readonly method: string;
  readonly params: readonly Json[];
}

/** A line that is no message: not JSON, not JSON-RPC, or with parameters that its method does not have. */
export interface MalformedLine {
  readonly type: 'malformed';
  /** Null if the line has none. */
  readonly id: Sv1Id;
  /** Null if the line has none. */
  readonly method: string | null;
  /** Why. */
  readonly error: Sv1Error;
}

/** A message of a method that is known. */
export type Sv1MethodMessage = MethodMessage<(typeof methods)[keyof typeof methods]>;

/** What can be sent. */
export type Sv1Message = Sv1MethodMessage | Answer | UnknownMethod;

/** What can be received: what a line turned out to be. */
export type Sv1Received = Sv1Message | MalformedLine;

/** The declarations of all methods. */
export const sv1Methods: readonly Sv1Method[] = Object.values(methods) as unknown as Sv1Method[];

const byType: ReadonlyMap<string, Sv1Method> = new Map(sv1Methods.map((method) => [method.type, method]));

/** Finds the declaration of a method by its name. */
export const sv1MethodByType = (type: string): Sv1Method<string, Params> | undefined => byType.get(type);

/**
 * Reads a line. Never throws: what is wrong with a line is for whoever answers it.
 * @param line without its end
 */
export function decodeSv1(line: string): Sv1Received {
  const first = line.trimStart()[0] ?? '';
  if (!'{[tfn'.includes(first)) return malformed(null, null, /["\d-]/.test(first) ? notAnObject : notJson);
  let value: Json;
  try {
    value = parseJson(line);
  } catch (error) {
    if (error instanceof Sv1Error) return malformed(null, null, error);
    throw error;
  }
  if (!isRecord(value)) return malformed(null, null, notAnObject);
  const id = idOf(own(value, 'id') ?? null, line);
  const method = own(value, 'method');
  if (typeof method === 'string') return readMethod(id, method, own(value, 'params') ?? null);
  if (method !== undefined && method !== null) return malformed(id, null, noMethodName);
  const [result, error] = [own(value, 'result'), own(value, 'error')];
  if (result === undefined && error === undefined) return malformed(id, null, nothingInIt);
  return { type: 'answer', id, result: result ?? null, error: readError(error ?? null) };
}

/**
 * Writes a message as a line, with its `\n`.
 * @throws Sv1Error `value-out-of-range` that names method and parameter
 */
export function encodeSv1(message: Sv1Message): string {
  const id = writeId(message.id);
  if (message.type === 'answer') {
    const { result, error } = message;
    const written = error === null ? null : [error.code, error.text, null];
    return `{"id":${id},"result":${JSON.stringify(result)},"error":${JSON.stringify(written)}}\n`;
  }
  const [method, params] =
    message.type === 'unknown'
      ? [message.method, message.params]
      : [message.type, byType.get(message.type)?.write(message) ?? []];
  return `{"id":${id},"method":${JSON.stringify(method)},"params":${JSON.stringify(params)}}\n`;
}

function readMethod(id: Sv1Id, method: string, params: Json): Sv1Received {
  const isList = Array.isArray(params);
  const isEmpty = params === null || (isRecord(params) && Object.keys(params).length === 0);
  if (!isList && !isEmpty)
    return malformed(id, method, new Sv1Error('invalid-params', `${method}: expected a list of parameters`));
  const values = isList ? (params as readonly Json[]) : [];
  const known = byType.get(method);
  if (known === undefined) return { type: 'unknown', id, method, params: values };
  try {
    return known.read(values, id) as Sv1MethodMessage;
  } catch (error) {
    if (error instanceof Sv1Error) return malformed(id, method, error);
    throw error;
  }
}

/** Digits of the largest integer that is taken for an id. */
const maxIdDigits = 128;

/** What is too large for a number is read from the text, or the answer would have another id. */
function idOf(id: Json, line: string): Sv1Id {
  if (typeof id === 'string') return id;
  if (typeof id !== 'number') return null;
  if (Number.isSafeInteger(id) || (Number.isFinite(id) && !Number.isInteger(id))) return id;
  for (const [, digits = ''] of line.matchAll(/"id"\s*:\s*(-?\d+)(?![\d.eE])/g)) {
    if (digits.length <= maxIdDigits && Number(digits) === id) return BigInt(digits);
  }
  return Number.isFinite(id) ? id : null;
}

const writeId = (id: Sv1Id): string => (typeof id === 'bigint' ? id.toString() : JSON.stringify(id));

/** Servers write errors as `[code, text, …]`, as objects, or as a text alone. */
function readError(error: Json): StratumError | null {
  if (error === null || error === false) return null;
  const [code, text] = Array.isArray(error)
    ? (error as readonly Json[])
    : isRecord(error)
      ? [own(error, 'code'), own(error, 'message')]
      : [20, error];
  return {
    code: typeof code === 'number' ? code : 20,
    text: typeof text === 'string' ? text : JSON.stringify(text ?? null),
  };
}

const malformed = (id: Sv1Id, method: string | null, error: Sv1Error): MalformedLine => ({
  type: 'malformed',
  id,
  method,
  error,
});

const notAMessage = (what: string): Sv1Error => new Sv1Error('not-a-message', `expected ${what}`);

// the same for all lines: to make an error takes longer than to read a short one
const notJson = new Sv1Error('not-json', 'expected JSON');
const notAnObject = notAMessage('a JSON object');
const noMethodName = notAMessage('a method as text');
const nothingInIt = notAMessage('a method, a result or an error');
