import { countLegacySigops } from '../../bitcoin/script.js';
import {
  serialiseTransaction,
  transactionWeight,
  txid,
  wtxid,
  type Transaction,
  type TxIn,
} from '../../bitcoin/transaction.js';
import { toDisplayHex } from '../../bitcoin/hash.js';
import type { TxOut } from '../../bitcoin/outputs.js';

/** Pseudo-random numbers that are the same for the same seed. Not for secrets. */
export interface Random {
  /** From 0 up to but not including 1. */
  next(): number;
  /** A whole number from 0 up to but not including `end`. */
  below(end: number): number;
  bytes(length: number): Uint8Array;
}

/**
 * A generator of pseudo-random numbers: mulberry32.
 * @param seed U32
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const nextU32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const next = (): number => nextU32() / 2 ** 32;
  return {
    next,
    below: (end) => Math.floor(next() * end),
    bytes(length) {
      const bytes = new Uint8Array(length);
      for (let index = 0, word = 0; index < length; index++, word >>>= 8) {
        if (index % 4 === 0) word = nextU32();
        bytes[index] = word;
      }
      return bytes;
    },
  };
}

/** A transaction that waits to be confirmed. */
export interface PendingTransaction {
  /** The txid in hex, as explorers show it. */
  readonly id: string;
  /** With witnesses. */
  readonly data: Uint8Array;
  readonly txid: Uint8Array;
  readonly wtxid: Uint8Array;
  /** In satoshis. */
  readonly fee: bigint;
  readonly sigops: number;
  readonly weight: number;
  /** Ids of the pending transactions whose outputs it spends. */
  readonly parents: readonly string[];
}

/** What an input is made of: sizes as they are on the main chain. Signatures are random bytes. */
interface InputKind {
  readonly share: number;
  readonly sigops: number;
  make(random: Random): Pick<TxIn, 'scriptSig' | 'witness'>;
}

const none = new Uint8Array(0);
const push = (bytes: Uint8Array): Uint8Array => Uint8Array.of(bytes.length, ...bytes);
const signature = (random: Random): Uint8Array => random.bytes(71 + random.below(2));
const publicKey = (random: Random): Uint8Array => Uint8Array.of(2, ...random.bytes(32));

/** A 2-of-3 multisig script (BIP 16, BIP 141). */
const multisigScript = (random: Random): Uint8Array =>
  Uint8Array.of(
    0x52,
    ...push(publicKey(random)),
    ...push(publicKey(random)),
    ...push(publicKey(random)),
    0x53,
    0xae,
  );

const inputKinds: readonly InputKind[] = [
  // P2WPKH
  {
    share: 55,
    sigops: 1,
    make: (random) => ({ scriptSig: none, witness: [signature(random), publicKey(random)] }),
  },
  // P2TR, spent with its key
  { share: 25, sigops: 0, make: (random) => ({ scriptSig: none, witness: [random.bytes(64)] }) },
  // P2PKH: no witness
  {
    share: 10,
    sigops: 0,
    make: (random) => ({
      scriptSig: Uint8Array.of(...push(signature(random)), ...push(publicKey(random))),
      witness: [],
    }),
  },
  // P2WSH, 2 of 3
  {
    share: 7,
    sigops: 3,
    make: (random) => ({
      scriptSig: none,
      witness: [none, signature(random), signature(random), multisigScript(random)],
    }),
  },
  // P2TR, spent with a script that carries data
  {
    share: 3,
    sigops: 0,
    make: (random) => ({
      scriptSig: none,
      witness: [random.bytes(64), random.bytes(200 + random.below(4_000)), random.bytes(33)],
    }),
  },
];

const outputKinds: readonly { readonly share: number; make(random: Random): Uint8Array }[] = [
  { share: 55, make: (random) => Uint8Array.of(0x00, 0x14, ...random.bytes(20)) }, // P2WPKH
  { share: 25, make: (random) => Uint8Array.of(0x51, 0x20, ...random.bytes(32)) }, // P2TR
  { share: 12, make: (random) => Uint8Array.of(0x76, 0xa9, 0x14, ...random.bytes(20), 0x88, 0xac) }, // P2PKH
  { share: 8, make: (random) => Uint8Array.of(0xa9, 0x14, ...random.bytes(20), 0x87) }, // P2SH
];

const choose = <K extends { readonly share: number }>(kinds: readonly K[], random: Random): K => {
  let rest = random.below(100);
  return kinds.find(({ share }) => (rest -= share) < 0) ?? (kinds[0] as K);
};

/**
 * Makes a transaction with inputs, outputs, witnesses and a fee of the kinds and sizes found on the main chain. Its
 * signatures and scripts are random bytes: it would not pass for real anywhere else.
 * @param random what decides
 * @param parent a pending transaction, one of whose outputs it spends; all other outputs it spends are made up
 */
export function randomTransaction(random: Random, parent?: PendingTransaction): PendingTransaction {
  const kinds = Array.from({ length: 1 + Math.floor(random.next() ** 3 * 6) }, () =>
    choose(inputKinds, random),
  );
  const inputs = kinds.map((kind, index): TxIn => {
    const isChild = index === 0 && parent !== undefined;
    return {
      previousTxid: isChild ? parent.txid : random.bytes(32),
      previousIndex: isChild ? 0 : random.below(2), // it may have no second output
      sequence: 0xffff_fffd,
      ...kind.make(random),
    };
  });
  const outputs = Array.from({ length: 1 + Math.floor(random.next() ** 3 * 8) }, (): TxOut => ({
    value: 546n + BigInt(random.below(100_000_000)),
    scriptPubKey: choose(outputKinds, random).make(random),
  }));
  const transaction: Transaction = { version: 2, inputs, outputs, locktime: 0 };
  const weight = transactionWeight(transaction);
  // most pay little more than the minimum, some pay much; a child pays for its parent
  const feeRate = 1 - Math.log(1 - random.next()) * (parent === undefined ? 8 : 20);
  const legacySigops = [...outputs.map(({ scriptPubKey }) => scriptPubKey)].reduce(
    (sum, script) => sum + countLegacySigops(script),
    0,
  );
  const id = txid(transaction);
  return {
    id: toDisplayHex(id),
    data: serialiseTransaction(transaction),
    txid: id,
    wtxid: wtxid(transaction),
    fee: BigInt(Math.ceil((feeRate * weight) / 4)),
    sigops: 4 * legacySigops + kinds.reduce((sum, { sigops }) => sum + sigops, 0),
    weight,
    parents: parent === undefined ? [] : [parent.id],
  };
}
