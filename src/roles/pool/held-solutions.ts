/** Which blocks were found and not seen on the chain yet: what to send again, and what to tell. */
import { sameBytes } from '../../bitcoin/consensus-bytes.js';
import { bytesToHex } from '../../codec/hex.js';
import type { SubmitSolution } from '../../messages/template-distribution.js';

/** A block that a miner found, with all that it takes to submit it by hand. */
export interface Solution {
  /** 32 bytes as SHA-256 returned them. */
  readonly hash: Uint8Array;
  /** 80 bytes. */
  readonly header: Uint8Array;
  /** For the template provider whose template it is, with that provider's own template id. */
  readonly solution: SubmitSolution;
}

/** A block was found while its template provider is away; told once an outage. It is sent when the provider is back. */
export interface SolutionHeld extends Solution {
  readonly type: 'SolutionHeld';
}

/** A template provider is back and was sent the blocks that were found for its templates. */
export interface SolutionsSentAgain {
  readonly type: 'SolutionsSentAgain';
  /** How many were sent. */
  readonly sent: number;
  /** How many blocks were found in all since it was lost; of many on one previous block only a few are kept. */
  readonly found: number;
}

/** A template provider was sent a block and did not build on it, nor on any other: it may hang. */
export interface SolutionUnanswered extends Solution {
  readonly type: 'SolutionUnanswered';
  /** Milliseconds since it was sent. */
  readonly waited: number;
  /** How many others on the same previous block it was sent since. */
  readonly others: number;
}

/** A block of ours is what the chain builds on now. */
export interface SolutionConfirmed extends Solution {
  readonly type: 'SolutionConfirmed';
}

/** The chain has gone on without a block of ours, by two blocks: it is not sent again. */
export interface SolutionLost extends Solution {
  readonly type: 'SolutionLost';
  /** How many others on the same previous block are given up with it. */
  readonly others: number;
}

/** What becomes of blocks that were found. */
export type SolutionOutcome =
  SolutionHeld | SolutionsSentAgain | SolutionUnanswered | SolutionConfirmed | SolutionLost;

/** Keeps blocks until it is known what became of them. Times are milliseconds since 1970. */
export interface HeldSolutions {
  /**
   * A block was found.
   * @param upstream the template provider whose template it is
   * @returns what to send to it, which is nothing while it is away
   */
  found(
    block: Solution,
    upstream: number,
    now: number,
  ): { readonly send: readonly SubmitSolution[]; readonly outcomes: readonly SolutionOutcome[] };
  /** A template provider is connected. @returns what to send to it again */
  connected(
    upstream: number,
    now: number,
  ): { readonly send: readonly SubmitSolution[]; readonly outcomes: readonly SolutionOutcome[] };
  /** The template provider is gone. */
  disconnected(): void;
  /** A template provider builds on a block. @param prevHash its hash: 32 bytes in wire order */
  tip(prevHash: Uint8Array): readonly SolutionOutcome[];
  /** The block that the template provider should have built on by now; told once for all on a previous block. */
  unanswered(now: number): SolutionUnanswered | undefined;
  /** How many blocks are kept. */
  readonly size: number;
}

/** Blocks kept of those with one previous block: only one can win, the others are for if that one is not valid. */
const maxSiblings = 8;

/** Blocks kept in all. */
const maxHeld = 64;

/** Blocks of others on the chain after which ours is given up. */
const maxTips = 2;

/** How long a template provider may take to build on a block, in milliseconds. Bitcoin Core takes about a second. */
export const answerTimeout = 10_000;

interface Held extends Solution {
  readonly upstream: number;
  readonly prevHash: string;
  tips: number;
  sentAt: number | undefined;
  isTold: boolean;
}

