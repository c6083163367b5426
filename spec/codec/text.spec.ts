import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CodecError, decodeText, encodeText } from '../../src/codec/index.js';

describe('text', () => {
  it('brings back any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 255 }), (bytes) => {
        expect(encodeText(decodeText(bytes))).toEqual(bytes);
      }),
      { seed: 42, numRuns: 500 },
    );
  });

  it('brings back bytes that mix valid and invalid sequences', () => {
    const pieces = [[0x41], [0xc3, 0xbc], [0xe2, 0x82, 0xac], [0xf0, 0x9f, 0x98, 0x80], [0xf0, 0x9f], [0x80]];
    const more = [[0xed, 0xa0, 0x80], [0xed, 0xb2, 0x80], [0xc0, 0xaf], [0xff], [0xef, 0xbb, 0xbf], [0]];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces, ...more), { maxLength: 20 }), (parts) => {
        const bytes = Uint8Array.from(parts.flat());
        expect(encodeText(decodeText(bytes))).toEqual(bytes);
        const throughJson = JSON.parse(JSON.stringify(decodeText(bytes))) as string;
        expect(encodeText(throughJson)).toEqual(bytes);
      }),
      { seed: 42, numRuns: 500 },
    );
  });

  it('reads valid UTF-8 as itself, byte order mark included', () => {
    expect(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0xc3, 0xbc))).toBe('\uFEFFü');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeText(encodeText(text))).toBe(text);
      }),
      { seed: 42 },
    );
  });

  it('shows a byte that is not UTF-8 as a lone surrogate beside what is', () => {
    expect(decodeText(Uint8Array.of(0x61, 0xff, 0xc3, 0xbc, 0xc3))).toBe('a\uDCFFü\uDCC3');
  });

  it('refuses lone surrogates that stand for no byte', () => {
    for (const text of ['\uD800', 'a\uDC00', '\uDC7F', '\uDD00', 'x\uDBFF']) {
      expect(() => encodeText(text)).toThrow(CodecError);
    }
  });

  it('takes for UTF-8 exactly what RFC 3629 does', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const isUtf8 = (bytes: Uint8Array): boolean => {
      try {
        decoder.decode(bytes);
        return true;
      } catch {
        return false;
      }
    };
    // where the rules for second and further bytes change
    const edges = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff];
    for (let first = 0; first <= 0xff; first++) {
      for (const second of edges) {
        for (const rest of [[], [0x80], [0xbf, 0x80], [0x80, 0xc0], [0x41, 0x80]]) {
          const bytes = Uint8Array.of(first, second, ...rest);
          const text = decodeText(bytes);
          expect(encodeText(text)).toEqual(bytes);
          if (isUtf8(bytes)) expect(text).toBe(decoder.decode(bytes));
          else expect(text).toMatch(/[\uDC80-\uDCFF]/);
        }
      }
    }
  });

  it('reads and writes text of any length', () => {
    const pieces = ['a', '\u00fc', '\u20ac', '\u{1f600}', '\uDCFF'];
    for (const piece of pieces) {
      for (const count of [0, 1, 84, 85, 127, 128, 254, 255, 256, 257, 1000]) {
        const text = `x${piece.repeat(count)}`;
        expect(decodeText(encodeText(text))).toBe(text);
      }
    }
  });
});
