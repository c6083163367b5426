/** What goes into a job declarator and what comes out. */
import type { TxOut } from '../bitcoin/outputs.js';
import type { RandomBytes } from '../crypto/index.js';
import type {
  AllocateMiningJobToken,
  DeclareMiningJob,
  ProvideMissingTransactionsSuccess,
  PushSolution,
} from '../messages/job-declaration.js';
import type { SetCustomMiningJob } from '../messages/mining.js';
import type { ClientMessages, CustomJobRefusal } from '../mining/mining-server-types.js';
import type { DeclareMiningJobErrorCode } from './error-codes.js';
import type { CustomBlock, DeclaredBlock } from './declared-block.js';
import type { DeclaredJob } from './declared-job.js';
import type { KnownTransaction } from './known-transactions.js';
import type { PayoutDistribution } from './payout-distribution.js';
import type { PoolOutputs } from './pool-outputs.js';
import type { TokenSeal } from './token-seal.js';
import type { TokenLimits } from './tokens.js';

/** Options of `jobDeclarator`. */
export interface JobDeclaratorOptions extends PoolOutputs, TokenLimits {
  /** Makes tokens that nobody guesses. */
  readonly randomBytes: RandomBytes;
  /**
   * What the coinbases of one user must have in place of `outputs`, and whatever a distribution says (draft extension 0x0003): of a
   * pool whose miners are paid for their own blocks. Undefined for a user who is no exception, as all are unless it is given.
   * Sealed tokens do not say it, so that a declarator that has a `seal` must not have it. They should stay the same but for what the
   * subsidy makes of them: a client pays what its last token says, and uses those that it got before. A coinbase may pay what its
   * token says, or what one says that is given out at the present tip.
   * @param subsidy of the next block, in satoshis; 0 before there is a tip
   */
  readonly outputsOf?: (userIdentifier: string, subsidy: bigint) => readonly [TxOut, ...TxOut[]] | undefined;
  /**
   * For a pool that judges custom jobs by their tokens alone, as one in another process (`sealedCustomJobs`): tokens are sealed.
   * Unless given they are random, and worth something here only.
   */
  readonly seal?: TokenSeal;
  /** Whether custom jobs are taken whose transactions were not declared (spec §6.3.1); true unless given. */
  readonly coinbaseOnly?: boolean;
  /** Whether declared jobs are put to a node, too: `Output.proposals` are answered by `judged` then. False unless given. */
  readonly proposes?: boolean;
  /**
   * Who a custom job's token may be used by: whether the user of the mining channel is the one that the token was given
   * to. Unless given, the names must be the same up to the first dot, where one of the token's is not empty. Of sealed tokens
   * it is not asked: see `TokenSealOptions.accountOf`.
   */
  readonly isSameUser?: (tokenUser: string, channelUser: string) => boolean;
  /** Bytes of transactions kept in memory; 300,000,000 unless given. */
  readonly maxTransactionBytes?: number;
  /** Milliseconds that a client may take to provide transactions; 30,000 unless given. */
  readonly transactionsTimeout?: number;
}

/** What clients send to a job declarator once their connection is set up. */
export type DeclarationClientMessage =
  AllocateMiningJobToken | DeclareMiningJob | ProvideMissingTransactionsSuccess | PushSolution;

/** The next block as a node sees it: what a `BlockTemplate` of a block source has of it. */
export interface DeclarationTemplate {
  readonly prevHash: Uint8Array;
  readonly height: number;
  readonly nbits: number;
  readonly minTime: number;
  readonly coinbaseValue: bigint;
  readonly sigopLimit: number;
  readonly transactions: readonly (KnownTransaction & { readonly fee: bigint })[];
}

/** Whether a node was asked about a declared job, and what it said. */
export type Verdict =
  | { readonly by: 'node'; readonly accepted: true }
  | {
      readonly by: 'node';
      readonly accepted: false;
      /** Such as `bad-txns-inputs-missingorspent`. */
      readonly reason: string;
    }
  /** It could not be asked: what is known here has to do. */
  | { readonly by: 'own' };

interface OfClient {
  readonly clientId: number;
}

/** A token was given out. */
export interface TokenAllocated extends OfClient {
  readonly type: 'TokenAllocated';
  readonly userIdentifier: string;
}

/** A token that was not used made room for another: somebody asks for more than they use. */
export interface TokenDropped extends OfClient {
  readonly type: 'TokenDropped';
  /** Whose it was. */
  readonly userIdentifier: string;
}

/** A client was asked for transactions. */
export interface TransactionsMissing extends OfClient {
  readonly type: 'TransactionsMissing';
  readonly missing: number;
  readonly of: number;
}

/** A declared job was accepted. */
export interface JobDeclared extends OfClient {
  readonly type: 'JobDeclared';
  readonly userIdentifier: string;
  readonly height: number;
  readonly transactions: number;
  /** How many of them only the client had. */
  readonly provided: number;
  /** Satoshis that its coinbase claims. */
  readonly value: bigint;
  /** Who said that it is right: a node, or what is known here by the rules that a miner can break. */
  readonly validatedBy: Verdict['by'];
}

