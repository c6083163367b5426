/** What a job declaration client is at: that of its proxy, and what becomes of work of its own. */
import type { OperatorFunction } from 'rxjs';
import { toDisplayHex } from '../bitcoin/hash.js';
import type {
  DeclaredWorkOutcome,
  JobDeclarationClientOutcome,
  OwnWork,
} from '../roles/jd-client/jd-client.js';
import { chain, type BlockState } from './blocks.js';
import type { DownstreamLimits } from './downstream.js';
import {
  foldOf,
  states,
  type AnyOutcome,
  type Fold,
  type Note,
  type Part,
  type StateOptions,
} from './fold.js';
import { proxyParts, type ProxyState } from './proxy-state.js';
import { countOne, recordOf, type Counts } from './tally.js';
import { upstreams } from './upstreams.js';

/** What became of jobs of one's own templates since the start. */
export interface OwnJobsState {
  /** Given to miners, declared, and accepted by pools. */
  readonly started: number;
  readonly declared: number;
  readonly accepted: number;
  readonly refused: number;
  readonly refusedByCode: Readonly<Record<string, number>>;
  /** Shares that were lost with jobs that no pool had accepted. */
  readonly sharesLost: number;
  /** Which pair of pool and declarator work is for, from 0 on; null when mining alone, or before there is work. */
  readonly pair: number | null;
  /** How often a pair was of no use, by code. */
  readonly faults: Readonly<Record<string, number>>;
  /** The last that was given to miners. */
  readonly last: { readonly jobId: number; readonly prevHash: string; readonly at: number } | null;
}

/**
 * What a job declaration client is at: plain data that `JSON.stringify` takes as it is. Its `upstreams` are the pool, the
 * declarator and the template provider; of blocks that miners find on its jobs the user is not known.
 */
export interface JdClientState extends Omit<ProxyState, 'role'> {
  readonly role: 'jd-client';
  readonly ownJobs: OwnJobsState;
  /** The newest last, 100 at most. */
  readonly blocks: readonly BlockState[];
}

type Inner = OwnWork['outcome'];
type Of<T extends DeclaredWorkOutcome['type']> = Extract<DeclaredWorkOutcome, { readonly type: T }>;

/** A part that takes note of what own work tells of. */
const ofOwnWork = <S>(part: Part<S>): Part<S> => {
  const on = part.on as Readonly<Record<string, Note<Inner> | undefined>>;
  const note: Note<OwnWork> = ({ outcome }, now) => {
    if (Object.hasOwn(on, outcome.type)) on[outcome.type]?.(outcome, now);
  };
  return { on: { OwnWork: note }, state: (now) => part.state(now) };
};

/** Blocks: those of pairs, and those of the pool for mining alone. */
function ownBlocks(): Part<readonly BlockState[]> {
  const { blocks } = chain();
  const onBlock = blocks.on['BlockFound'] as Note<AnyOutcome>;
  const onOwn: Note<Of<'OwnBlockFound'>> = ({ hash, header }, now) =>
    onBlock(
      {
        ...{ type: 'BlockFound', clientId: 0, channelId: 0, userIdentity: '', worker: '', solution: {} },
        ...{ hash, header },
      },
      now,
    );
  return ofOwnWork({ on: { ...blocks.on, OwnBlockFound: onOwn }, state: (now) => blocks.state(now) });
}

const nothingYet: Omit<OwnJobsState, 'refusedByCode' | 'faults'> = {
  ...{ started: 0, declared: 0, accepted: 0, refused: 0, sharesLost: 0, pair: null, last: null },
};

function ownJobs(): Part<OwnJobsState> {
  let counted = nothingYet;
  const codes: Counts = new Map();
  const faults: Counts = new Map();
  let shown: OwnJobsState | undefined;
  const change = (values: Partial<typeof counted>): void => {
    counted = { ...counted, ...values };
    shown = undefined;
  };

  const note: Note<OwnWork> = ({ pair, outcome }, now) => {
    if (pair === null) {
      if (outcome.type === 'NewTip' && counted.pair !== null) change({ pair });
      return;
    }
    const own = outcome as DeclaredWorkOutcome;
    switch (own.type) {
      case 'OwnJobStarted':
        change({
          ...{ started: counted.started + 1, pair },
          last: { jobId: own.jobId, prevHash: toDisplayHex(own.prevHash), at: now },
        });
        break;
      case 'OwnJobDeclared':
        change({ declared: counted.declared + 1 });
        break;
      case 'OwnJobAccepted':
        change({ accepted: counted.accepted + 1 });
        break;
      case 'OwnJobRefused':
        countOne(codes, own.errorCode);
        change({ refused: counted.refused + 1 });
        break;
      case 'KeptSharesLost':
        change({ sharesLost: counted.sharesLost + own.count });
        break;
      case 'PairFaulty':
        countOne(faults, own.code);
        change(counted.pair === pair ? { pair: null } : {});
        break;
    }
  };

  return {
    on: { OwnWork: note },
    state: () => (shown ??= { ...counted, refusedByCode: recordOf(codes), faults: recordOf(faults) }),
  };
}

/**
 * What a job declaration client is at, as a state that outcomes are noted in one by one; see `poolFold`.
 * @param startedAt milliseconds since 1970
 */
export const jdClientFold = (startedAt: number, limits: DownstreamLimits = {}): Fold<JdClientState> =>
  foldOf<JdClientState>(
    {
      ...proxyParts(startedAt, limits),
      role: { on: {}, state: () => 'jd-client' },
      upstreams: ofOwnWork(upstreams(startedAt, 'templateDistribution')),
      ownJobs: ownJobs(),
      blocks: ownBlocks(),
    },
    startedAt,
  );

/** From a job declaration client's outcomes to what it is at; see `poolState` and `states`. */
export const jdClientState = (
  options: StateOptions & DownstreamLimits = {},
): OperatorFunction<JobDeclarationClientOutcome, JdClientState> =>
  states((now) => jdClientFold(now, options), options);
