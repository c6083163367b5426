/** The declarations that were not answered yet, and which of them have to go when they are too many. */
import type { DeclarationTip, DeclaredJob, ReadDeclaration } from './declared-job.js';
import type { KnownTransaction } from './known-transactions.js';
import type { CoinbaseCheck } from './pool-outputs.js';
import type { MiningJobToken } from './tokens.js';

/** Declarations of a connection that may be under way. */
export const MOST_UNDER_WAY = 4;

/**
 * Transactions that all declarations under way may name together: those of 16 of the largest. Each takes some 150 bytes here while its
 * client has yet to provide it.
 */
export const MOST_TRANSACTIONS_UNDER_WAY = 16 * 16_666;

/** A client's connection. */
export interface DeclaringConnection {
  readonly clientId: number;
  /** Who counts for limits: an address, which stays the same when the client comes again. */
  readonly holder: string;
  readonly revealsTransactions: boolean;
  /** Whether it is told of payout distributions, and its jobs name them. */
  usesDistributions: boolean;
  /** Whether its last token was of a user with outputs of its own: it is told of no distributions then. */
  hasOwnOutputs: boolean;
}

/** A declaration that was not answered yet. */
export interface UnderWay {
  readonly client: DeclaringConnection;
  readonly requestId: number;
  readonly token: MiningJobToken;
  readonly tip: DeclarationTip;
  readonly declaration: ReadDeclaration;
  readonly check: CoinbaseCheck;
  /** What is known of its transactions; positions without are asked for. */
  readonly found: (KnownTransaction | undefined)[];
  readonly missing: readonly number[];
  /** Until when transactions may come; undefined when they have. */
  deadline: number | undefined;
  proposalId: number | undefined;
  job: DeclaredJob | undefined;
}

/** See {@link declarationsUnderWay}. */
export interface DeclarationsUnderWay {
  /** All of them, by client, the oldest of each first. */
  all(): readonly UnderWay[];
  /** A client's, by their request ids. */
  of(clientId: number): ReadonlyMap<number, UnderWay>;
  /**
   * Who has to make room for another of so many transactions: the oldest of the holder that has most.
   * @returns those that have to go; null if it is the other itself, as none has more
   */
  crowded(holder: string, transactions: number): readonly UnderWay[] | null;
  add(declaration: UnderWay): void;
  remove(declaration: UnderWay): void;
  /** Gives one a number, under which a node judges it. */
  propose(declaration: UnderWay): number;
  proposed(proposalId: number): UnderWay | undefined;
}

/** None yet. @param most transactions of all together */
export const declarationsUnderWay = (most = MOST_TRANSACTIONS_UNDER_WAY): DeclarationsUnderWay => {
  const byClient = new Map<number, Map<number, UnderWay>>();
  /** In the order in which they came. */
  const byHolder = new Map<string, Set<UnderWay>>();
  const proposals = new Map<number, UnderWay>();
  const none: ReadonlyMap<number, UnderWay> = new Map();
  let transactions = 0;
  let lastProposalId = 0;

  const sizeOf = ({ declaration }: UnderWay): number => declaration.wtxids.length;

  return {
    all: () => [...byClient.values()].flatMap((own) => [...own.values()]),
    of: (clientId) => byClient.get(clientId) ?? none,
    crowded(holder, added) {
      const leaving: UnderWay[] = [];
      let excess = transactions + added - most;
      if (excess <= 0) return leaving;
      const held = new Map(
        [...byHolder].map(([name, own]) => [
          name,
          { own: [...own], size: [...own].reduce((sum, one) => sum + sizeOf(one), 0) },
        ]),
      );
      const newcomer = held.get(holder) ?? { own: [], size: 0 };
      held.set(holder, newcomer);
      newcomer.size += added;
      while (excess > 0) {
        let largest = newcomer;
        for (const other of held.values()) if (other.size > largest.size) largest = other;
        const oldest = largest.own.shift();
        if (oldest === undefined) return null;
        leaving.push(oldest);
        largest.size -= sizeOf(oldest);
        excess -= sizeOf(oldest);
      }
      return leaving;
    },
    add(declaration) {
      const { client, requestId } = declaration;
      const ofClient = byClient.get(client.clientId) ?? new Map<number, UnderWay>();
      byClient.set(client.clientId, ofClient.set(requestId, declaration));
      const ofHolder = byHolder.get(client.holder) ?? new Set<UnderWay>();
      byHolder.set(client.holder, ofHolder.add(declaration));
      transactions += sizeOf(declaration);
    },
    remove(declaration) {
      const { client, requestId, proposalId } = declaration;
      const ofClient = byClient.get(client.clientId);
      if (ofClient?.get(requestId) !== declaration) return;
      ofClient.delete(requestId);
      if (ofClient.size === 0) byClient.delete(client.clientId);
      const ofHolder = byHolder.get(client.holder);
      ofHolder?.delete(declaration);
      if (ofHolder?.size === 0) byHolder.delete(client.holder);
      if (proposalId !== undefined) proposals.delete(proposalId);
      transactions -= sizeOf(declaration);
    },
    propose(declaration) {
      const proposalId = ++lastProposalId;
      declaration.proposalId = proposalId;
      proposals.set(proposalId, declaration);
      return proposalId;
    },
    proposed: (proposalId) => proposals.get(proposalId),
  };
};
