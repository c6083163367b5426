/** JSON from strangers: bounded in depth, with ids of any size. */
import { Sv1Error } from './errors.js';

/** A value that JSON has. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** How deeply arrays and objects may be nested; what Stratum V1 has needs four. */
export const maxJsonDepth = 16;

/**
 * Reads JSON. Objects have what the text says as properties of their own, `__proto__` too, which changes nothing else.
 * @throws Sv1Error `not-json` for text that is not JSON or is nested more than `maxJsonDepth` deep
 */
export function parseJson(text: string): Json {
  requireShallow(text);
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new Sv1Error('not-json', 'expected JSON');
  }
}

/** Whether a value is an object, neither array nor null. */
export const isRecord = (value: Json | undefined): value is { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A property of an object's own; undefined if there is none. */
export const own = (record: { readonly [name: string]: Json }, name: string): Json | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/** @throws Sv1Error `not-json` */
function requireShallow(text: string): void {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text.charCodeAt(index);
    if (inString) {
      if (character === backslash) index++;
      else if (character === quote) inString = false;
    } else if (character === quote) inString = true;
    else if (character === openBrace || character === openBracket) {
      depth++;
      if (depth > maxJsonDepth)
        throw new Sv1Error('not-json', `expected JSON that is nested ${maxJsonDepth} deep at most`);
    } else if (character === closeBrace || character === closeBracket) depth--;
  }
}

const [quote, backslash] = [0x22, 0x5c];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];
