import { Sv2Error } from '../codec/errors.js';
import { concatBytes, u32Bytes } from './consensus-bytes.js';
import { encodeCompactSize } from './compact-size.js';
import { parseOutputs, parseTemplateOutputs, serialiseTemplateOutputs } from './outputs.js';
import type { TxOut } from './outputs.js';

/** The longest coinbase scriptSig that consensus allows. */
export const MAX_COINBASE_SCRIPT_SIG_SIZE = 100;
/** The shortest coinbase scriptSig that consensus allows. */
export const MIN_COINBASE_SCRIPT_SIG_SIZE = 2;

/** The fields of `NewTemplate` (spec §7.2) that make a coinbase; a NewTemplate message is one. */
export interface CoinbaseTemplate {
  readonly coinbaseTxVersion: number;
  readonly coinbasePrefix: Uint8Array;
  readonly coinbaseTxInputSequence: number;
  readonly coinbaseTxValueRemaining: bigint;
  readonly coinbaseTxOutputsCount: number;
  readonly coinbaseTxOutputs: Uint8Array;
  readonly coinbaseTxLocktime: number;
}

/** The fields of `SetCustomMiningJob` (spec §5.3.18) that make a coinbase; a SetCustomMiningJob message is one. */
export interface CustomCoinbase {
  readonly coinbaseTxVersion: number;
  /** Everything in the scriptSig before the extranonce, the opcode that pushes the extranonce included. */
  readonly coinbasePrefix: Uint8Array;
  readonly coinbaseTxInputNSequence: number;
  /** Outputs behind their count as CompactSize. */
  readonly coinbaseTxOutputs: Uint8Array;
  readonly coinbaseTxLocktime: number;
}

/** What a pool adds to a template's coinbase. */
export interface CoinbaseAdditions {
  /** 1 byte or more, put into the scriptSig as one push with the mark, 75 bytes at most; see {@link coinbaseTag}. */
  readonly tag: Uint8Array;
  /** Bytes behind the tag that make the coinbase another than all others; none unless given. */
  readonly mark?: Uint8Array;
  /** The length of extranonce prefix and extranonce together, 0 to 75 bytes. */
  readonly fullExtranonceSize: number;
  /** Placed before the template's own outputs; their sum may not exceed `coinbaseTxValueRemaining`. */
  readonly payoutOutputs: readonly TxOut[];
}

/** A serialised coinbase around the place of its full extranonce. */
export interface CoinbaseParts {
  readonly coinbaseTxPrefix: Uint8Array;
  readonly coinbaseTxSuffix: Uint8Array;
}

/** A coinbase in both serialisations of spec §3.7. */
export interface Coinbase {
  /** Without BIP 141 fields: for NewExtendedMiningJob, and to hash into the txid. */
  readonly stripped: CoinbaseParts;
  /** With marker, flag and the witness reserved value of 32 zeros: for SubmitSolution and DeclareMiningJob. */
  readonly withWitness: CoinbaseParts;
}

/**
 * The text pools put into the coinbase, `Sv2/<pool>/<miner>/`, as in the reference implementation
 * (`channels_sv2`, job factory); an absent tag leaves its slashes.
 *
 * @param poolTag any text, put in as UTF-8
 * @param minerTag any text, put in as UTF-8
 * @returns the bytes without the opcode that pushes them
 * @throws Sv2Error `invalid-coinbase-tag` above 75 bytes
 */
export const coinbaseTag = (poolTag = '', minerTag = ''): Uint8Array => {
  const tag = new TextEncoder().encode(`Sv2/${poolTag}/${minerTag}/`);
  requireTag(tag);
  return tag;
};

/**
 * The scriptSig before the extranonce: the template's coinbase prefix, a push of tag and mark, the opcode that
 * pushes the full extranonce. This is `SetCustomMiningJob.coinbasePrefix` for a declared job.
 *
 * @param coinbasePrefix `NewTemplate.coinbasePrefix`
 * @throws Sv2Error `invalid-coinbase-tag`, `invalid-extranonce-size`, `bad-cb-length` when the whole scriptSig
 *   wouldn't be 2 to 100 bytes
 */
export const coinbaseScriptSigPrefix = (
  coinbasePrefix: Uint8Array,
  { tag, mark = NO_MARK, fullExtranonceSize }: Pick<CoinbaseAdditions, 'tag' | 'mark' | 'fullExtranonceSize'>,
): Uint8Array => {
  requireTag(tag, mark);
  requireExtranonceSize(fullExtranonceSize);
  const pushed = tag.length + mark.length;
  const size = coinbasePrefix.length + 1 + pushed + 1 + fullExtranonceSize;
  if (size > MAX_COINBASE_SCRIPT_SIG_SIZE) {
    throw new Sv2Error(
      'bad-cb-length',
      `the coinbase scriptSig would be ${size} bytes, at most ${MAX_COINBASE_SCRIPT_SIG_SIZE} are allowed: template prefix ${coinbasePrefix.length}, ` +
        `tag ${tag.length}, job mark ${mark.length} and their push 1, extranonce ${fullExtranonceSize} and its push 1`,
      {
        size,
        coinbasePrefix: coinbasePrefix.length,
        tag: tag.length,
        mark: mark.length,
        fullExtranonceSize,
      },
    );
  }
  return concatBytes([coinbasePrefix, Uint8Array.of(pushed), tag, mark, Uint8Array.of(fullExtranonceSize)]);
};

