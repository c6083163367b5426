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
