import { CodecError } from './codec-error.js';

/*
 * The specification allows any bytes in a STR0_255 ("unconstrained sequence of bytes"), JavaScript strings do
 * not. A byte that is not part of valid UTF-8 becomes the lone surrogate U+DC00 + byte (as in Python's
 * PEP 383), which valid UTF-8 can never produce, and is turned back into that byte on encoding.
 *
 * Peers choose the bytes, so both directions are one pass without exceptions: a TextDecoder that refuses bytes
 * by throwing took 560 times as long for them as for ASCII.
 */
const escapeBase = 0xdc00;

/** Where UTF-16 code units wait to become a flat string; text put together piece by piece keeps every piece alive. */
const units = new Uint16Array(256);

/**
 * Decodes UTF-8; bytes that are not UTF-8 come out as lone surrogates U+DC80 to U+DCFF.
 * @param bytes any bytes
 */
export function decodeText(bytes: Uint8Array): string {
  let text = '';
  let filled = 0;
  for (let offset = 0; offset < bytes.length;) {
    if (filled > units.length - 2) {
      text += fromUnits(filled);
      filled = 0;
    }
    const first = bytes[offset] as number;
    const length = sequenceLength(bytes, offset);
    if (length <= 1) {
      units[filled++] = length === 1 ? first : escapeBase + first;
      offset += 1;
      continue;
    }
    let codePoint = first & (0x7f >> length);
    for (const end = offset++ + length; offset < end; offset++) {
      codePoint = (codePoint << 6) | ((bytes[offset] as number) & 0x3f);
    }
    if (codePoint > 0xffff) {
      units[filled++] = 0xd7c0 + (codePoint >> 10); // 0xd800 less 0x10000 >> 10
      units[filled++] = 0xdc00 | (codePoint & 0x3ff);
    } else units[filled++] = codePoint;
  }
  return text + fromUnits(filled);
}

/** The string of the first `length` waiting units. */
const fromUnits = (length: number): string =>
  String.fromCharCode.apply(null, units.subarray(0, length) as unknown as number[]);

/** Length of the valid UTF-8 sequence at `offset` (1 to 4), or 0 if there is none (RFC 3629 §4). */
function sequenceLength(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset] as number;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (offset + length > bytes.length) return 0;
  // overlong forms, surrogates and what lies above U+10FFFF are ruled out by the second byte
  const second = bytes[offset + 1] as number;
  const min = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const max = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < min || second > max) return 0;
  for (let at = offset + 2; at < offset + length; at++) {
    if (((bytes[at] as number) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

/**
 * Encodes a string as UTF-8 so that `encodeText(decodeText(bytes))` gives back `bytes`.
 * @throws CodecError `value-out-of-range` for lone surrogates that `decodeText` cannot produce
 */
export function encodeText(text: string): Uint8Array {
  const bytes = new Uint8Array(3 * text.length); // a UTF-16 code unit takes three bytes at most
  let length = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.codePointAt(index) as number;
    if (code < 0x80) bytes[length++] = code;
    else if (code < 0x800) {
      bytes[length++] = 0xc0 | (code >> 6);
      bytes[length++] = 0x80 | (code & 0x3f);
    } else if (code >= 0xd800 && code <= 0xdfff) bytes[length++] = escapedByte(code);
    else {
      if (code > 0xffff) {
        index += 1; // two code units
        bytes[length++] = 0xf0 | (code >> 18);
        bytes[length++] = 0x80 | ((code >> 12) & 0x3f);
      } else bytes[length++] = 0xe0 | (code >> 12);
      bytes[length++] = 0x80 | ((code >> 6) & 0x3f);
      bytes[length++] = 0x80 | (code & 0x3f);
    }
  }
  return bytes.slice(0, length);
}

/** The byte that a lone surrogate stands for. */
function escapedByte(surrogate: number): number {
  const byte = surrogate - escapeBase;
  if (byte >= 0x80 && byte <= 0xff) return byte;
  throw new CodecError(
    'value-out-of-range',
    `lone surrogate U+${surrogate.toString(16).toUpperCase()} has no encoding; expected UTF-8 text or U+DC80 to U+DCFF`,
  );
}
