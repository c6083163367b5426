/** The coinbase of a declared job: put together from its two parts with every length looked at first. */
import { counted } from '../codec/counted.js';
import {
  MAX_COINBASE_SCRIPT_SIG_SIZE,
  MIN_COINBASE_SCRIPT_SIG_SIZE,
  assembleCoinbase,
  stripCoinbaseWitness,
  type CoinbaseParts,
} from '../bitcoin/coinbase.js';
import { createConsensusReader } from '../bitcoin/consensus-bytes.js';
import { parseTransaction, type Transaction } from '../bitcoin/transaction.js';
import { Refusal, refusing } from './refusal.js';

/** The longest extranonce that PushSolution can carry (B0_32, spec §6.4.9). */
const MAX_EXTRANONCE_SIZE = 32;

/** A coinbase without its extranonce. */
export interface DeclaredCoinbase {
  /** As it was declared, with BIP 141 fields if it has any; a copy. */
  readonly parts: CoinbaseParts;
  /** Without BIP 141 fields. */
  readonly stripped: CoinbaseParts;
  /** Bytes of extranonce that belong between the parts: what is left of its scriptSig, 0 to 32. */
  readonly extranonceSize: number;
  /** Everything in the scriptSig before the extranonce. */
  readonly scriptSigPrefix: Uint8Array;
  /** The whole transaction, with zeros for an extranonce. */
  readonly transaction: Transaction;
}

/**
 * Reads the coinbase of a DeclareMiningJob (spec §6.4.4). The extranonce is what its scriptSig has no bytes for in the
 * prefix: the suffix begins with the input's sequence, as in the reference implementation.
 *
 * @param declared DeclareMiningJob, or its two parts: any bytes at all
 * @throws Refusal `invalid-coinbase-tx-input` for inputs that are not those of a coinbase, `invalid-coinbase-tx`
 */
export const readDeclaredCoinbase = (declared: CoinbaseParts): DeclaredCoinbase => {
  // copies: the message is a view of a frame with all the transaction ids
  const parts = {
    coinbaseTxPrefix: declared.coinbaseTxPrefix.slice(),
    coinbaseTxSuffix: declared.coinbaseTxSuffix.slice(),
  };
  const { scriptSigPrefix, extranonceSize } = refusing('invalid-coinbase-tx', 'coinbase_tx_prefix', () =>
    readPrefix(parts.coinbaseTxPrefix),
  );
  const transaction = refusing('invalid-coinbase-tx', 'prefix, extranonce and suffix', () =>
    parseTransaction(assembleCoinbase(parts, new Uint8Array(extranonceSize))),
  );
  const stripped = refusing('invalid-coinbase-tx', 'the coinbase', () => stripCoinbaseWitness(parts));
  return { parts, stripped, extranonceSize, scriptSigPrefix, transaction };
};

const readPrefix = (prefix: Uint8Array): Pick<DeclaredCoinbase, 'scriptSigPrefix' | 'extranonceSize'> => {
  const reader = createConsensusReader(prefix, 'the coinbase');
  reader.u32('version');
  // an input is longer, but its sequence is in the suffix
  const shortestInput = 37;
  let inputs = reader.count(shortestInput, 'inputs');
  if (inputs === 0 && reader.u8('flag') === 1) inputs = reader.count(shortestInput, 'inputs');
  if (inputs !== 1) throw new Refusal('invalid-coinbase-tx-input', `expected 1 input, got ${inputs}`);
  const previousTxid = reader.bytes(32, 'input txid');
  const previousIndex = reader.u32('input index');
  if (previousTxid.some(Boolean) || previousIndex !== 0xffff_ffff) {
    throw new Refusal(
      'invalid-coinbase-tx-input',
      `expected the input to spend output ${0xffff_ffff} of txid zero, got output ${previousIndex} of another`,
    );
  }
  const scriptSigSize = reader.count(0, 'scriptSig bytes');
  if (scriptSigSize < MIN_COINBASE_SCRIPT_SIG_SIZE || scriptSigSize > MAX_COINBASE_SCRIPT_SIG_SIZE) {
    throw new Refusal(
      'invalid-coinbase-tx',
      `expected a scriptSig of ${MIN_COINBASE_SCRIPT_SIG_SIZE} to ${MAX_COINBASE_SCRIPT_SIG_SIZE} bytes, got ${scriptSigSize}`,
    );
  }
  const scriptSigPrefix = prefix.subarray(reader.offset());
  const extranonceSize = scriptSigSize - scriptSigPrefix.length;
  if (extranonceSize < 0 || extranonceSize > MAX_EXTRANONCE_SIZE) {
    throw new Refusal(
      'invalid-coinbase-tx',
      `expected a prefix that leaves 0 to ${MAX_EXTRANONCE_SIZE} bytes of the scriptSig to the extranonce: ` +
        `the scriptSig has ${counted(scriptSigSize, 'byte')}, and ${scriptSigPrefix.length} of them came`,
    );
  }
  return { scriptSigPrefix, extranonceSize };
};
