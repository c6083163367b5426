/** Cuts a stream of bytes into lines. */
import { Sv1Error } from './errors.js';

/** What bytes led to. */
export interface TakenLine {
  /** Without its end; undefined if the chunk ended first. */
  readonly line: string | undefined;
  /** Offset in the chunk behind what was taken. */
  readonly end: number;
}

/** Puts lines together, however their bytes were cut. */
export interface LineAssembler {
  /**
   * Takes bytes of a chunk up to the end of the first line they complete.
   * @param start offset of the first byte that was not taken yet
   * @throws Sv1Error `line-too-long`, as soon as so much of a line is here; `not-text` for a control character, which
   * text in JSON has none of: whoever speaks TLS or Stratum V2 is noticed by its first bytes
   */
  take(chunk: Uint8Array, start: number): TakenLine;
  /** What came behind the last line end: some peers close without one. Empty if nothing did. */
  rest(): string;
  /** Bytes held for a line that is not complete. */
  readonly pending: number;
}

/**
 * Bytes of the longest line that a miner may send. The longest that are known have some hundreds, and ckpool takes no more
 * than 1,024 (connector.c, MAX_MSGSIZE). Whoever opens lines and does not end them takes that much of memory each.
 */
export const maxLineFromClient = 4_096;

/** Bytes of the longest line that a server may send: a job with a coinbase of 128 KiB, in hex, and a merkle branch. */
export const maxLineFromServer = 524_288;

const newline = 0x0a;
const firstAllocation = 256;

/**
 * An assembler of lines that end with `\n` or `\r\n`. It holds at most twice of what the peer has sent (or 256
 * bytes), and never more than `maxLength`. Bytes that are not UTF-8 come out as U+FFFD.
 * @param maxLength bytes of the longest line, its end not counted
 */
export function lineAssembler(maxLength: number): LineAssembler {
  const decoder = new TextDecoder();
  let held = new Uint8Array(0);
  let filled = 0;

  const hold = (piece: Uint8Array) => {
    if (filled + piece.length > held.length) {
      const larger = new Uint8Array(
        Math.min(maxLength + 1, Math.max(firstAllocation, 2 * (filled + piece.length))),
      );
      larger.set(held.subarray(0, filled));
      held = larger;
    }
    held.set(piece, filled);
    filled += piece.length;
  };

  const release = (): string => {
    const line = decoder.decode(withoutReturn(held.subarray(0, filled)));
    held = new Uint8Array(0);
    filled = 0;
    return line;
  };

  return {
    take(chunk, start) {
      const at = chunk.indexOf(newline, start);
      const end = at < 0 ? chunk.length : at;
      // one more than the limit, for a return that belongs to the end of the line
      if (filled + end - start > maxLength + 1) throw tooLong(maxLength);
      const piece = chunk.subarray(start, end);
      requireText(piece);
      if (at < 0) {
        hold(piece);
        return { line: undefined, end: chunk.length };
      }
      if (filled === 0) return { line: checked(decoder.decode(withoutReturn(piece)), piece), end: at + 1 };
      hold(piece);
      const bytes = held.subarray(0, filled);
      return { line: checked(release(), bytes), end: at + 1 };
    },
    rest: release,
    get pending() {
      return filled;
    },
  };

  function checked(line: string, bytes: Uint8Array): string {
    if (withoutReturn(bytes).length > maxLength) throw tooLong(maxLength);
    return line;
  }
}

const carriageReturn = 0x0d;

const withoutReturn = (line: Uint8Array): Uint8Array =>
  line.at(-1) === carriageReturn ? line.subarray(0, -1) : line;

/** @throws Sv1Error `not-text` */
function requireText(bytes: Uint8Array): void {
  for (const byte of bytes) {
    if (byte >= 0x20 || byte === carriageReturn || byte === 0x09) continue;
    throw new Sv1Error(
      'not-text',
      `expected lines of JSON, got the byte 0x${byte.toString(16).padStart(2, '0')}`,
      {
        byte,
      },
    );
  }
}

const tooLong = (maxLength: number): Sv1Error =>
  new Sv1Error('line-too-long', `a line has more than ${maxLength} bytes`, { maxLength });
