/** What goes into a declaring client and what comes out. */
import type {
  JobDeclarationToClient,
  MiningToClient,
  MiningToServer,
  TemplateDistributionToClient,
} from '../messages/directions.js';
import type { Message } from '../messages/registry.js';
import type { ReconstructedBlock } from './declared-block.js';
import type { SetPayoutDistribution } from './payout-messages.js';

/** Options of `declaringClient`. */
export interface DeclaringClientOptions {
  /** Whether transactions are declared (spec §6.3.2), or only the coinbase is told to the pool (§6.3.1). */
  readonly mode: 'full-template' | 'coinbase-only';
  /** Who tokens are for. */
  readonly userIdentifier: string;
  /**
   * Whether blocks are put together whole in coinbase-only mode, too, for which the template provider is asked for transactions
   * that nobody else is told; false unless given.
   */
  readonly wholeBlocks?: boolean;
  /** For the coinbase's scriptSig: `coinbaseTag(…)`. */
  readonly tag: Uint8Array;
  /** Whether payouts may be told by draft extension 0x0003; false unless given. */
  readonly payoutDistributions?: boolean;
  /** Milliseconds that each request may take; 20,000 unless given. */
  readonly requestTimeout?: number;
}

/** A job was given to miners; what comes after is between us, the declarator and the pool. */
export interface OwnJobStarted {
  readonly type: 'OwnJobStarted';
  readonly jobId: number;
  readonly templateId: bigint;
  /** 32 bytes in wire order. */
  readonly prevHash: Uint8Array;
}

/** The declarator has accepted a job. */
export interface OwnJobDeclared {
  readonly type: 'OwnJobDeclared';
  readonly jobId: number;
  readonly transactions: number;
}

/** The declarator asked for transactions and was sent them. */
export interface TransactionsProvided {
  readonly type: 'TransactionsProvided';
  readonly jobId: number;
  readonly count: number;
}

/** The pool has accepted a job. */
export interface OwnJobAccepted {
  readonly type: 'OwnJobAccepted';
  readonly jobId: number;
  readonly upstreamJobId: number;
  /** Shares that were found before, and are sent now. */
  readonly kept: number;
}

/** A job was refused for a reason that passes: it is tried again. */
export interface OwnJobRefused {
  readonly type: 'OwnJobRefused';
  readonly jobId: number;
  readonly by: 'declarator' | 'pool' | 'template provider';
  readonly errorCode: string;
  /** What the other side said of it. */
  readonly details: string;
}

/** Shares of a job that ended before the pool had accepted it. */
export interface KeptSharesLost {
  readonly type: 'KeptSharesLost';
  readonly jobId: number;
  readonly count: number;
}

/**
 * Blocks that were found before their job was declared, or its transactions were there, and that go to nobody any more but the
 * template provider, who was sent them at once.
 */
export interface KeptBlocksLost {
  readonly type: 'KeptBlocksLost';
  readonly jobId: number;
  /** Who is not sent them. */
  readonly missedBy: 'declarator' | 'extra nodes';
  /** Each 32 bytes in wire order. */
  readonly hashes: readonly Uint8Array[];
  /** `too-many-blocks`, `stale`, `pair-left`, `provider-disconnected`, `request-timeout`, or what a refusal says. */
  readonly code: string;
}

/** Miners found a block. */
export interface OwnBlockFound {
  readonly type: 'OwnBlockFound';
  readonly jobId: number;
  /** 32 bytes in wire order. */
  readonly hash: Uint8Array;
  /** 80 bytes. */
  readonly header: Uint8Array;
  /** Whether the declarator was sent it, too, beside the template provider. */
  readonly isPushed: boolean;
}

/** What happens at a declaring client. */
export type DeclaringClientOutcome =
  | OwnJobStarted
  | OwnJobDeclared
  | TransactionsProvided
  | OwnJobAccepted
  | OwnJobRefused
  | KeptSharesLost
  | KeptBlocksLost
  | OwnBlockFound;

/** Why a template provider is of no use. */
export interface ProviderUseless {
  readonly code: 'request-timeout' | 'invalid-template';
  /** For people: what it did not answer, or what is wrong with what it said. */
  readonly message: string;
}

/** Why pool and declarator are of no use. */
export interface DeclaringFault {
  /** `request-timeout`, `invalid-pool-outputs`, `invalid-payout-distribution`, `invalid-request`, or what a refusal says. */
  readonly code: string;
  /** For people: who did what, and what was expected. */
  readonly message: string;
}

/** What an input leads to. */
export interface DeclaringClientOutput {
  readonly toMiners: readonly Message[];
  readonly toPool: readonly Message[];
  readonly toDeclarator: readonly Message[];
  readonly toTemplates: readonly Message[];
  readonly outcomes: readonly DeclaringClientOutcome[];
  /** Blocks whose transactions are known here, to be submitted to whoever takes them. */
  readonly blocks: readonly ReconstructedBlock[];
  /** Pool and declarator have to be left for others. */
  readonly fault: DeclaringFault | null;
  /** The template provider is silent, or no job can be made of what it says: that is not for pool or declarator to answer for. */
  readonly providerFault: ProviderUseless | null;
}

/** A declaring client without its connections. See `declaringClient`. Times are milliseconds since 1970. */
export interface DeclaringClient {
  /** The declarator is there. */
  begin(now: number): DeclaringClientOutput;
  /** A template provider is there again, or another. */
  templatesConnected(): DeclaringClientOutput;
  /** The template provider is gone: what it was asked is not waited for. */
  templatesDisconnected(): DeclaringClientOutput;
  /** What the miners' side says: one channel for all of them. */
  fromMiners(message: MiningToServer): DeclaringClientOutput;
  fromPool(message: MiningToClient, now: number): DeclaringClientOutput;
  fromDeclarator(message: JobDeclarationToClient, now: number): DeclaringClientOutput;
  /** The declarator says whom blocks pay (draft extension 0x0003): jobs from now on are paid by it. */
  distribution(message: SetPayoutDistribution, now: number): DeclaringClientOutput;
  /** Templates and tips that make sense: it is not looked at here. */
  fromTemplates(message: TemplateDistributionToClient, now: number): DeclaringClientOutput;
  /** Time passed: to be called every second. */
  tick(now: number): DeclaringClientOutput;
  /** Whether there is what it takes for a channel to get work. */
  readonly isReady: boolean;
}
