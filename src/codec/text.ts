import { CodecError } from './codec-error.js';

const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf8Encoder = new TextEncoder();

/*
 * The specification allows any bytes in a STR0_255 ("unconstrained sequence of bytes"), JavaScript strings do
 * not. A byte that is not part of valid UTF-8 becomes the lone surrogate U+DC00 + byte (as in Python's
 * PEP 383), which valid UTF-8 can never produce, and is turned back into that byte on encoding.
 */
const escapeBase = 0xdc00;

/**
 * Decodes UTF-8; bytes that are not UTF-8 come out as lone surrogates U+DC80 to U+DCFF.
 * @param bytes any bytes
 */
export function decodeText(bytes: Uint8Array): string {
  let ascii = '';
  for (const byte of bytes) {
    if (byte >= 0x80) return decodeNonAscii(bytes);
    ascii += String.fromCharCode(byte);
  }
  return ascii;
}

function decodeNonAscii(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes);
  } catch {
    let text = '';
    for (let offset = 0; offset < bytes.length;) {
      const length = validSequenceLength(bytes, offset);
      if (length === 0) {
        text += String.fromCharCode(escapeBase + (bytes[offset] as number));
        offset += 1;
      } else {
        text += utf8Decoder.decode(bytes.subarray(offset, offset + length));
        offset += length;
      }
    }
    return text;
  }
}

/** Length of the valid UTF-8 sequence at `offset` (1 to 4), or 0 if there is none. */
function validSequenceLength(bytes: Uint8Array, offset: number): number {
  for (let length = 1; length <= 4 && offset + length <= bytes.length; length++) {
    try {
      utf8Decoder.decode(bytes.subarray(offset, offset + length));
      return length;
    } catch {
      // not complete yet, or not UTF-8 at all
    }
  }
  return 0;
}

const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/**
 * Encodes a string so that `encodeText(decodeText(bytes))` gives back `bytes`.
 * @throws CodecError `value-out-of-range` for lone surrogates that `decodeText` cannot produce
 */
export function encodeText(text: string): Uint8Array {
  if (!loneSurrogate.test(text)) return utf8Encoder.encode(text);
  const parts: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    if (code >= 0xd800 && code <= 0xdfff) {
      if (code < escapeBase + 0x80 || code > escapeBase + 0xff) {
        throw new CodecError(
          'value-out-of-range',
          `lone surrogate U+${code.toString(16).toUpperCase()} has no encoding; expected UTF-8 text or U+DC80 to U+DCFF`,
        );
      }
      parts.push(code - escapeBase);
    } else {
      parts.push(...utf8Encoder.encode(character));
    }
  }
  return Uint8Array.from(parts);
}
