/** The job declarator as an operator: its clients, its node, and time. */
import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  from,
  map,
  merge,
  of,
  type NextObserver,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import type { PayoutDistribution } from '../../declaration/payout-distribution.js';
import { proposalOf, type CustomBlock, type DeclaredBlock } from '../../declaration/declared-block.js';
import type {
  JobDeclarator,
  JobDeclaratorOutcome,
  JobDeclaratorOutput,
  Proposal,
  Verdict,
} from '../../declaration/job-declarator-types.js';
import {
  AllocateMiningJobToken,
  DeclareMiningJob,
  ProvideMissingTransactionsSuccess,
  PushSolution,
} from '../../messages/job-declaration.js';
import type { JobDeclarationServerHandler } from '../../service/handlers.js';
import { handleEach } from '../../service/handle-each.js';
import { ofEvent, ofMessage } from '../../service/operators.js';
import { nonsense, send, type ServerEffect } from '../../service/effects.js';
import { sourceOf } from '../../transport/source.js';
import type { SourceError, SourceRecovered, SourceWarning } from '../template-provider/block-source.js';
import { submitToExtra, type ExtraNode, type ExtraSubmission } from '../extra-nodes.js';
import { upkeepEvery } from '../upkeep.js';
import type { DeclarationNode } from './declaration-node.js';

/** A block of a declared job, from its client or from the pool, is the node's tip. */
export interface PushedBlockAccepted {
  readonly type: 'PushedBlockAccepted';
  readonly height: number;
  /** 32 bytes in wire order. */
  readonly hash: Uint8Array;
}

/** The node refused a block of a declared job. */
export interface PushedBlockRejected {
  readonly type: 'PushedBlockRejected';
  readonly height: number;
  /** 32 bytes in wire order. */
  readonly hash: Uint8Array;
  /** The node's own word. */
  readonly reason: string;
  readonly message: string;
}

/** The node could not judge a declared job, which was accepted by what is known here. */
export interface ProposalUnjudged {
  readonly type: 'ProposalUnjudged';
  readonly height: number;
  readonly code: string;
  readonly message: string;
}

/** What happens at a declaration server. */
export type JobDeclarationServerOutcome =
  | JobDeclaratorOutcome
  | PushedBlockAccepted
  | PushedBlockRejected
  | ProposalUnjudged
  | ExtraSubmission
  | SourceError
  | SourceRecovered
  | SourceWarning;

/** Blocks pay others from now on. */
export interface PayoutDistributionChange {
  readonly distribution: PayoutDistribution;
  /** Whether a block has paid by the one before: jobs of that are not taken any more then. */
  readonly isAfterBlock: boolean;
}

type Emitted = ServerEffect | JobDeclarationServerOutcome;

/** How often it is looked at whose time is up, in milliseconds. */
const upkeepInterval = 1_000;

/**
 * The server's side of the Job Declaration Protocol: `jobDeclarator` as an operator.
 * @param payoutDistribution$ whom blocks pay (draft extension 0x0003)
 * @param customBlock$ blocks that the pool's miners found on custom jobs
 * @param begin makes the core, one for each time the server is started
 * @param declaredBlockObserver told of blocks before they are submitted
 */