/** A declared job was refused. */
export interface DeclarationRefused extends OfClient {
  readonly type: 'DeclarationRefused';
  readonly errorCode: DeclareMiningJobErrorCode;
  /** What was expected and what came; the client is told, too. */
  readonly reason: string;
  readonly validatedBy: Verdict['by'];
}

/** A message that answers nothing that was asked; it is not answered either. */
export interface DeclarationIgnored extends OfClient {
  readonly type: 'DeclarationIgnored';
  readonly message: string;
  readonly reason: string;
}

/** A solution was a block, which is in `blocks`. */
export interface SolutionPushed extends OfClient {
  readonly type: 'SolutionPushed';
  /** 32 bytes in wire order. */
  readonly hash: Uint8Array;
  readonly height: number;
}

/** A solution was none, or of no job that is known. */
export interface SolutionRefused extends OfClient {
  readonly type: 'SolutionRefused';
  readonly reason: string;
}

/** A solution was a block that the pool has submitted already. */
export interface SolutionKnown extends OfClient {
  readonly type: 'SolutionKnown';
  /** 32 bytes in wire order. */
  readonly hash: Uint8Array;
  readonly height: number;
}

/** A miner of the pool found a block on a custom job; it is in `blocks`, unless its client has pushed it before. */
export interface CustomBlockFound {
  readonly type: 'CustomBlockFound';
  /** 32 bytes in wire order. */
  readonly hash: Uint8Array;
  readonly height: number;
  /** Whether its client was faster. */
  readonly isKnown: boolean;
}

/** A miner of the pool found a block on a custom job whose transactions are not known here: its client has to publish it. */
export interface CustomBlockUnknown {
  readonly type: 'CustomBlockUnknown';
  /** 32 bytes in wire order. */
  readonly hash: Uint8Array;
  readonly reason: string;
}

/** What happened at a job declarator. */
export type JobDeclaratorOutcome =
  | TokenAllocated
  | TokenDropped
  | TransactionsMissing
  | JobDeclared
  | DeclarationRefused
  | DeclarationIgnored
  | SolutionPushed
  | SolutionKnown
  | SolutionRefused
  | CustomBlockFound
  | CustomBlockUnknown;

/** A declared job that a node should judge. */
export interface Proposal {
  /** For `judged`. */
  readonly proposalId: number;
  /** See `proposalOf` for its block. */
  readonly job: DeclaredJob;
}

/** What an input to a job declarator leads to. */
export interface JobDeclaratorOutput {
  readonly messages: readonly ClientMessages[];
  readonly outcomes: readonly JobDeclaratorOutcome[];
  readonly proposals: readonly Proposal[];
  /** To be submitted. */
  readonly blocks: readonly DeclaredBlock[];
}

/** The channel that a custom job is for. */
export interface CustomJobChannel {
  readonly userIdentity: string;
  /** Bytes of extranonce prefix and extranonce together. */
  readonly fullExtranonceSize: number;
}

/** A job declarator without its connections. See `jobDeclarator`. Times are milliseconds since 1970. */
export interface JobDeclarator {
  /**
   * A client's connection is set up.
   * @param clientId not in use by another client
   * @param flags of its SetupConnection
   * @param address where it comes from: tokens of one address are limited together
   */
  addClient(clientId: number, flags: number, address?: string): void;
  /** A client is gone. Its tokens stay. */
  removeClient(clientId: number): void;
  /** A client's extensions: with draft extension 0x0003 among them it is told the payout distribution, if there is one. */
  negotiated(clientId: number, extensions: readonly number[]): JobDeclaratorOutput;
  /**
   * Blocks pay others from now on (draft extension 0x0003).
   * @param isAfterBlock whether a block has paid by the distribution before: jobs of that are not taken any more
   */
  distribute(distribution: PayoutDistribution, isAfterBlock: boolean, now: number): JobDeclaratorOutput;
  /** @throws Sv2Error `unknown-client` */
  handle(clientId: number, message: DeclarationClientMessage, now: number): JobDeclaratorOutput;
  /** A node's template: the tip, and transactions that are known. */
  template(template: DeclarationTemplate, now: number): JobDeclaratorOutput;
  /** A node's answer to a proposal; of one that has been answered nothing comes. */
  judged(proposalId: number, verdict: Verdict, now: number): JobDeclaratorOutput;
  /**
   * Whether a custom job's token is good for it. A token whose job is accepted is used up.
   * @returns null to accept
   */
  judgeCustomJob(job: SetCustomMiningJob, channel: CustomJobChannel, now: number): CustomJobRefusal | null;
  /** Transactions that are known, too: of a node's mempool. */
  learn(transactions: readonly KnownTransaction[]): void;
  /** A miner of the pool found a block on a custom job: it is put together from what was declared. */
  customBlock(block: CustomBlock): JobDeclaratorOutput;
  /** Time passed: to be called every second. */
  tick(now: number): JobDeclaratorOutput;
  /** What is kept: tokens, jobs, transactions, and the bytes of those. */
  readonly held: {
    readonly tokens: number;
    readonly jobs: number;
    readonly transactions: number;
    readonly bytes: number;
  };
}
