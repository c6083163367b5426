import { readFileSync } from 'node:fs';
import { Sv2Error } from '../../src/codec/errors.js';

/** Hex to bytes; the digits may hold white space. */
export const bytes = (digits: string): Uint8Array =>
  Uint8Array.from(digits.replace(/\s/g, '').match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** Bytes to lower-case hex. */
export const hex = (data: Uint8Array): string =>
  Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The code of the Sv2Error that `run` throws, or null when it throws nothing. Anything else is thrown on. */
export const codeOf = (run: () => unknown): string | null => {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof Sv2Error) return error.code;
    throw error;
  }
};

/** A file of spec/vectors/blocks; its README names the sources. */
export const blockFile = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../vectors/blocks/${name}`, import.meta.url)));

/** The parts of SegWit block 540,107 that are kept. */
export interface SegwitBlockParts {
  readonly height: number;
  readonly hash: string;
  readonly header: string;
  readonly coinbase: string;
  readonly transactions: readonly {
    readonly txid: string;
    readonly wtxid: string;
    readonly weight: number;
    readonly hex?: string;
  }[];
}

/** SegWit block 540,107. */
export const segwitBlock = JSON.parse(
  new TextDecoder().decode(blockFile('main-540107.json')),
) as SegwitBlockParts;
