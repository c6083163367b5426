import { sameBytes } from '../../bitcoin/consensus-bytes.js';
import {
  merklePathOfCoinbase,
  witnessCommitment,
  witnessCommitmentScript,
  witnessMerkleRoot,
} from '../../bitcoin/merkle.js';
import { serialiseTemplateOutputs } from '../../bitcoin/outputs.js';
import { encodeBip34Height, type OutputConstraints } from '../../bitcoin/script.js';
import { targetFromNbits } from '../../bitcoin/target.js';
import {
  NewTemplate,
  RequestTransactionDataError,
  RequestTransactionDataSuccess,
  SetNewPrevHashTemplate,
} from '../../messages/template-distribution.js';
import type { BlockTemplate } from './block-source.js';
import { selectTransactions, type Selection } from './select-transactions.js';

/** A template as clients know it. */
export interface ProvidedTemplate {
  readonly templateId: bigint;
  /** What it was made of. */
  readonly block: BlockTemplate;
  readonly selection: Selection;
  /** What clients are sent; they are told apart by `futureTemplate` only. */
  readonly message: NewTemplate;
}

/** A template that clients are sent. */
export interface Announcement {
  readonly provided: ProvidedTemplate;
  readonly clientIds: readonly number[];
  readonly messages: readonly (NewTemplate | SetNewPrevHashTemplate)[];
}

/** Templates, for whom they are, and which of them may still lead to a block. Times are milliseconds since 1970. */
export interface TemplateStore {
  /**
   * A client says what room it needs: it gets the best template and its tip, as soon as there is one.
   * @returns undefined if no block has that much room; the client gets nothing any more then
   */
  setConstraints(
    clientId: number,
    constraints: OutputConstraints,
    now: number,
  ): readonly Announcement[] | undefined;
  /** A client is gone. Its templates stay: blocks made of them are still good. */
  removeClient(clientId: number): void;
  /** Takes a template from the source. If its tip is new, everyone gets a template and the tip. */
  update(block: BlockTemplate, now: number): readonly Announcement[];
  /** Sends the newest template to those whom it would pay materially more than what they have. */
  raiseFees(): readonly Announcement[];
  /** A template of the tip or of the one before; undefined for all others. */
  find(templateId: bigint): ProvidedTemplate | undefined;
  /** The answer to RequestTransactionData. */
  transactionData(templateId: bigint): RequestTransactionDataSuccess | RequestTransactionDataError;
  /** How many templates are remembered. */
  size(): number;
}

/** What a template store is told. */
export interface TemplateStoreOptions {
  /** Satoshis by which the fees must rise for another template on the same tip. */
  readonly feeThreshold: bigint;
  /** Template ids are greater than this. */
  readonly lastTemplateId: bigint;
}

/** Templates remembered for one set of constraints: the newest so many, all on the tip or the one before. */
export const maxTemplatesPerConstraints = 64;

/** Sets of constraints remembered that no client has any more. */
export const maxUnusedConstraints = 16;

/** Clients that need the same room, and so get the same templates. */
interface Group {
  readonly constraints: OutputConstraints;
  readonly clientIds: Set<number>;
  /** Oldest first. */
  templates: ProvidedTemplate[];
}