const NO_MARK = new Uint8Array(0);

/**
 * Builds the coinbase of a template (spec §3.7, §7.2): scriptSig from {@link coinbaseScriptSigPrefix} and the
 * extranonce, payout outputs, then the template's outputs. Byte for byte what the reference implementation builds.
 *
 * @param template a NewTemplate message, or its coinbase fields
 * @throws Sv2Error as {@link coinbaseScriptSigPrefix}; `invalid-payout-sum` when the payouts exceed
 *   `coinbaseTxValueRemaining`; `truncated` or `trailing-bytes` when the template's outputs aren't as many as it says
 */
export const buildCoinbase = (template: CoinbaseTemplate, additions: CoinbaseAdditions): Coinbase => {
  const { payoutOutputs } = additions;
  const paid = payoutOutputs.reduce((sum, { value }) => sum + value, 0n);
  if (paid > template.coinbaseTxValueRemaining) {
    throw new Sv2Error(
      'invalid-payout-sum',
      `the payout outputs sum to ${paid} satoshis, the template leaves ${template.coinbaseTxValueRemaining}`,
      { paid, coinbaseTxValueRemaining: template.coinbaseTxValueRemaining },
    );
  }
  parseTemplateOutputs(template.coinbaseTxOutputs, template.coinbaseTxOutputsCount);
  return splitCoinbase({
    version: template.coinbaseTxVersion,
    scriptSigPrefix: coinbaseScriptSigPrefix(template.coinbasePrefix, additions),
    fullExtranonceSize: additions.fullExtranonceSize,
    sequence: template.coinbaseTxInputSequence,
    outputs: concatBytes([
      encodeCompactSize(payoutOutputs.length + template.coinbaseTxOutputsCount),
      serialiseTemplateOutputs(payoutOutputs),
      template.coinbaseTxOutputs,
    ]),
    locktime: template.coinbaseTxLocktime,
  });
};

/**
 * Builds the coinbase of a custom job (spec §5.3.18): its coinbase prefix is the whole scriptSig before the extranonce.
 *
 * @param job a SetCustomMiningJob message, or its coinbase fields
 * @param fullExtranonceSize the length of extranonce prefix and extranonce together, 0 to 75 bytes
 * @throws Sv2Error `invalid-extranonce-size`, `bad-cb-length`; `truncated`, `trailing-bytes` or
 *   `non-canonical-compact-size` when its outputs don't parse
 */
export const buildCustomCoinbase = (job: CustomCoinbase, fullExtranonceSize: number): Coinbase => {
  requireExtranonceSize(fullExtranonceSize);
  const size = job.coinbasePrefix.length + fullExtranonceSize;
  if (size < MIN_COINBASE_SCRIPT_SIG_SIZE || size > MAX_COINBASE_SCRIPT_SIG_SIZE) {
    throw new Sv2Error(
      'bad-cb-length',
      `the coinbase scriptSig would be ${size} bytes, ${MIN_COINBASE_SCRIPT_SIG_SIZE} to ${MAX_COINBASE_SCRIPT_SIG_SIZE} are allowed: ` +
        `coinbase prefix ${job.coinbasePrefix.length}, extranonce ${fullExtranonceSize}`,
      { size, coinbasePrefix: job.coinbasePrefix.length, fullExtranonceSize },
    );
  }
  parseOutputs(job.coinbaseTxOutputs);
  return splitCoinbase({
    version: job.coinbaseTxVersion,
    scriptSigPrefix: job.coinbasePrefix,
    fullExtranonceSize,
    sequence: job.coinbaseTxInputNSequence,
    outputs: job.coinbaseTxOutputs,
    locktime: job.coinbaseTxLocktime,
  });
};

/**
 * A whole coinbase transaction: prefix, full extranonce, suffix.
 *
 * @param parts stripped or with witness
 * @param fullExtranonce extranonce prefix and extranonce, as long as the coinbase was built for
 */
export const assembleCoinbase = (parts: CoinbaseParts, fullExtranonce: Uint8Array): Uint8Array =>
  concatBytes([parts.coinbaseTxPrefix, fullExtranonce, parts.coinbaseTxSuffix]);

