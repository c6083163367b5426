import {
  assembleCoinbase,
  buildCoinbase,
  createHeaderHasher,
  doubleSha256,
  merkleRootFromPath,
  parseTransaction,
  serialiseBlockHeader,
  txid,
  type CoinbaseAdditions,
} from '../../../src/bitcoin/index.js';
import {
  SubmitSolution,
  type NewTemplate,
  type SetNewPrevHashTemplate,
} from '../../../src/messages/index.js';
import type {
  BlockTemplate,
  TemplateTransaction,
} from '../../../src/roles/template-provider/block-source.js';
import type { Announcement, StoreOutput } from '../../../src/roles/template-provider/template-store.js';

/** Every second hash is a block. */
export const EASY_NBITS = 0x207fffff;
/** The clock of these specs starts here, in milliseconds; and in seconds. */
export const NOW = 1_700_000_000_000;
export const NTIME = NOW / 1000;

/** 32 bytes told apart by a number. */
export const hash = (seed: number): Uint8Array =>
  doubleSha256(Uint8Array.of(seed & 0xff, (seed >>> 8) & 0xff, seed >>> 16));

/** A transaction told apart by a number; 400 WU, 1,000 satoshis, without a witness unless its hashes differ. */
export const transaction = (
  seed: number,
  fields: Partial<TemplateTransaction> = {},
): TemplateTransaction => ({
  data: Uint8Array.of(seed & 0xff, seed >>> 8),
  txid: hash(seed),
  wtxid: hash(0x10000 + seed),
  fee: 1_000n,
  sigops: 4,
  weight: 400,
  dependsOn: [],
  ...fields,
});

export const SUBSIDY = 312_500_000n;

/** A template with these transactions. */
export const blockTemplate = (
  transactions: readonly TemplateTransaction[] = [transaction(1), transaction(2)],
  fields: Partial<BlockTemplate> = {},
): BlockTemplate => ({
  type: 'BlockTemplate',
  height: 900_000,
  prevHash: hash(900),
  version: 0x2000_0000,
  nbits: EASY_NBITS,
  minTime: NTIME - 3_000,
  currentTime: NTIME,
  coinbaseValue: transactions.reduce((sum, { fee }) => sum + fee, SUBSIDY),
  transactions,
  segwit: true,
  sigopLimit: 80_000,
  weightLimit: 4_000_000,
  ...fields,
});

/** What a template store announces. */
export const announcements = (outputs: readonly StoreOutput[]): Announcement[] =>
  outputs.flatMap((output) => (output.type === 'Announcement' ? [output] : []));

export const payoutScript = Uint8Array.of(0x00, 0x14, ...new Uint8Array(20).fill(7));
/** What an output with {@link payoutScript} takes. */
export const constraints = {
  coinbaseOutputMaxAdditionalSize: 31,
  coinbaseOutputMaxAdditionalSigops: 0,
};

/** What a pool makes of a template: a coinbase that pays everything to one script. */
export const coinbaseFor = (template: NewTemplate, additions: Partial<CoinbaseAdditions> = {}): Uint8Array =>
  assembleCoinbase(
    buildCoinbase(template, {
      tag: new TextEncoder().encode('rx-sv2'),
      fullExtranonceSize: 8,
      payoutOutputs: [{ value: template.coinbaseTxValueRemaining, scriptPubKey: payoutScript }],
      ...additions,
    }).withWitness,
    new Uint8Array(additions.fullExtranonceSize ?? 8).fill(1),
  );

/** Finds a solution of a template. `fields` go into the header and the message. */
export const solve = (
  template: NewTemplate,
  tip: SetNewPrevHashTemplate,
  coinbaseTx: Uint8Array = coinbaseFor(template),
  fields: { readonly ntime?: number; readonly prevHash?: Uint8Array; readonly nbits?: number } = {},
): SubmitSolution => {
  const headerTimestamp = fields.ntime ?? tip.headerTimestamp;
  const header = serialiseBlockHeader({
    version: template.version,
    prevHash: fields.prevHash ?? tip.prevHash,
    merkleRoot: merkleRootFromPath(txid(parseTransaction(coinbaseTx)), template.merklePath),
    ntime: headerTimestamp,
    nbits: fields.nbits ?? tip.nBits,
    nonce: 0,
  });
  const nonce = createHeaderHasher(header).search(0, 1_000_000, tip.target);
  if (nonce === null) throw new Error('no nonce found');
  return SubmitSolution({
    templateId: template.templateId,
    version: template.version,
    headerTimestamp,
    headerNonce: nonce,
    coinbaseTx,
  });
};
