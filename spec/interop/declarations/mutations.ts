/** Declarations of one job, with up to three of their fields mutated: the same for the same seed. */
import type { TxOut } from '../../../src/bitcoin/index.js';
import { DeclareMiningJob } from '../../../src/messages/index.js';
import { seededRandom } from '../../../src/roles/template-provider/simulated-transactions.js';
import type { BlockTemplate } from '../../../src/roles/template-provider/block-source.js';
import { clientJob, declaration } from '../../declaration/support.js';

/** A declaration but for its token, and what was done to it. */
export interface MutatedDeclaration {
  readonly message: DeclareMiningJob;
  readonly mutations: readonly string[];
  /** Whether it comes with a token that was given out. */
  readonly hasToken: boolean;
}

type Random = ReturnType<typeof seededRandom>;
type Draft = { -readonly [K in keyof DeclareMiningJob]: DeclareMiningJob[K] };
type Mutation = (draft: Draft, random: Random, template: BlockTemplate) => void;

/** Bytes of a coinbase before its scriptSig: version, marker and flag, count, outpoint. */
const BEFORE_SCRIPT_SIG = 4 + 2 + 1 + 36;

const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  const changed = bytes.slice();
  changed[at] = (changed[at] ?? 0) ^ 0x55;
  return changed;
};

const pool = Uint8Array.of(0x51);
const other = Uint8Array.of(0x52);

/** The job with other outputs; the prefix is the same then. */
const paying =
  (payouts: (value: bigint) => readonly TxOut[]): Mutation =>
  (draft, _, template) => {
    draft.coinbaseTxSuffix = clientJob(template, { payouts }).coinbase.withWitness.coinbaseTxSuffix;
  };

const mutations: Readonly<Record<string, Mutation>> = {
  version: (draft, random) => void (draft.version = random.below(0xffff_ffff)),
  prefixFlipped: (draft, random) =>
    void (draft.coinbaseTxPrefix = flipped(
      draft.coinbaseTxPrefix,
      random.below(draft.coinbaseTxPrefix.length),
    )),
  prefixScriptSigFlipped: (draft, random) =>
    void (draft.coinbaseTxPrefix = flipped(
      draft.coinbaseTxPrefix,
      BEFORE_SCRIPT_SIG + random.below(draft.coinbaseTxPrefix.length - BEFORE_SCRIPT_SIG),
    )),
  prefixCut: (draft, random) =>
    void (draft.coinbaseTxPrefix = draft.coinbaseTxPrefix.slice(
      0,
      BEFORE_SCRIPT_SIG + 1 + random.below(draft.coinbaseTxPrefix.length - BEFORE_SCRIPT_SIG - 1),
    )),
  prefixLonger: (draft) => void (draft.coinbaseTxPrefix = Uint8Array.of(...draft.coinbaseTxPrefix, 0)),
  suffixFlipped: (draft, random) =>
    void (draft.coinbaseTxSuffix = flipped(
      draft.coinbaseTxSuffix,
      random.below(draft.coinbaseTxSuffix.length),
    )),
  suffixCut: (draft, random) =>
    void (draft.coinbaseTxSuffix = draft.coinbaseTxSuffix.slice(
      0,
      random.below(draft.coinbaseTxSuffix.length),
    )),
  suffixLonger: (draft) => void (draft.coinbaseTxSuffix = Uint8Array.of(...draft.coinbaseTxSuffix, 0)),
  paysAnother: paying((value) => [{ value, scriptPubKey: other }]),
  paysLess: paying((value) => [
    { value: value - 1n, scriptPubKey: pool },
    { value: 1n, scriptPubKey: other },
  ]),
  leavesSome: paying((value) => [{ value: value - 1_000n, scriptPubKey: pool }]),
  paysMore: paying((value) => [{ value: value + 1n, scriptPubKey: pool }]),
  paysNothingToo: paying((value) => [
    { value: 0n, scriptPubKey: other },
    { value, scriptPubKey: pool },
  ]),
  transactionLeftOut: (draft, random) => {
    const at = random.below(draft.wtxidList.length);
    draft.wtxidList = draft.wtxidList.filter((_, index) => index !== at);
  },
  transactionTwice: (draft) => void (draft.wtxidList = [...draft.wtxidList, ...draft.wtxidList.slice(0, 1)]),
  transactionsTurned: (draft) => void (draft.wtxidList = draft.wtxidList.toReversed()),
  transactionUnknown: (draft, random) => void (draft.wtxidList = [...draft.wtxidList, random.bytes(32)]),
  excessData: (draft) => void (draft.excessData = Uint8Array.of(1, 2, 3)),
};

/** So many declarations of a template's job; the first is as it should be. */
export const mutatedDeclarations = function* (
  template: BlockTemplate,
  seed: number,
  count: number,
): Generator<MutatedDeclaration> {
  const random = seededRandom(seed);
  const names = Object.keys(mutations);
  const job = clientJob(template, { payouts: (value) => [{ value, scriptPubKey: pool }] });
  for (let number = 0; number < count; number += 1) {
    const draft: Draft = { ...declaration(job, new Uint8Array(0), { requestId: number + 1 }) };
    const chosen = new Set<string>();
    const times = number === 0 ? 0 : random.below(4);
    while (chosen.size < times) chosen.add(names[random.below(names.length)] as string);
    for (const name of chosen) mutations[name]?.(draft, random, template);
    const hasToken = number === 0 || random.below(20) > 0;
    yield {
      message: DeclareMiningJob(draft),
      mutations: [...chosen, ...(hasToken ? [] : ['token'])],
      hasToken,
    };
  }
};
