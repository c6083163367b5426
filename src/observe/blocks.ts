/** The part of a state that knows what a pool builds on, and what became of the blocks that it found. */
import { parseBlockHeader } from '../bitcoin/block-header.js';
import { toDisplayHex } from '../bitcoin/hash.js';
import { difficultyFromTarget, targetFromNbits } from '../bitcoin/target.js';
import type { BlockFound } from '../mining/mining-server-types.js';
import type { NewTip, Solution, SolutionUnanswered, TemplateReceived } from '../roles/pool/pool.js';
import type { ClientOutcome } from '../service/outcomes.js';
import type { Note, Part } from './fold.js';

/** The block that is built on. */
export interface TipState {
  /** Its hash: 64 hex digits, as people read them. */
  readonly prevHash: string;
  readonly nbits: number;
  /** That of the network. */
  readonly difficulty: number;
  /** Since when, in milliseconds since 1970. */
  readonly at: number;
}

/** The template that is newest. */
export interface TemplateState {
  /** When it came, in milliseconds since 1970. */
  readonly at: number;
  /** Of the block to be found; null if it is not known. */
  readonly height: number | null;
  /** What the coinbase's outputs are worth together: subsidy and fees, in satoshis. */
  readonly value: number;
  /** How many there were since the start. */
  readonly count: number;
  /** Whether there has been none for longer than the pool would have it (`maxTemplateAge`). */
  readonly isOld: boolean;
}

/** A block that was found. */
export interface BlockState {
  /** 64 hex digits, as people read them. */
  readonly hash: string;
  readonly prevHash: string;
  /** Null if it is not known. */
  readonly height: number | null;
  /** In milliseconds since 1970. */
  readonly foundAt: number;
  readonly user: string;
  readonly worker: string;
  readonly clientId: number;
  readonly channelId: number;
  /**
   * `sent` to the template provider, or `held` until it is back; `unanswered` when it does not build on it in time;
   * `confirmed` when it does, `lost` when the chain went on without it. Blocks of custom jobs are `declared`: others
   * send them.
   */
  readonly fate: 'sent' | 'held' | 'unanswered' | 'confirmed' | 'lost' | 'declared';
  /** Since when. */
  readonly fateAt: number;
}

/** What a pool builds on, and its blocks. */
export interface ChainState {
  readonly tip: TipState | null;
  readonly template: TemplateState | null;
  /** The newest last, 100 at most. */
  readonly blocks: readonly BlockState[];
}

/** Blocks that are kept. */
const maxBlocks = 100;

/** Fates that may still be others. */
const open: readonly BlockState['fate'][] = ['sent', 'held', 'unanswered'];

/** What a pool builds on, and its blocks. */
export function chain(): { readonly [K in keyof ChainState]: Part<ChainState[K]> } {
  let tip: TipState | null = null;
  let template: TemplateState | null = null;
  let isOld = false;
  let blocks: readonly BlockState[] = [];
  let isConnected = false;

  const change = (
    isMeant: (block: BlockState) => boolean,
    fate: BlockState['fate'],
    now: number,
    from: readonly BlockState['fate'][] = open,
  ): void => {
    blocks = blocks.map((block) =>
      isMeant(block) && from.includes(block.fate) && block.fate !== fate
        ? { ...block, fate, fateAt: now }
        : block,
    );
  };
  const prevHashOf = (header: Uint8Array): string => toDisplayHex(parseBlockHeader(header).prevHash);

  const note =
    (fate: BlockState['fate'], of: 'hash' | 'prevHash'): Note<Solution> =>
    ({ hash, header }, now) => {
      const meant = of === 'hash' ? toDisplayHex(hash) : prevHashOf(header);
      change((block) => block[of] === meant, fate, now);
    };
  const confirmed = note('confirmed', 'hash');
  const lost = note('lost', 'prevHash');

  const setOld = (old: boolean): void => {
    isOld = old;
    if (template !== null) template = { ...template, isOld };
  };

  const onBlock: Note<BlockFound> = (
    { clientId, channelId, userIdentity, worker, hash, header, solution },
    now,
  ) => {
    const prevHash = prevHashOf(header);
    const block: BlockState = {
      ...{
        hash: toDisplayHex(hash),
        prevHash,
        foundAt: now,
        user: userIdentity,
        worker,
        clientId,
        channelId,
      },
      height: tip?.prevHash === prevHash ? (template?.height ?? null) : null,
      fate: solution === null ? 'declared' : isConnected ? 'sent' : 'held',
      fateAt: now,
    };
    blocks = [...blocks.slice(1 - maxBlocks), block];
  };

  const onTip: Note<NewTip> = ({ prevHash, nbits }, now) => {
    const hash = toDisplayHex(prevHash);
    const at = tip?.prevHash === hash ? tip.at : now;
    tip = { prevHash: hash, nbits, difficulty: difficultyFromTarget(targetFromNbits(nbits)), at };
  };

  const onTemplate: Note<TemplateReceived> = ({ height, value }, now) => {
    isOld = false;
    template = { at: now, height, value: Number(value), count: (template?.count ?? 0) + 1, isOld };
  };

  const onConnection: Note<
    Partial<ClientOutcome> & { readonly clientId?: number; readonly protocol?: string }
  > = ({ type, clientId, protocol }) => {
    if (clientId === undefined && protocol === 'templateDistribution') isConnected = type === 'connected';
  };

  return {
    tip: { on: { NewTip: onTip }, state: () => tip },
    template: {
      on: {
        TemplateReceived: onTemplate,
        TemplateOld: () => setOld(true),
        TemplateRenewed: () => setOld(false),
      },
      state: () => template,
    },
    blocks: {
      on: {
        connected: onConnection,
        disconnected: onConnection,
        BlockFound: onBlock,
        SolutionHeld: note('held', 'hash'),
        SolutionsSentAgain: (_: unknown, now: number) =>
          change(() => true, 'sent', now, ['held', 'unanswered']),
        SolutionUnanswered: ((outcome, now) =>
          note('unanswered', 'prevHash')(outcome, now)) satisfies Note<SolutionUnanswered>,
        SolutionConfirmed: ((outcome, now) => {
          confirmed(outcome, now);
          lost(outcome, now); // of those on one previous block only one can win
        }) satisfies Note<Solution>,
        SolutionLost: lost,
      },
      state: () => blocks,
    },
  };
}