/** Makes a template store. It does no I/O and looks at no clock. */
export function templateStore({ feeThreshold, lastTemplateId }: TemplateStoreOptions): TemplateStore {
  const groups = new Map<string, Group>();
  const clients = new Map<number, { readonly group: Group; lastTemplateId: bigint }>();
  const byId = new Map<bigint, ProvidedTemplate>();
  let lastId = lastTemplateId;
  let best: BlockTemplate | undefined;
  let receivedAt = 0;
  let previousHash: Uint8Array | undefined;

  const forget = (group: Group, isForgotten: (provided: ProvidedTemplate) => boolean): void => {
    for (const provided of group.templates.filter(isForgotten)) byId.delete(provided.templateId);
    group.templates = group.templates.filter(({ templateId }) => byId.has(templateId));
  };

  const forgetUnusedGroups = (): void => {
    const unused = [...groups].filter(([, { clientIds }]) => clientIds.size === 0);
    const surplus = unused.length - maxUnusedConstraints;
    unused.forEach(([key, group], index) => {
      if (index >= surplus && group.templates.length > 0) return;
      forget(group, () => true);
      groups.delete(key);
    });
  };

  const provide = (group: Group, block: BlockTemplate, selection: Selection): ProvidedTemplate => {
    const templateId = ++lastId;
    const provided = { templateId, block, selection, message: newTemplate(templateId, block, selection) };
    group.templates.push(provided);
    byId.set(templateId, provided);
    const oldest = group.templates[0];
    if (group.templates.length > maxTemplatesPerConstraints) forget(group, (template) => template === oldest);
    return provided;
  };

  /** A template for a group that has none of the tip, or one that pays materially less. */
  const raise = (group: Group, block: BlockTemplate): ProvidedTemplate | undefined => {
    const last = group.templates.at(-1);
    if (last?.block === block) return undefined;
    const selection = selectTransactions(block, group.constraints);
    if (selection === undefined) return undefined;
    const isOfTip = last !== undefined && sameBytes(last.block.prevHash, block.prevHash);
    if (isOfTip && selection.fees < last.selection.fees + feeThreshold) return undefined;
    return provide(group, block, selection);
  };

  const announce = (
    provided: ProvidedTemplate,
    clientIds: readonly number[],
    tip?: SetNewPrevHashTemplate,
  ): Announcement => {
    for (const clientId of clientIds) {
      const client = clients.get(clientId);
      if (client !== undefined) client.lastTemplateId = provided.templateId;
    }
    const template = { ...provided.message, futureTemplate: tip !== undefined };
    return { provided, clientIds, messages: tip === undefined ? [template] : [template, tip] };
  };

  const tipFor = (
    { templateId }: ProvidedTemplate,
    block: BlockTemplate,
    now: number,
  ): SetNewPrevHashTemplate => {
    const age = Math.max(0, Math.floor((now - receivedAt) / 1000));
    return SetNewPrevHashTemplate({
      templateId,
      prevHash: block.prevHash,
      headerTimestamp: Math.max(block.minTime, block.currentTime + age),
      nBits: block.nbits,
      target: targetFromNbits(block.nbits),
    });
  };

  const leave = (clientId: number): void => {
    clients.get(clientId)?.group.clientIds.delete(clientId);
    clients.delete(clientId);
  };

  return {
    setConstraints(clientId, constraints, now) {
      const lastSeen = clients.get(clientId)?.lastTemplateId ?? 0n;
      leave(clientId);
      const selection = best === undefined ? undefined : selectTransactions(best, constraints);
      if (best !== undefined && selection === undefined) return undefined;

      const { coinbaseOutputMaxAdditionalSize: size, coinbaseOutputMaxAdditionalSigops: sigops } =
        constraints;
      const key = `${size}/${sigops}`;
      const group = groups.get(key) ?? { constraints, clientIds: new Set<number>(), templates: [] };
      groups.set(key, group);
      const others = [...group.clientIds];
      group.clientIds.add(clientId);
      clients.set(clientId, { group, lastTemplateId: lastSeen });
      forgetUnusedGroups();
      if (best === undefined || selection === undefined) return [];

      const raised = raise(group, best);
      let current = raised ?? group.templates.at(-1);
      // ids grow strictly for each client, for one that changes its constraints too
      if (current === undefined || current.templateId <= lastSeen) current = provide(group, best, selection);
      return [
        ...(raised === undefined || others.length === 0 ? [] : [announce(raised, others)]),
        announce(current, [clientId], tipFor(current, best, now)),
      ];
    },

    removeClient(clientId) {
      leave(clientId);
      forgetUnusedGroups();
    },

    update(block, now) {
      const isNewTip = best === undefined || !sameBytes(best.prevHash, block.prevHash);
      const before = isNewTip ? best?.prevHash : previousHash;
      best = block;
      receivedAt = now;
      previousHash = before;
      if (!isNewTip) return [];

      const announcements: Announcement[] = [];
      for (const group of groups.values()) {
        forget(group, ({ block: { prevHash } }) => before === undefined || !sameBytes(prevHash, before));
        const provided = group.clientIds.size === 0 ? undefined : raise(group, block);
        if (provided !== undefined) {
          announcements.push(announce(provided, [...group.clientIds], tipFor(provided, block, now)));
        }
      }
      forgetUnusedGroups();
      return announcements;
    },

    raiseFees() {
      const block = best;
      if (block === undefined) return [];
      return [...groups.values()].flatMap((group) => {
        const provided = group.clientIds.size === 0 ? undefined : raise(group, block);
        return provided === undefined ? [] : [announce(provided, [...group.clientIds])];
      });
    },

    find: (templateId) => byId.get(templateId),

    transactionData(templateId) {
      const provided = byId.get(templateId);
      if (provided === undefined) {
        return RequestTransactionDataError({ templateId, errorCode: 'template-id-not-found' });
      }
      if (best === undefined || !sameBytes(provided.block.prevHash, best.prevHash)) {
        return RequestTransactionDataError({ templateId, errorCode: 'stale-template-id' });
      }
      return RequestTransactionDataSuccess({
        templateId,
        excessData: new Uint8Array(0),
        transactionList: provided.selection.transactions.map(({ data }) => data),
      });
    },

    size: () => byId.size,
  };
}

/** The message for a template: its coinbase has version 2 and a final sequence, and pays its witness commitment last. */
function newTemplate(templateId: bigint, block: BlockTemplate, selection: Selection): NewTemplate {
  const { transactions, hasCommitment, coinbaseValue } = selection;
  const commitment = () => witnessCommitment(witnessMerkleRoot(transactions.map(({ wtxid }) => wtxid)));
  const outputs = hasCommitment ? [{ value: 0n, scriptPubKey: witnessCommitmentScript(commitment()) }] : [];
  return NewTemplate({
    templateId,
    futureTemplate: false,
    version: block.version,
    coinbaseTxVersion: 2,
    coinbasePrefix: encodeBip34Height(block.height),
    coinbaseTxInputSequence: 0xffff_ffff,
    coinbaseTxValueRemaining: coinbaseValue,
    coinbaseTxOutputsCount: outputs.length,
    coinbaseTxOutputs: serialiseTemplateOutputs(outputs),
    coinbaseTxLocktime: 0,
    merklePath: merklePathOfCoinbase(transactions.map(({ txid }) => txid)),
  });
}
