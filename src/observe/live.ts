/** What a dashboard is told: the whole at first, then what has changed; the same functions make it and read it. */
import type { Alert } from './alerts.js';
import type { BlockState, TemplateState, TipState } from './blocks.js';
import type { DownstreamState } from './downstream-types.js';
import type { StateTimes } from './fold.js';
import { liveRows, rowChanges, withRowChanges, type LiveRowChanges, type LiveRows } from './live-rows.js';
import type { ProblemsState } from './problems.js';
import type { Shares } from './tally.js';
import type { UpstreamState } from './upstreams.js';
import type { HashRates } from './windows.js';

/** What a dashboard shows besides the table: small, and sent whole if it is another. Absent is what a role has not. */
export interface LiveParts {
  readonly role: string;
  readonly version: string;
  readonly startedAt: number;
  readonly counts?: { readonly clients: number; readonly channels: number; readonly users: number };
  readonly shares?: Shares;
  readonly hashRate?: HashRates;
  readonly tip?: TipState | null;
  readonly template?: (TemplateState & { readonly fees?: number }) | null;
  readonly blocks?: readonly BlockState[];
  readonly upstreams?: readonly UpstreamState[];
  readonly problems?: ProblemsState;
  /** What somebody should look after: the first that began, as many as are shown. */
  readonly alerts?: readonly Alert[];
  /** How many there are. */
  readonly alertCount?: number;
  /** Whether there is a ledger whose accounts can be asked for. */
  readonly hasAccounts?: boolean;
}

/** What a dashboard shows that no state says. */
export type LiveExtras = Pick<LiveParts, 'alerts' | 'alertCount' | 'hasAccounts'>;

/** What a dashboard shows at one moment. */
export interface LiveState {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly parts: LiveParts;
  readonly rows: LiveRows;
}

/** A state as it travels, or what has changed since the one before. */
export interface LiveUpdate {
  /** Whether it replaces all that was told before. */
  readonly isWhole: boolean;
  readonly time: number;
  readonly parts: Partial<LiveParts>;
  readonly rows: LiveRowChanges;
}

/** States that can be shown: those of roles that serve miners, and of others as far as they have these. */
export type Showable = StateTimes & { readonly role: string } & Partial<
    DownstreamState & {
      readonly tip: TipState | null;
      readonly template: (TemplateState & { readonly fees?: number }) | null;
      readonly blocks: readonly BlockState[];
      readonly upstreams: readonly UpstreamState[];
      readonly problems: ProblemsState;
    }
  >;

const shown = ['shares', 'hashRate', 'tip', 'template', 'blocks', 'upstreams', 'problems'] as const;

/**
 * Makes what a dashboard shows of states, each from the one before.
 * @param version of the program
 */
export function liveStates(version: string): (state: Showable, extras?: LiveExtras) => LiveState {
  const rowsOf = liveRows();
  return (state, extras = {}) => {
    const { role, startedAt, time, clients, channels, users } = state;
    const parts: Record<string, unknown> = { role, version, startedAt, ...extras };
    if (clients !== undefined)
      parts['counts'] = {
        clients: clients.length,
        channels: channels?.length ?? 0,
        users: users?.length ?? 0,
      };
    for (const name of shown) if (state[name] !== undefined) parts[name] = state[name];
    return { time, parts: parts as unknown as LiveParts, rows: rowsOf(state.workers ?? []) };
  };
}

const noRows: LiveRows = new Map();
const noParts: Partial<LiveParts> = {};

/** What has to be told to whoever knows `before`; all if that is nothing. */
export function liveUpdate(before: LiveState | undefined, after: LiveState): LiveUpdate {
  const known = before?.parts ?? noParts;
  const parts = Object.fromEntries(
    Object.entries(after.parts).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(known[name as keyof LiveParts]),
    ),
  );
  return {
    isWhole: before === undefined,
    time: after.time,
    parts,
    rows: rowChanges(before?.rows ?? noRows, after.rows),
  };
}

/**
 * An update in pieces, which come to the same one after the other: none of them takes long to be written.
 * @param limit rows of a piece, 1 or more
 */
export function* piecesOf(update: LiveUpdate, limit: number): Generator<LiveUpdate> {
  const { set, gone } = update.rows;
  yield { ...update, rows: { set: set.slice(0, limit), gone } };
  for (let from = limit; from < set.length; from += limit)
    yield {
      isWhole: false,
      time: update.time,
      parts: noParts,
      rows: { set: set.slice(from, from + limit), gone: [] },
    };
}

/** What is known after an update. */
export function withUpdate(before: LiveState | undefined, update: LiveUpdate): LiveState {
  const base = update.isWhole || before === undefined ? undefined : before;
  return {
    time: update.time,
    parts: { ...(base?.parts ?? {}), ...update.parts } as LiveParts,
    rows: withRowChanges(base?.rows ?? noRows, update.rows),
  };
}
