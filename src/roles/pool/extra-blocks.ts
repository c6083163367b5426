/** The transactions of templates, for blocks that go to extra nodes whole: they are there before a block is found. */
import { joinBlock } from '../../bitcoin/block.js';
import { decodeBip34Height } from '../../bitcoin/script.js';
import {
  RequestTransactionData,
  type NewTemplate,
  type RequestTransactionDataSuccess,
} from '../../messages/template-distribution.js';
import type { SolvedBlock } from '../template-provider/block-source.js';

/** Templates whose transactions are kept: miners work on the last, and those before are of the same tip. 4 MB each at most. */
const maxTemplates = 8;

/** See {@link extraBlocks}. */
export interface ExtraBlocks {
  /**
   * A template came.
   * @param id the pool's own, under which blocks are found
   * @returns what its provider is asked
   */
  template(id: bigint, template: NewTemplate): RequestTransactionData;
  /** Its transactions came. */
  transactions(id: bigint, message: RequestTransactionDataSuccess): void;
  /** The block of a solution; undefined where the transactions of its template are not known, or no more. */
  block(
    id: bigint,
    found: { readonly header: Uint8Array; readonly coinbaseTx: Uint8Array; readonly hash: Uint8Array },
  ): SolvedBlock | undefined;
}

/** Keeps the transactions of the last {@link maxTemplates} templates. */
export const extraBlocks = (): ExtraBlocks => {
  const templates = new Map<
    bigint,
    { readonly height: number; transactions: readonly Uint8Array[] | undefined }
  >();
  return {
    template(id, { templateId, coinbasePrefix }) {
      templates.set(id, { height: decodeBip34Height(coinbasePrefix) ?? 0, transactions: undefined });
      const [oldest] = templates.keys();
      if (templates.size > maxTemplates && oldest !== undefined) templates.delete(oldest);
      return RequestTransactionData({ templateId });
    },
    transactions(id, { transactionList }) {
      const template = templates.get(id);
      if (template !== undefined) template.transactions = transactionList;
    },
    block(id, { header, coinbaseTx, hash }) {
      const { height = 0, transactions } = templates.get(id) ?? {};
      if (transactions === undefined) return undefined;
      return { bytes: joinBlock(header, [coinbaseTx, ...transactions]), hash, height };
    },
  };
};
