import { difficultyFromTarget } from '../../bitcoin/target.js';
import { toDisplayHex } from '../../bitcoin/hash.js';
import type { JobDeclarationClientOutcome } from '../../roles/jd-client/jd-client.js';
import type { JobDeclarationServerOutcome } from '../../roles/jd-server/jd-server.js';
import type { MinerOutcome } from '../../roles/miner/miner.js';
import type { PoolOutcome } from '../../roles/pool/pool.js';
import type { TemplateProviderOutcome } from '../../roles/template-provider/template-provider.js';
import type { ClientOutcome, ServerOutcome } from '../../service/outcomes.js';
import { nameOf } from './users.js';

/** An outcome and the service it came from. */
export type DemoOutcome =
  | { readonly from: 'templateProvider'; readonly outcome: ServerOutcome<TemplateProviderOutcome> }
  | { readonly from: 'pool'; readonly outcome: PoolOutcome }
  | { readonly from: 'declarationServer'; readonly outcome: ServerOutcome<JobDeclarationServerOutcome> }
  /** `name`: whose work it chooses. */
  | {
      readonly from: 'declarationClient';
      readonly name: string;
      readonly outcome: JobDeclarationClientOutcome;
    }
  | { readonly from: 'monitoring'; readonly outcome: { readonly type: 'Listening'; readonly url: string } }
  | { readonly from: 'miner'; readonly name: string; readonly outcome: ClientOutcome<MinerOutcome> };

/** One miner as the pool and the miner itself see it. */
export interface MinerState {
  readonly name: string;
  readonly channel: 'standard' | 'extended';
  readonly connected: boolean;
  /** Hashes per second. */
  readonly hashRate: number;
  /** Of the target the pool has set; undefined before the channel is open. */
  readonly difficulty: number | undefined;
  readonly accepted: number;
  readonly rejected: number;
  readonly blocks: number;
}

/** A block of the chain. */
export interface BlockState {
  readonly height: number;
  /** As block explorers show it. */
  readonly hash: string;
  readonly finder: string;
  /** Milliseconds since the one before, or since the start. */
  readonly interval: number;
}

/** What the demo shows. */
export interface DemoState {
  /** When it was started, and when the last outcome came, in milliseconds. */
  readonly startedAt: number;
  readonly now: number;
  readonly miners: readonly MinerState[];
  /** Accepted blocks, newest first. */
  readonly blocks: readonly BlockState[];
  readonly rejectedBlocks: number;
  /** Why the last block was rejected, or what else went wrong. */
  readonly trouble: string | undefined;
  /** Where all of this can be seen in a browser. */
  readonly dashboard?: string | undefined;
  /** Who found the blocks that the template provider has not judged yet, by hash. */
  readonly finders: ReadonlyMap<string, string>;
}

/** The state before anything has happened. */
export function demoState(miners: readonly Pick<MinerState, 'name' | 'channel'>[], now: number): DemoState {
  return {
    startedAt: now,
    now,
    miners: miners.map((miner) => ({
      ...miner,
      connected: false,
      hashRate: 0,
      difficulty: undefined,
      accepted: 0,
      rejected: 0,
      blocks: 0,
    })),
    blocks: [],
    rejectedBlocks: 0,
    trouble: undefined,
    finders: new Map(),
  };
}

/** The state after an outcome. */
export function withOutcome(state: DemoState, event: DemoOutcome, now: number): DemoState {
  const next = { ...state, now };
  switch (event.from) {
    case 'miner':
      return withMiner(next, event.name, minerChange(event.outcome));
    case 'pool':
      return withPoolOutcome(next, event.outcome);
    case 'templateProvider':
      return withTemplateProviderOutcome(next, event.outcome);
    case 'declarationClient':
      return withOwnBlock(next, event.name, event.outcome);
    case 'declarationServer':
      return next;
    case 'monitoring':
      return { ...next, dashboard: event.outcome.url };
  }
}

/** A declaration client knows of its block before the pool does. */
function withOwnBlock(state: DemoState, finder: string, outcome: JobDeclarationClientOutcome): DemoState {
  if (outcome.type !== 'OwnWork' || outcome.outcome.type !== 'OwnBlockFound') return state;
  return withFinder(state, outcome.outcome.hash, finder);
}

/** Remembers who found a block that is not accepted yet. */
function withFinder(state: DemoState, blockHash: Uint8Array, finder: string): DemoState {
  const hash = toDisplayHex(blockHash);
  if (state.blocks.some((block) => block.hash === hash)) return state;
  return { ...state, finders: new Map(state.finders).set(hash, finder) };
}

function minerChange(outcome: ClientOutcome<MinerOutcome>): (miner: MinerState) => Partial<MinerState> {
  switch (outcome.type) {
    case 'connected':
      return () => ({ connected: true });
    case 'disconnected':
      return () => ({ connected: false, hashRate: 0 });
    case 'HashRate':
      return () => ({ hashRate: outcome.hashesPerSecond });
    default:
      return () => ({});
  }
}

function withPoolOutcome(state: DemoState, outcome: PoolOutcome): DemoState {
  switch (outcome.type) {
    case 'ChannelOpened':
    case 'ShareAccepted':
    case 'ShareRejected': {
      if (outcome.userIdentity === null) return state;
      return withMiner(state, nameOf(outcome.userIdentity), ({ accepted, rejected }) => {
        if (outcome.type === 'ChannelOpened') return { difficulty: difficultyFromTarget(outcome.target) };
        if (outcome.type === 'ShareRejected') return { rejected: rejected + 1 };
        return { accepted: accepted + 1, difficulty: outcome.difficulty };
      });
    }
    case 'BlockFound':
      return withFinder(state, outcome.hash, nameOf(outcome.userIdentity));
    default:
      return state;
  }
}

function withTemplateProviderOutcome(
  state: DemoState,
  outcome: ServerOutcome<TemplateProviderOutcome>,
): DemoState {
  switch (outcome.type) {
    case 'BlockAccepted': {
      const hash = toDisplayHex(outcome.hash);
      const finder = state.finders.get(hash) ?? 'unknown';
      const finders = new Map(state.finders);
      finders.delete(hash);
      const interval =
        state.now - state.startedAt - state.blocks.reduce((sum, block) => sum + block.interval, 0);
      const blocks = [{ height: outcome.height, hash, finder, interval }, ...state.blocks];
      return withMiner({ ...state, blocks, finders }, finder, (miner) => ({ blocks: miner.blocks + 1 }));
    }
    case 'BlockRejected':
      return {
        ...state,
        rejectedBlocks: state.rejectedBlocks + 1,
        trouble: `block rejected: ${outcome.reason}`,
      };
    default:
      return state;
  }
}

function withMiner(
  state: DemoState,
  name: string,
  change: (miner: MinerState) => Partial<MinerState>,
): DemoState {
  return {
    ...state,
    miners: state.miners.map((miner) => (miner.name === name ? { ...miner, ...change(miner) } : miner)),
  };
}
