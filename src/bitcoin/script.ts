import { Sv2Error } from '../codec/errors.js';
import { sameBytes } from './consensus-bytes.js';
import { serialiseOutput } from './outputs.js';
import type { TxOut } from './outputs.js';

const OP_0 = 0x00;
const OP_PUSHDATA1 = 0x4c;
const OP_PUSHDATA4 = 0x4e;
const OP_1NEGATE = 0x4f;
const OP_1 = 0x51;
const OP_CHECKSIG = 0xac;
const OP_CHECKSIGVERIFY = 0xad;
const OP_CHECKMULTISIG = 0xae;
const OP_CHECKMULTISIGVERIFY = 0xaf;

/**
 * The block height as a coinbase's scriptSig must begin with it (BIP 34): a push of the minimal script number,
 * OP_0 and OP_1 … OP_16 for the heights that have an opcode.
 *
 * @param height 0 … 2^31 − 1
 * @returns 1 to 5 bytes
 * @throws Sv2Error `out-of-range`
 */
export const encodeBip34Height = (height: number): Uint8Array => {
  if (!Number.isInteger(height) || height < 0 || height > 0x7fffffff) {
    throw new Sv2Error(
      'out-of-range',
      `a block height must be a whole number from 0 to 2^31 − 1, got ${height}`,
      { height },
    );
  }
  if (height === 0) return Uint8Array.of(OP_0);
  if (height <= 16) return Uint8Array.of(OP_1 - 1 + height);
  const digits: number[] = [];
  for (let rest = height; rest > 0; rest >>>= 8) digits.push(rest & 0xff);
  if ((digits.at(-1) ?? 0) & 0x80) digits.push(0); // the top bit is the sign
  return Uint8Array.of(digits.length, ...digits);
};

/**
 * The block height at the beginning of a coinbase's scriptSig (BIP 34).
 *
 * @returns the height, or null when the script doesn't begin with one in its only valid encoding
 */
export const decodeBip34Height = (scriptSig: Uint8Array): number | null => {
  const [opcode] = scriptSig;
  if (opcode === undefined) return null;
  if (opcode === OP_0) return 0;
  if (opcode >= OP_1 && opcode < OP_1 + 16) return opcode - OP_1 + 1;
  if (opcode > 4 || scriptSig.length < 1 + opcode) return null;
  let height = 0;
  for (let index = opcode; index > 0; index--) height = height * 256 + (scriptSig[index] ?? 0);
  if (height > 0x7fffffff) return null;
  return sameBytes(encodeBip34Height(height), scriptSig.subarray(0, 1 + opcode)) ? height : null;
};

/**
 * Counts a script's signature operations the way consensus does for output scripts: CHECKSIG as 1, CHECKMULTISIG
 * as 20, up to a push that runs past the end.
 */
export const countLegacySigops = (script: Uint8Array): number => {
  let sigops = 0;
  let offset = 0;
  while (offset < script.length) {
    const opcode = script[offset++] ?? 0;
    if (opcode === OP_CHECKSIG || opcode === OP_CHECKSIGVERIFY) sigops += 1;
    else if (opcode === OP_CHECKMULTISIG || opcode === OP_CHECKMULTISIGVERIFY) sigops += 20;
    else if (opcode < OP_PUSHDATA1) offset += opcode;
    else if (opcode <= OP_PUSHDATA4) {
      const lengthSize = 1 << (opcode - OP_PUSHDATA1);
      if (offset + lengthSize > script.length) return sigops;
      let length = 0;
      for (let index = lengthSize - 1; index >= 0; index--)
        length = length * 256 + (script[offset + index] ?? 0);
      offset += lengthSize + length;
    }
  }
  return sigops;
};

/**
 * Whether a script is satisfied by nothing at all, for it only pushes a number that is true: OP_TRUE, OP_2 … OP_16,
 * OP_1NEGATE. Blocks of a signet with such a challenge need no signature (BIP 325).
 */
export const isTrivialScript = (script: Uint8Array): boolean => {
  const [opcode = 0] = script;
  return script.length === 1 && (opcode === OP_1NEGATE || (opcode >= OP_1 && opcode < OP_1 + 16));
};

/** The fields of CoinbaseOutputConstraints (spec §7.1). */
export interface OutputConstraints {
  readonly coinbaseOutputMaxAdditionalSize: number;
  readonly coinbaseOutputMaxAdditionalSigops: number;
}

/**
 * What outputs added to a coinbase cost: their serialised size in bytes, and their signature operations, each
 * counted four times as a legacy one is (BIP 141), at most 65,535.
 *
 * @param outputs all that will be added; values don't matter
 */
export const coinbaseOutputConstraints = (outputs: readonly TxOut[]): OutputConstraints => ({
  coinbaseOutputMaxAdditionalSize: outputs.reduce((size, output) => size + serialiseOutput(output).length, 0),
  coinbaseOutputMaxAdditionalSigops: Math.min(
    outputs.reduce((sigops, { scriptPubKey }) => sigops + 4 * countLegacySigops(scriptPubKey), 0),
    0xffff,
  ),
});
