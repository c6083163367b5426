/** What a template provider is at: a fold of its outcomes. */
import type { OperatorFunction } from 'rxjs';
import { toDisplayHex } from '../bitcoin/hash.js';
import type { TemplateProviderOutcome } from '../roles/template-provider/template-provider.js';
import type { ServerOutcome } from '../service/outcomes.js';
import type { DownstreamState } from './downstream-types.js';
import { downstream } from './downstream.js';
import {
  foldOf,
  states,
  type Fold,
  type Note,
  type Part,
  type StateOptions,
  type StateTimes,
} from './fold.js';
import { problems, type ProblemsState } from './problems.js';
import { source, type SourceState } from './source.js';
import { countOne, recordOf, type Counts } from './tally.js';

/** A block that a client found. */
export interface SubmittedBlock {
  /** 64 hex digits, as people read them; null if it did not come to a block. */
  readonly hash: string | null;
  /** Null if it was not accepted. */
  readonly height: number | null;
  readonly clientId: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly isAccepted: boolean;
  /** Why it was not; empty if it was. */
  readonly reason: string;
}

/** What a template provider is at: plain data that `JSON.stringify` takes as it is. */
export interface TemplateProviderState extends StateTimes, Pick<DownstreamState, 'clients'> {
  readonly role: 'template-provider';
  /** The block to be found. */
  readonly tip: {
    readonly height: number;
    /** 64 hex digits, as people read them. */
    readonly prevHash: string;
    readonly nbits: number;
    readonly at: number;
  } | null;
  /** The last that was sent. */
  readonly template: {
    readonly at: number;
    readonly height: number;
    readonly transactionCount: number;
    /** Satoshis. */
    readonly fees: number;
    /** How many were sent since the start; one to many clients counts once. */
    readonly count: number;
  } | null;
  readonly source: SourceState;
  /** The newest last, 100 at most. */
  readonly blocks: readonly SubmittedBlock[];
  /** Blocks and what was none since the start: accepted, and rejected by reason. */
  readonly blocksAccepted: number;
  readonly blocksRejected: Readonly<Record<string, number>>;
  readonly problems: ProblemsState;
}

type Own = 'tip' | 'template' | 'blocks' | 'blocksAccepted' | 'blocksRejected';
type Of<T extends TemplateProviderOutcome['type']> = Extract<TemplateProviderOutcome, { readonly type: T }>;

/** Blocks that are kept. */
const maxBlocks = 100;

/** The parts of a state that only a template provider has. */
function providing(): { readonly [K in Own]: Part<TemplateProviderState[K]> } {
  let tip: TemplateProviderState['tip'] = null;
  let template: TemplateProviderState['template'] = null;
  let blocks: readonly SubmittedBlock[] = [];
  let accepted = 0;
  const rejected: Counts = new Map();
  let shownRejected: Readonly<Record<string, number>> | undefined;

  const onTip: Note<Of<'TipChanged'>> = ({ height, prevHash, nbits }, now) => {
    tip = { height, prevHash: toDisplayHex(prevHash), nbits, at: now };
  };
  const onTemplate: Note<Of<'TemplateSent'>> = ({ height, transactionCount, fees }, now) => {
    const count = (template?.count ?? 0) + 1;
    template = { at: now, height, transactionCount, fees: Number(fees), count };
  };
  const keep = (block: SubmittedBlock): void => {
    blocks = [...blocks.slice(1 - maxBlocks), block];
  };
  const onAccepted: Note<Of<'BlockAccepted'>> = ({ clientId, height, hash }, now) => {
    accepted += 1;
    keep({ hash: toDisplayHex(hash), height, clientId, at: now, isAccepted: true, reason: '' });
  };
  const onRejected: Note<Of<'BlockRejected'>> = ({ clientId, hash, reason }, now) => {
    countOne(rejected, reason);
    shownRejected = undefined;
    const shown = hash === null ? null : toDisplayHex(hash);
    keep({ hash: shown, height: null, clientId, at: now, isAccepted: false, reason });
  };

  return {
    tip: { on: { TipChanged: onTip }, state: () => tip },
    template: { on: { TemplateSent: onTemplate }, state: () => template },
    blocks: { on: { BlockAccepted: onAccepted, BlockRejected: onRejected }, state: () => blocks },
    blocksAccepted: { on: {}, state: () => accepted },
    blocksRejected: { on: {}, state: () => (shownRejected ??= recordOf(rejected)) },
  };
}

/**
 * What a template provider is at, as a state that outcomes are noted in one by one; see `poolFold`.
 * @param startedAt milliseconds since 1970
 */
export const templateProviderFold = (startedAt: number): Fold<TemplateProviderState> =>
  foldOf<TemplateProviderState>(
    {
      role: { on: {}, state: () => 'template-provider' },
      clients: downstream(startedAt).clients,
      ...providing(),
      source: source(startedAt),
      problems: problems(),
    },
    startedAt,
  );

/** From a template provider's outcomes to what it is at; see `poolState` and `states`. */
export const templateProviderState = (
  options: StateOptions = {},
): OperatorFunction<ServerOutcome<TemplateProviderOutcome>, TemplateProviderState> =>
  states(templateProviderFold, options);