/** Keeps blocks in bounded memory: of many on one previous block the first, and those of other templates. */
export const heldSolutions = (): HeldSolutions => {
  let held: readonly Held[] = [];
  let present: number | undefined;
  let lastTip = '';
  const foundInOutage = new Map<number, number>();

  const without = (entry: Held) => held.filter((other) => other !== entry);
  const solutionOf = ({ hash, header, solution }: Held): Solution => ({ hash, header, solution });
  /** Gives blocks up; told once for all on a previous block. */
  const giveUp = (lost: readonly Held[]): SolutionLost[] => {
    held = held.filter((entry) => !lost.includes(entry));
    return lost.flatMap((entry) => {
      const siblings = lost.filter(({ prevHash }) => prevHash === entry.prevHash);
      if (siblings[0] !== entry) return [];
      return [{ type: 'SolutionLost', ...solutionOf(entry), others: siblings.length - 1 }];
    });
  };

  /** Makes room for a block, if there is any; returns whether. */
  const makeRoom = (prevHash: string, { templateId }: SubmitSolution): boolean => {
    const siblings = held.filter((entry) => entry.prevHash === prevHash);
    if (siblings.length < maxSiblings) return true;
    const ids = siblings.map(({ solution }) => solution.templateId);
    if (ids.includes(templateId)) return false;
    const spare = siblings.findLast(({ solution }, index) => ids.indexOf(solution.templateId) < index);
    if (spare === undefined) return false;
    held = without(spare);
    return true;
  };

  return {
    found({ hash, header, solution }, upstream, now) {
      const block = { hash, header, solution };
      const isPresent = upstream === present;
      const count = foundInOutage.get(upstream) ?? 0;
      if (!isPresent) foundInOutage.set(upstream, count + 1);
      const outcomes: SolutionOutcome[] = isPresent || count > 0 ? [] : [{ type: 'SolutionHeld', ...block }];
      const prevHash = bytesToHex(header.subarray(4, 36));
      if (!makeRoom(prevHash, solution)) return { send: [], outcomes };
      const sentAt = isPresent ? now : undefined;
      held = [...held, { ...block, upstream, prevHash, tips: 0, sentAt, isTold: false }];
      outcomes.push(...giveUp(held.slice(0, Math.max(0, held.length - maxHeld))));
      return { send: isPresent ? [solution] : [], outcomes };
    },
    connected(upstream, now) {
      present = upstream;
      const own = held.filter((entry) => entry.upstream === upstream);
      for (const entry of own) entry.sentAt = now;
      const found = foundInOutage.get(upstream) ?? 0;
      foundInOutage.delete(upstream);
      if (own.length === 0) return { send: [], outcomes: [] };
      return {
        send: own.map(({ solution }) => solution),
        outcomes: [{ type: 'SolutionsSentAgain', sent: own.length, found: Math.max(found, own.length) }],
      };
    },
    disconnected() {
      present = undefined;
    },
    tip(prevHash) {
      const hash = bytesToHex(prevHash);
      if (hash === lastTip) return [];
      lastTip = hash;
      const confirmed = held.find((entry) => sameBytes(entry.hash, prevHash));
      const outcomes: SolutionOutcome[] = [];
      if (confirmed !== undefined) {
        outcomes.push({ type: 'SolutionConfirmed', ...solutionOf(confirmed) });
        held = held.filter((entry) => entry.prevHash !== confirmed.prevHash); // only one could win
      }
      for (const entry of held) if (entry.prevHash !== hash) entry.tips += 1;
      return [...outcomes, ...giveUp(held.filter(({ tips }) => tips >= maxTips))];
    },
    unanswered(now) {
      const late = held.find(
        ({ sentAt, upstream, isTold, tips }) =>
          upstream === present &&
          sentAt !== undefined &&
          !isTold &&
          tips === 0 &&
          now - sentAt >= answerTimeout,
      );
      if (late === undefined) return undefined;
      const siblings = held.filter(
        ({ prevHash, upstream }) => prevHash === late.prevHash && upstream === present,
      );
      for (const entry of siblings) entry.isTold = true;
      const waited = now - (late.sentAt ?? now);
      return { type: 'SolutionUnanswered', ...solutionOf(late), waited, others: siblings.length - 1 };
    },
    get size() {
      return held.length;
    },
  };
};
