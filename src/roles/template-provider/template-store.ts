import { sameBytes } from '../../bitcoin/consensus-bytes.js';
import type { OutputConstraints } from '../../bitcoin/script.js';
import { targetFromNbits } from '../../bitcoin/target.js';
import {
  RequestTransactionDataError,
  RequestTransactionDataSuccess,
  SetNewPrevHashTemplate,
  type NewTemplate,
} from '../../messages/template-distribution.js';
import type { BlockTemplate } from './block-source.js';
import { liveTemplates, type ProvidedTemplate } from './live-templates.js';
import { selectTransactions, type Selection } from './select-transactions.js';
import { newTemplate, templateContents } from './template-contents.js';

/** A template that clients are sent. */
export interface Announcement {
  readonly type: 'Announcement';
  readonly provided: ProvidedTemplate;
  /** At least one. */
  readonly clientIds: readonly number[];
  readonly messages: readonly (NewTemplate | SetNewPrevHashTemplate)[];
}

/** Clients that need more room than a block has. They are sent nothing any more. */
export interface Refusal {
  readonly type: 'Refusal';
  readonly clientIds: readonly number[];
  /** For people. */
  readonly message: string;
}

/** What is to be done for clients. */
export type StoreOutput = Announcement | Refusal;

/** What a block is to be built on, and how hard it is to find: testnets change that on one and the same block. */
export interface ProvidedTip {
  /** 32 bytes in wire order. */
  readonly prevHash: Uint8Array;
  readonly nbits: number;
}

/** Templates, for whom they are, and which of them may still lead to a block. Times are milliseconds since 1970. */
export interface TemplateStore {
  /** A client says what room it needs: it gets the best template and its tip, as soon as there is one. */
  setConstraints(clientId: number, constraints: OutputConstraints, now: number): readonly StoreOutput[];
  /** A client is gone. Its templates stay: blocks made of them are still good. */
  removeClient(clientId: number): void;
  /** Takes a template from the source. If its tip is new, everyone gets a template and the tip. */
  update(block: BlockTemplate, now: number): readonly StoreOutput[];
  /** Sends the newest template to those whom it would pay materially more than what they have. */
  raiseFees(): readonly Announcement[];
  /** The tip: another object when it has changed. Undefined before the first template. */
  tip(): ProvidedTip | undefined;
  /** A template of the tip, or of one left less than 10 s ago; undefined for others, at the next update at the latest. */
  find(templateId: bigint): ProvidedTemplate | undefined;
  /** The answer to RequestTransactionData. */
  transactionData(templateId: bigint): RequestTransactionDataSuccess | RequestTransactionDataError;
  /** How many templates, groups of clients with the same constraints, and clients are remembered. */
  size(): { readonly templates: number; readonly groups: number; readonly clients: number };
}

/** What a template store is told. */
export interface TemplateStoreOptions {
  /** Satoshis by which the fees must rise for another template on the same tip; 0 counts as 1. */
  readonly feeThreshold: bigint;
  /** Template ids are greater than this. */
  readonly lastTemplateId: bigint;
}

/**
 * Templates on one tip, none of which is forgotten while it is the tip. When there are so many no others are made until
 * it changes: fees are not raised any more, and whoever comes shares a template with at least the room it needs. One
 * every 5 s for 14 hours; each takes about a kilobyte, and 8 bytes a transaction unless another has the same.
 */
export const maxTemplatesPerTip = 10_000;

/** Clients that need the same room, and so get the same templates. */
interface Group {
  readonly constraints: OutputConstraints;
  readonly clientIds: Set<number>;
  /** The newest, of the present tip. */
  current: ProvidedTemplate | undefined;
}