export const jobDeclaration =
  (
    begin: () => JobDeclarator,
    node: DeclarationNode,
    scheduler: SchedulerLike,
    payoutDistribution$: Observable<PayoutDistributionChange>,
    customBlock$: Observable<CustomBlock>,
    extraNodes: readonly ExtraNode[],
    declaredBlockObserver: NextObserver<DeclaredBlock> | undefined,
  ): JobDeclarationServerHandler<JobDeclarationServerOutcome> =>
  (event$) =>
    defer(() => {
      const core = begin();
      const now = () => scheduler.now();

      /** What an output leads to: at once what clients are sent, then what the node says of it. */
      function effects(output: JobDeclaratorOutput): readonly Emitted[] | Observable<Emitted> {
        const { messages, outcomes, proposals, blocks } = output;
        const atOnce: Emitted[] = [];
        for (const { clientId, messages: own } of messages) atOnce.push(send(clientId, ...own));
        for (const outcome of outcomes) {
          if (isNonsense(outcome)) atOnce.push(nonsense(outcome.clientId));
          atOnce.push(outcome);
        }
        if (proposals.length === 0 && blocks.length === 0) return atOnce;
        for (const block of blocks) declaredBlockObserver?.next(block);
        return concat(of(...atOnce), merge(...blocks.map(submit), ...proposals.map(judge)));
      }

      function submit({ bytes, hash, height }: DeclaredBlock): Observable<Emitted> {
        const block = { bytes, hash, height };
        const submitted$ = node.submit(block).pipe(
          map((result): Emitted =>
            result.accepted
              ? { type: 'PushedBlockAccepted', height, hash }
              : {
                  type: 'PushedBlockRejected',
                  height,
                  hash,
                  reason: result.reason,
                  message: result.message,
                },
          ),
        );
        return merge(submitted$, submitToExtra(extraNodes, block));
      }

      function judge({ proposalId, job }: Proposal): Observable<Emitted> {
        const { height } = job.terms.tip;
        function judged(verdict: Verdict): Observable<Emitted> {
          return defer(() => from(effects(core.judged(proposalId, verdict, now()))));
        }
        return defer(() => node.propose?.(proposalOf(job)) ?? of(null)).pipe(
          concatMap((result) => judged(result === null ? { by: 'own' } : { by: 'node', ...result })),
          catchError((error: unknown) =>
            concat(
              of<Emitted>({
                type: 'ProposalUnjudged',
                height,
                code: error instanceof Sv2Error ? error.code : 'unexpected-error',
                message: error instanceof Error ? error.message : String(error),
              }),
              judged({ by: 'own' }),
            ),
          ),
        );
      }

      return merge(
        event$.pipe(
          ofEvent('clientAdded'),
          handleEach('jobDeclaration', ({ clientId, client }) => {
            core.addClient(clientId, client.flags, sourceOf(client.peer.address));
            return effects(core.negotiated(clientId, client.extensions));
          }),
        ),
        event$.pipe(
          ofEvent('clientExtensions'),
          handleEach('jobDeclaration', ({ clientId, extensions }) =>
            effects(core.negotiated(clientId, extensions)),
          ),
        ),
        payoutDistribution$.pipe(
          map((change) => ({ type: 'payoutDistribution', ...change })),
          handleEach('jobDeclaration', ({ distribution, isAfterBlock }) =>
            effects(core.distribute(distribution, isAfterBlock, now())),
          ),
        ),
        event$.pipe(
          ofEvent('clientRemoved'),
          handleEach('jobDeclaration', ({ clientId }) => core.removeClient(clientId)),
        ),
        event$.pipe(
          ofMessage(
            AllocateMiningJobToken,
            DeclareMiningJob,
            ProvideMissingTransactionsSuccess,
            PushSolution,
          ),
          handleEach('jobDeclaration', ({ clientId, message }) =>
            effects(core.handle(clientId, message, now())),
          ),
        ),
        node.update$.pipe(
          handleEach('jobDeclaration', (update) =>
            update.type === 'BlockTemplate' ? effects(core.template(update, now())) : [update],
          ),
        ),
        (node.transaction$ ?? EMPTY).pipe(
          handleEach('jobDeclaration', (update) => {
            if (update.type !== 'KnownTransactions') return [update];
            core.learn(update.transactions);
            return [];
          }),
        ),
        customBlock$.pipe(
          map((block) => ({ type: 'customBlock', block })),
          handleEach('jobDeclaration', ({ block }) => effects(core.customBlock(block))),
        ),
        upkeepEvery(upkeepInterval, scheduler).pipe(
          handleEach('jobDeclaration', () => effects(core.tick(now()))),
        ),
      );
    });

/** What is said of a client that sends nonsense. */
type Nonsense = Extract<
  JobDeclaratorOutcome,
  { readonly type: 'TokenDropped' | 'DeclarationIgnored' | 'SolutionRefused' | 'DeclarationRefused' }
>;

/** What an honest client does not do often. A tip that changed is nobody's fault. */
const isNonsense = (outcome: JobDeclaratorOutcome): outcome is Nonsense => {
  switch (outcome.type) {
    case 'TokenDropped':
    case 'DeclarationIgnored':
    case 'SolutionRefused':
      return true;
    case 'DeclarationRefused':
      return outcome.errorCode !== 'stale-chain-tip';
    default:
      return false;
  }
};
