import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { lineAssembler, Sv1Error } from '../../src/sv1/index.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** All lines that a chunk completes. */
function linesOf(assembler: ReturnType<typeof lineAssembler>, chunk: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < chunk.length;) {
    const { line, end } = assembler.take(chunk, at);
    if (line !== undefined) lines.push(line);
    at = end;
  }
  return lines;
}

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
  } catch (error) {
    if (error instanceof Sv1Error) return error.code;
    throw error;
  }
  return undefined;
};

describe('a line assembler', () => {
  it('gives the same lines however the bytes are cut', () => {
    const line = fc
      .string({ unit: 'grapheme', maxLength: 40 })
      .map((text) => [...text].filter((character) => character >= ' ').join(''));
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        (lines, cuts, isWindows) => {
          const all = bytes(lines.map((text) => text + (isWindows ? '\r\n' : '\n')).join(''));
          const assembler = lineAssembler(1_000);
          const got: string[] = [];
          for (let at = 0, index = 0; at < all.length; index++) {
            const length = cuts[index % cuts.length] as number;
            got.push(...linesOf(assembler, all.slice(at, at + length)));
            at += length;
          }
          expect(got).toEqual(lines);
          expect(assembler.pending).toBe(0);
        },
      ),
      { seed: 1, numRuns: 200 },
    );
  });

  it('has what came behind the last line end, as a peer may close without one', () => {
    const assembler = lineAssembler(100);
    expect(linesOf(assembler, bytes('{"a":1}\n{"b":'))).toEqual(['{"a":1}']);
    linesOf(assembler, bytes('2}'));
    expect(assembler.rest()).toBe('{"b":2}');
    expect(assembler.rest()).toBe('');
  });

  it('takes a line of the greatest length, with either end, in one piece or byte by byte', () => {
    for (const end of ['\n', '\r\n']) {
      expect(linesOf(lineAssembler(5), bytes(`12345${end}`))).toEqual(['12345']);
      const assembler = lineAssembler(5);
      expect([...bytes(`12345${end}`)].flatMap((byte) => linesOf(assembler, Uint8Array.of(byte)))).toEqual([
        '12345',
      ]);
    }
  });

  it.each([
    ['in one piece', (a: ReturnType<typeof lineAssembler>) => linesOf(a, bytes('123456\n'))],
    [
      'byte by byte, before its end has come',
      (a: ReturnType<typeof lineAssembler>) =>
        [...bytes('1234567')].map((byte) => linesOf(a, Uint8Array.of(byte))),
    ],
  ])('refuses a line that is one byte longer, %s', (_, feed) => {
    expect(codeOf(() => feed(lineAssembler(5)))).toBe('line-too-long');
  });

  it('holds no more than may be, whatever comes without a line end', () => {
    const assembler = lineAssembler(16_384);
    const chunk = new Uint8Array(1_000).fill(0x61);
    expect(codeOf(() => Array.from({ length: 1_000 }, () => assembler.take(chunk, 0)))).toBe('line-too-long');
    expect(assembler.pending).toBeLessThanOrEqual(16_385);
  });

  it.each([
    ['a TLS hello', Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00)],
    ['a plaintext SetupConnection of Stratum V2', Uint8Array.of(0, 0, 0, 30, 0, 0, 0, 2, 0)],
    ['a zero in the middle of a line', bytes('{"id":\0}\n')],
  ])('notices %s by its first bytes', (_, received) => {
    expect(codeOf(() => linesOf(lineAssembler(100), received))).toBe('not-text');
  });

  it('reads on after bytes that are not UTF-8', () => {
    const received = Uint8Array.of(0x22, 0xff, 0x22, 0x0a, 0x31, 0x0a);
    expect(linesOf(lineAssembler(100), received)).toEqual(['"\ufffd"', '1']);
  });
});