/** Makes a template store. It does no I/O and looks at no clock. */
export function templateStore({ feeThreshold, lastTemplateId }: TemplateStoreOptions): TemplateStore {
  /** Those without clients stay until the tip changes: whoever comes back needs no template of its own. */
  const groups = new Map<string, Group>();
  const clients = new Map<number, { readonly group: Group; lastTemplateId: bigint }>();
  const live = liveTemplates();
  const contentsOf = templateContents();
  // the same template again would be no raise
  const minRaise = feeThreshold > 0n ? feeThreshold : 1n;
  let lastId = lastTemplateId;
  let best:
    { readonly block: BlockTemplate; readonly tip: ProvidedTip; readonly receivedAt: number } | undefined;

  const provide = (group: Group, block: BlockTemplate, selection: Selection): ProvidedTemplate => {
    const templateId = ++lastId;
    const contents = contentsOf(selection);
    const provided = {
      templateId,
      height: block.height,
      prevHash: block.prevHash,
      nbits: block.nbits,
      fees: selection.fees,
      transactions: contents.transactions,
      message: newTemplate(templateId, block, selection, contents),
    };
    live.add(provided);
    group.current = provided;
    return provided;
  };

  /** A template for a group that has none of the tip, or one that pays materially less. */
  const raise = (group: Group, block: BlockTemplate, selection: Selection): ProvidedTemplate | undefined => {
    const { current } = group;
    if (live.tipSize >= maxTemplatesPerTip) return undefined;
    if (current !== undefined && selection.fees < current.fees + minRaise) return undefined;
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
    const messages = tip === undefined ? [template] : [template, tip];
    return { type: 'Announcement', provided, clientIds, messages };
  };

  const tipFor = (
    { templateId }: ProvidedTemplate,
    { block, receivedAt }: NonNullable<typeof best>,
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

  const join = (clientId: number, group: Group, lastTemplateId: bigint): void => {
    group.clientIds.add(clientId);
    clients.set(clientId, { group, lastTemplateId });
  };

  const leave = (clientId: number): void => {
    const group = clients.get(clientId)?.group;
    clients.delete(clientId);
    group?.clientIds.delete(clientId);
    if (group !== undefined && group.current === undefined) dropIfUnused(group);
  };

  const dropIfUnused = (group: Group): void => {
    if (group.clientIds.size === 0) groups.delete(keyOf(group.constraints));
  };

  const refuse = (
    clientIds: readonly number[],
    constraints: OutputConstraints,
    block: BlockTemplate,
  ): Refusal => {
    clientIds.forEach(leave);
    const { coinbaseOutputMaxAdditionalSize: size, coinbaseOutputMaxAdditionalSigops: sigops } = constraints;
    const message =
      `no block has room for ${size} bytes and ${sigops} sigops more: ` +
      `it may weigh ${block.weightLimit} units, four a byte, and have ${block.sigopLimit} sigops`;
    return { type: 'Refusal', clientIds, message };
  };

  return {
    setConstraints(clientId, constraints, now) {
      const lastSeen = clients.get(clientId)?.lastTemplateId ?? 0n;
      leave(clientId);
      const key = keyOf(constraints);
      const group = groups.get(key) ?? { constraints, clientIds: new Set<number>(), current: undefined };
      groups.set(key, group);
      const others = [...group.clientIds];
      join(clientId, group, lastSeen);
      if (best === undefined) return [];
      const { block } = best;
      const selection = selectTransactions(block, constraints);
      if (selection === undefined) return [refuse([clientId], constraints, block)];

      const raised = raise(group, block, selection);
      const toOthers = raised === undefined || others.length === 0 ? [] : [announce(raised, others)];
      // ids grow strictly for each client, for one that changes its constraints too
      const isNews = ({ current }: Group) => current !== undefined && current.templateId > lastSeen;
      if (!isNews(group) && live.tipSize < maxTemplatesPerTip) provide(group, block, selection);
      const host = isNews(group)
        ? group
        : [...groups.values()].find((other) => isNews(other) && hasRoom(other, constraints));
      if (host?.current === undefined) return toOthers;
      if (host !== group) {
        leave(clientId);
        join(clientId, host, lastSeen);
      }
      return [...toOthers, announce(host.current, [clientId], tipFor(host.current, best, now))];
    },

    removeClient: leave,

    update(block, now) {
      const { prevHash, nbits } = block;
      const isSameBlock = best !== undefined && sameBytes(best.tip.prevHash, prevHash);
      const isNewTip = best === undefined || !isSameBlock || best.tip.nbits !== nbits;
      best = { block, receivedAt: now, tip: isNewTip || best === undefined ? { prevHash, nbits } : best.tip };
      if (!isSameBlock) live.setTip(prevHash, now);
      live.expire(now);
      if (!isNewTip) return [];

      const outputs: StoreOutput[] = [];
      for (const group of [...groups.values()]) {
        group.current = undefined;
        dropIfUnused(group);
        if (group.clientIds.size === 0) continue;
        const clientIds = [...group.clientIds];
        const selection = selectTransactions(block, group.constraints);
        if (selection === undefined) {
          outputs.push(refuse(clientIds, group.constraints, block));
          continue;
        }
        const provided = provide(group, block, selection);
        outputs.push(announce(provided, clientIds, tipFor(provided, best, now)));
      }
      return outputs;
    },

    raiseFees() {
      if (best === undefined) return [];
      const { block } = best;
      return [...groups.values()].flatMap((group) => {
        if (group.clientIds.size === 0) return [];
        const selection = selectTransactions(block, group.constraints);
        const provided = selection === undefined ? undefined : raise(group, block, selection);
        return provided === undefined ? [] : [announce(provided, [...group.clientIds])];
      });
    },

    tip: () => best?.tip,

    find: (templateId) => live.find(templateId),

    transactionData(templateId) {
      const provided = live.find(templateId);
      if (provided === undefined) {
        return RequestTransactionDataError({ templateId, errorCode: 'template-id-not-found' });
      }
      if (!live.isOfTip(provided)) {
        return RequestTransactionDataError({ templateId, errorCode: 'stale-template-id' });
      }
      return RequestTransactionDataSuccess({
        templateId,
        excessData: new Uint8Array(0),
        transactionList: provided.transactions,
      });
    },

    size: () => ({ templates: live.size, groups: groups.size, clients: clients.size }),
  };
}

const keyOf = ({
  coinbaseOutputMaxAdditionalSize: size,
  coinbaseOutputMaxAdditionalSigops: sigops,
}: OutputConstraints): string => `${size}/${sigops}`;

/** Whether what a group's templates leave is enough for other constraints, too. */
const hasRoom = ({ constraints }: Group, needed: OutputConstraints): boolean =>
  constraints.coinbaseOutputMaxAdditionalSize >= needed.coinbaseOutputMaxAdditionalSize &&
  constraints.coinbaseOutputMaxAdditionalSigops >= needed.coinbaseOutputMaxAdditionalSigops;
