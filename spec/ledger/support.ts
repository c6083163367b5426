/** Records, scripts and arbitraries for the ledger's specs. */
import fc from 'fast-check';
import { p2pkh, p2sh, p2tr, p2wpkh } from '@scure/btc-signer';
import { Address, NETWORK, OutScript, TEST_NETWORK } from '@scure/btc-signer';
import { bytesToHex, hexToBytes } from '../../src/codec/hex.js';
import { parseFraction, targetFromDifficulty, type PayoutMode, type ShareRecord } from '../../src/index.js';

/** The seed of all properties here; printed with every failure by fast-check. */
export const seeded = { seed: 20_261_126, numRuns: 200 };

const generator = hexToBytes('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798');

/** Output scripts of the types that people are paid with, another for each number. */
export const scriptOf = (number: number): Uint8Array => {
  const program = new Uint8Array(20).fill(number % 251);
  program[0] = number & 0xff;
  program[1] = number >> 8;
  switch (number % 4) {
    case 0:
      return OutScript.encode({ type: 'wpkh', hash: program });
    case 1:
      return OutScript.encode({ type: 'pkh', hash: program });
    case 2:
      return OutScript.encode({ type: 'sh', hash: program });
    default:
      return Uint8Array.of(0x51, 32, ...program, ...new Uint8Array(12));
  }
};

/** Addresses of mainnet of one key, of all types. */
export const addresses = [
  p2pkh(generator),
  p2wpkh(generator),
  p2tr(generator.slice(1)),
  p2sh(p2wpkh(generator)),
].map(({ script }) => Address(NETWORK).encode(OutScript.decode(script)));

/** An address of regtest, another for each number. */
export const addressOf = (number: number): string => {
  const hash = new Uint8Array(20).fill(7);
  hash[0] = number & 0xff;
  hash[1] = number >> 8;
  return Address({ ...TEST_NETWORK, bech32: 'bcrt' }).encode({ type: 'wpkh', hash });
};

let shares = 0;

/** A share of a user; its hash meets its target unless told. */
export const shareOf = (
  user: string,
  { difficulty = 1, hash, ...others }: Partial<ShareRecord> & { readonly difficulty?: number } = {},
): ShareRecord => {
  shares += 1;
  const own = new Uint8Array(32);
  new DataView(own.buffer).setUint32(0, shares, true);
  return {
    type: 'share',
    time: 1_764_000_000_000,
    serverId: 1,
    clientId: 2,
    channelId: 3,
    sequenceNumber: shares,
    jobId: 4,
    user,
    worker: '',
    vendor: 'bitaxe',
    height: 900_000,
    nbits: 0x1d00ffff,
    target: targetFromDifficulty(difficulty),
    hash: hash ?? own.fill(1, 20, 24),
    version: 0x20000000,
    ntime: 1_764_000_000,
    nonce: 5,
    extranonce: Uint8Array.of(1, 2, 3),
    ...others,
  };
};

/** Weights by the script of a number. */
export const weightsOf = (weights: readonly bigint[]): Map<string, bigint> =>
  new Map(weights.map((weight, index) => [bytesToHex(scriptOf(index)), weight]));

/** Weights as they come: none, one, many; tiny and beyond 128 bits. */
export const anyWeights = fc.array(
  fc.oneof(fc.bigInt(0n, 3n), fc.bigInt(0n, 10n ** 6n), fc.bigInt(0n, 1n << 140n)),
  { maxLength: 40 },
);

/** The value of a block: usually of today, sometimes hardly anything. */
export const anyValue = fc.oneof(fc.bigInt(0n, 20_000n), fc.bigInt(0n, 21_000_000n * 10n ** 8n));

/** Balances that sum to 0, by script. */
export const anyBalances = fc.array(fc.bigInt(-50_000n, 50_000n), { maxLength: 12 }).map((amounts) => {
  const all = weightsOf(amounts);
  const sum = amounts.reduce((total, amount) => total + amount, 0n);
  const reserve = bytesToHex(scriptOf(1_000));
  all.set(reserve, (all.get(reserve) ?? 0n) - sum);
  return all;
});

/** How a pool of specs pays: its own script takes what is left and 1 %, and nobody waits for more than 5,000 satoshis. */
export const planOf = (mode: PayoutMode) => ({
  mode,
  windowMultiple: parseFraction('4'),
  rules: {
    reserve: scriptOf(1_000),
    fee: { basisPoints: 100, scriptPubKey: scriptOf(1_000) },
    minimumPayout: 5_000n,
    limits: { weight: 26_000, sigops: 800, count: 200 },
  },
  networks: ['regtest' as const],
});
