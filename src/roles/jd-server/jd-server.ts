/** A job declaration server: what a pool needs so that miners can choose their transactions. */
import { asyncScheduler, EMPTY, Subject, type NextObserver, type Observable, type SchedulerLike } from 'rxjs';
import type { AddressNetwork } from '../../bitcoin/payout-script.js';
import { Sv2Error } from '../../codec/errors.js';
import { defaultCrypto, type RandomBytes } from '../../crypto/index.js';
import { jobDeclarator } from '../../declaration/job-declarator.js';
import type { JobDeclarator, JobDeclaratorOptions } from '../../declaration/job-declarator-types.js';
import { payoutDistribution, SetPayoutDistribution } from '../../declaration/payout-messages.js';
import type { CustomBlock, DeclaredBlock } from '../../declaration/declared-block.js';
import { ServiceError } from '../../service/errors.js';
import type { ExtensionPolicy } from '../../service/extensions/negotiation.js';
import type { ServerOutcome } from '../../service/outcomes.js';
import { createServer, type Server } from '../../service/server.js';
import type { NonsenseLimits } from '../../service/sessions/nonsense.js';
import type { Connection } from '../../transport/connection.js';
import type { ExtraNode } from '../extra-nodes.js';
import {
  jobDeclaration,
  type JobDeclarationServerOutcome,
  type PayoutDistributionChange,
} from './declaration-handler.js';
import type { DeclarationNode } from './declaration-node.js';
import { onNetworks } from './on-networks.js';
import { customJobChannel, type AcceptCustomJob } from './sealed-jobs.js';

export type {
  JobDeclarationServerOutcome,
  PayoutDistributionChange,
  ProposalUnjudged,
  PushedBlockAccepted,
  PushedBlockRejected,
} from './declaration-handler.js';
export { acceptSealedJobs, type AcceptCustomJob } from './sealed-jobs.js';
export type { DeclarationNode, KnownTransactionsArrived, ProposalResult } from './declaration-node.js';

/** What a job declaration server is told. */
export interface JobDeclarationServerOptions
  extends Omit<JobDeclaratorOptions, 'randomBytes' | 'proposes'>, NonsenseLimits {
  /** Where clients come from. */
  readonly listen: Observable<Connection>;
  /** Where the tip and known transactions come from, who judges declared jobs if it can, and where blocks go to. */
  readonly node: DeclarationNode;
  /** The networks whose chain the node's may be: of any other no job is taken; any unless given. */
  readonly networks?: readonly AddressNetwork[];
  /** Nodes that blocks go to as well; none unless given. */
  readonly extraNodes?: readonly ExtraNode[];
  /**
   * Told of each block before it is submitted, whoever found it: for a pool that pays by its ledger, as the share of a block that a
   * client pushes may never come (`declaredPayouts`).
   */
  readonly declaredBlockObserver?: NextObserver<DeclaredBlock>;
  /**
   * Whom blocks pay, by draft extension 0x0003, from now on and whenever it emits: experimental, for its text may change. Clients
   * that have the extension are told; the others pay `outputs`, as all do unless it is given.
   */
  readonly payoutDistribution$?: Observable<PayoutDistributionChange>;
  /**
   * Extensions that clients are granted beside the draft above, and those without which they are refused; none unless given. None
   * has a message here.
   */
  readonly extensions?: ExtensionPolicy;
  /** Milliseconds of silence after which a client is disconnected; six hours unless given: it has nothing to say without a new template. */
  readonly inactivityLimit?: number;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
  /** Makes tokens; Web Crypto unless given, as simulations do. */
  readonly randomBytes?: RandomBytes;
}

/** A job declaration server: cold until started. */
export interface JobDeclarationServer extends Pick<Server, 'clients'> {
  /** Runs it while subscribed: see `Server.start`. */
  start(): Observable<ServerOutcome<JobDeclarationServerOutcome>>;
  /** For the pool's mining server: whether a custom job is one that was declared here, or that its token is good for. */
  readonly acceptCustomJob: AcceptCustomJob;
  /**
   * For the pool: takes the blocks that its miners find on custom jobs. They are put together from what was declared, and
   * submitted whether their client pushes them or not.
   */
  readonly customBlockObserver: NextObserver<CustomBlock>;
}

/**
 * A job declaration server (spec chapter 6). Beside it in the same process is the pool that it works for, which asks it about
 * custom jobs by `acceptCustomJob`; or it seals its tokens (`seal`) for a pool elsewhere, which judges by them
 * (`acceptSealedJobs`).
 *
 * Each declared job is judged by what is known here, and then by the node if that can (`DeclarationNode.propose`); the
 * outcome says by whom.
 * @throws Sv2Error `out-of-range`, ServiceError `invalid-configuration`
 */
export function jdServer(options: JobDeclarationServerOptions): JobDeclarationServer {
  const { listen, node, inactivityLimit = 21_600_000, scheduler = asyncScheduler } = options;
  const { randomBytes = defaultCrypto.randomBytes, minPoolShare = 1, payoutDistribution$ } = options;
  const { extensions = { supported: [] }, networks } = options;
  if (!(minPoolShare >= 0 && minPoolShare <= 1)) {
    throw new Sv2Error('out-of-range', `minPoolShare must be from 0 to 1, got ${minPoolShare}`, {
      option: 'minPoolShare',
    });
  }
  if (options.seal !== undefined && options.outputsOf !== undefined) {
    throw new ServiceError(
      'invalid-configuration',
      'jdServer: expected seal or outputsOf, got both: a pool elsewhere does not know what the users of its tokens are paid by',
    );
  }
  const begin = () => jobDeclarator({ ...options, randomBytes, proposes: node.propose !== undefined });
  const customBlock$ = new Subject<CustomBlock>();
  let core: JobDeclarator = begin();
  const server = createServer({
    listen,
    jobDeclaration: jobDeclaration(
      () => (core = begin()),
      networks === undefined ? node : { ...node, update$: node.update$.pipe(onNetworks(networks)) },
      scheduler,
      payoutDistribution$ ?? EMPTY,
      customBlock$,
      options.extraNodes ?? [],
      options.declaredBlockObserver,
    ),
    extensions: {
      ...extensions,
      supported: [
        ...extensions.supported,
        ...(payoutDistribution$ === undefined ? [] : [payoutDistribution]),
      ],
    },
    ...(payoutDistribution$ === undefined ? {} : { messages: [SetPayoutDistribution] }),
    inactivityLimit,
    ...(options.nonsenseBurst === undefined ? {} : { nonsenseBurst: options.nonsenseBurst }),
    ...(options.nonsensePerSecond === undefined ? {} : { nonsensePerSecond: options.nonsensePerSecond }),
    scheduler,
  });
  return {
    start: server.start,
    clients: server.clients,
    customBlockObserver: { next: (block) => customBlock$.next(block) },
    acceptCustomJob: (job, channel, now) => core.judgeCustomJob(job, customJobChannel(channel), now),
  };
}