/** Offset of the BIP 144 marker, after the version. */
const MARKER_OFFSET = 4;
/** Witness count 1, length 32, the witness reserved value of zeros. */
const COINBASE_WITNESS = Uint8Array.of(1, 32, ...new Uint8Array(32));
const LOCKTIME_SIZE = 4;

/**
 * Removes the BIP 141 fields from a coinbase's prefix and suffix (spec §3.7.1); parts without them are returned as they are.
 *
 * @param parts with marker and flag after the version and, before the locktime, a witness of one 32-byte element
 * @throws Sv2Error `invalid-coinbase` when a part is too short, or the witness isn't one element of 32 bytes
 */
export const stripCoinbaseWitness = (parts: CoinbaseParts): CoinbaseParts => {
  const { coinbaseTxPrefix: prefix, coinbaseTxSuffix: suffix } = parts;
  if (!hasWitnessMarker(prefix)) return parts;
  const end = suffix.length - LOCKTIME_SIZE;
  const start = end - COINBASE_WITNESS.length;
  if (start < 0 || suffix[start] !== 1 || suffix[start + 1] !== 32) {
    throw new Sv2Error(
      'invalid-coinbase',
      'the coinbase has the witness marker, but no witness of one 32-byte element before its locktime',
    );
  }
  return {
    coinbaseTxPrefix: concatBytes([prefix.subarray(0, MARKER_OFFSET), prefix.subarray(MARKER_OFFSET + 2)]),
    coinbaseTxSuffix: concatBytes([suffix.subarray(0, start), suffix.subarray(end)]),
  };
};

/**
 * Adds marker, flag and the witness reserved value of 32 zeros to a stripped coinbase's prefix and suffix; parts
 * that have the marker already are returned as they are.
 *
 * @throws Sv2Error `invalid-coinbase` when a part is too short
 */
export const addCoinbaseWitness = (parts: CoinbaseParts): CoinbaseParts => {
  const { coinbaseTxPrefix: prefix, coinbaseTxSuffix: suffix } = parts;
  if (hasWitnessMarker(prefix)) return parts;
  const end = suffix.length - LOCKTIME_SIZE;
  if (end < 0)
    throw new Sv2Error(
      'invalid-coinbase',
      `a coinbase suffix must hold a locktime, got ${suffix.length} bytes`,
    );
  return {
    coinbaseTxPrefix: concatBytes([
      prefix.subarray(0, MARKER_OFFSET),
      Uint8Array.of(0, 1),
      prefix.subarray(MARKER_OFFSET),
    ]),
    coinbaseTxSuffix: concatBytes([suffix.subarray(0, end), COINBASE_WITNESS, suffix.subarray(end)]),
  };
};

const hasWitnessMarker = (prefix: Uint8Array): boolean => {
  if (prefix.length < MARKER_OFFSET + 2) {
    throw new Sv2Error(
      'invalid-coinbase',
      `a coinbase prefix must be at least ${MARKER_OFFSET + 2} bytes, got ${prefix.length}`,
    );
  }
  return prefix[MARKER_OFFSET] === 0 && prefix[MARKER_OFFSET + 1] !== 0;
};

const splitCoinbase = (fields: {
  readonly version: number;
  readonly scriptSigPrefix: Uint8Array;
  readonly fullExtranonceSize: number;
  readonly sequence: number;
  readonly outputs: Uint8Array;
  readonly locktime: number;
}): Coinbase => {
  const stripped = {
    coinbaseTxPrefix: concatBytes([
      u32Bytes(fields.version, 'coinbaseTxVersion'),
      Uint8Array.of(1),
      new Uint8Array(32), // a coinbase spends output 0xffffffff of txid zero
      Uint8Array.of(0xff, 0xff, 0xff, 0xff, fields.scriptSigPrefix.length + fields.fullExtranonceSize),
      fields.scriptSigPrefix,
    ]),
    coinbaseTxSuffix: concatBytes([
      u32Bytes(fields.sequence, 'coinbase input sequence'),
      fields.outputs,
      u32Bytes(fields.locktime, 'coinbaseTxLocktime'),
    ]),
  };
  return { stripped, withWitness: addCoinbaseWitness(stripped) };
};

const requireTag = (tag: Uint8Array, mark: Uint8Array = NO_MARK): void => {
  const longest = 75 - mark.length;
  if (tag.length >= 1 && tag.length <= longest) return;
  throw new Sv2Error(
    'invalid-coinbase-tag',
    `a coinbase tag must be 1 to ${longest} bytes, got ${tag.length}`,
    { length: tag.length },
  );
};

const requireExtranonceSize = (size: number): void => {
  if (Number.isInteger(size) && size >= 0 && size <= 75) return;
  throw new Sv2Error('invalid-extranonce-size', `a full extranonce must be 0 to 75 bytes, got ${size}`, {
    size,
  });
};
