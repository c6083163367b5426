/** What a job declaration server is at: a fold of its outcomes. */
import type { OperatorFunction } from 'rxjs';
import { toDisplayHex } from '../bitcoin/hash.js';
import type { JobDeclarationServerOutcome } from '../roles/jd-server/jd-server.js';
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

/** A block of a declared job. */
export interface DeclaredBlockState {
  /** 64 hex digits, as people read them. */
  readonly hash: string;
  readonly height: number;
  /** Who pushed it; null if the pool has found it on a custom job. */
  readonly clientId: number | null;
  /** In milliseconds since 1970. */
  readonly foundAt: number;
  /** `sent` to the node, which `confirmed` that it builds on it, or refused it: `lost`. */
  readonly fate: 'sent' | 'confirmed' | 'lost';
  /** Since when. */
  readonly fateAt: number;
  /** Why the node refused it, in its word; empty if it did not. */
  readonly reason: string;
}

/** Declarations since the start. */
export interface DeclarationsState {
  /** Tokens that were given out, and those that made room for others without having been used. */
  readonly tokens: number;
  readonly tokensDropped: number;
  /** Declared jobs that were accepted, and how many of them a node has judged. */
  readonly accepted: number;
  readonly judgedByNode: number;
  readonly refused: number;
  readonly refusedByCode: Readonly<Record<string, number>>;
  /** Transactions that only clients had. */
  readonly transactionsProvided: number;
  /** The last that was accepted. */
  readonly last: {
    readonly user: string;
    readonly height: number;
    readonly transactions: number;
    readonly at: number;
  } | null;
}

/** What a job declaration server is at: plain data that `JSON.stringify` takes as it is. */
export interface JdServerState extends StateTimes, Pick<DownstreamState, 'clients'> {
  readonly role: 'jd-server';
  readonly declarations: DeclarationsState;
  /** Blocks of declared jobs, the newest last, 100 at most. */
  readonly blocks: readonly DeclaredBlockState[];
  /** The Bitcoin node. */
  readonly source: SourceState;
  readonly problems: ProblemsState;
}

type Of<T extends JobDeclarationServerOutcome['type']> = Extract<
  JobDeclarationServerOutcome,
  { readonly type: T }
>;

/** Blocks that are kept. */
const maxBlocks = 100;

const nothingYet: Omit<DeclarationsState, 'refusedByCode'> = {
  ...{ tokens: 0, tokensDropped: 0, accepted: 0, judgedByNode: 0, refused: 0 },
  ...{ transactionsProvided: 0, last: null },
};

function declarations(): Part<DeclarationsState> {
  let counted = nothingYet;
  const codes: Counts = new Map();
  let shown: DeclarationsState | undefined;
  const change = (values: Partial<typeof counted>): void => {
    counted = { ...counted, ...values };
    shown = undefined;
  };

  const onDeclared: Note<Of<'JobDeclared'>> = (
    { userIdentifier: user, height, transactions, provided, validatedBy },
    at,
  ) =>
    change({
      accepted: counted.accepted + 1,
      judgedByNode: counted.judgedByNode + (validatedBy === 'node' ? 1 : 0),
      transactionsProvided: counted.transactionsProvided + provided,
      last: { user, height, transactions, at },
    });
  const onRefused: Note<Of<'DeclarationRefused'>> = ({ errorCode }) => {
    countOne(codes, errorCode);
    change({ refused: counted.refused + 1 });
  };

  return {
    on: {
      TokenAllocated: () => change({ tokens: counted.tokens + 1 }),
      TokenDropped: () => change({ tokensDropped: counted.tokensDropped + 1 }),
      JobDeclared: onDeclared,
      DeclarationRefused: onRefused,
    },
    state: () => (shown ??= { ...counted, refusedByCode: recordOf(codes) }),
  };
}

function declaredBlocks(): Part<readonly DeclaredBlockState[]> {
  let blocks: readonly DeclaredBlockState[] = [];

  const found = (hash: Uint8Array, height: number, clientId: number | null, now: number): void => {
    const shown = toDisplayHex(hash);
    if (blocks.some((block) => block.hash === shown)) return; // its client was faster, or the pool
    const fate = { fate: 'sent', fateAt: now, reason: '' } as const;
    blocks = [...blocks.slice(1 - maxBlocks), { hash: shown, height, clientId, foundAt: now, ...fate }];
  };
  const settled = (hash: Uint8Array, fate: 'confirmed' | 'lost', reason: string, fateAt: number): void => {
    const shown = toDisplayHex(hash);
    blocks = blocks.map((block) =>
      block.hash === shown && block.fate !== 'confirmed' ? { ...block, fate, fateAt, reason } : block,
    );
  };

  return {
    on: {
      SolutionPushed: (({ hash, height, clientId }, now) =>
        found(hash, height, clientId, now)) satisfies Note<Of<'SolutionPushed'>>,
      CustomBlockFound: (({ hash, height }, now) => found(hash, height, null, now)) satisfies Note<
        Of<'CustomBlockFound'>
      >,
      PushedBlockAccepted: (({ hash }, now) => settled(hash, 'confirmed', '', now)) satisfies Note<
        Of<'PushedBlockAccepted'>
      >,
      PushedBlockRejected: (({ hash, reason }, now) => settled(hash, 'lost', reason, now)) satisfies Note<
        Of<'PushedBlockRejected'>
      >,
    },
    state: () => blocks,
  };
}

/**
 * What a job declaration server is at, as a state that outcomes are noted in one by one; see `poolFold`.
 * @param startedAt milliseconds since 1970
 */
export const jdServerFold = (startedAt: number): Fold<JdServerState> =>
  foldOf<JdServerState>(
    {
      role: { on: {}, state: () => 'jd-server' },
      clients: downstream(startedAt).clients,
      declarations: declarations(),
      blocks: declaredBlocks(),
      source: source(startedAt),
      problems: problems(),
    },
    startedAt,
  );

/** From a job declaration server's outcomes to what it is at; see `poolState` and `states`. */
export const jdServerState = (
  options: StateOptions = {},
): OperatorFunction<ServerOutcome<JobDeclarationServerOutcome>, JdServerState> =>
  states(jdServerFold, options);
