/** A pool and its job declarator as a pool whose work is of one's own templates. */
import {
  concat,
  defer,
  from,
  merge,
  mergeMap,
  EMPTY,
  NEVER,
  of,
  Subject,
  switchMap,
  take,
  tap,
  throwError,
  timeout,
  type NextObserver,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import { declaringClient } from '../../declaration/declaring-client.js';
import type {
  DeclaringClientOptions,
  DeclaringClientOutcome,
  DeclaringClientOutput,
  DeclaringFault,
  OwnBlockFound,
} from '../../declaration/declaring-client-types.js';
import { payoutDistribution, SetPayoutDistribution } from '../../declaration/payout-messages.js';
import { subprotocols, type Subprotocol } from '../../messages/define-message.js';
import type {
  JobDeclarationToClient,
  MiningToClient,
  TemplateDistributionToClient,
} from '../../messages/directions.js';
import {
  jobDeclarationSetupFlags,
  miningSetupFlags,
  miningSuccessFlags,
} from '../../messages/setup-flags.js';
import { workerHashrateTracking } from '../../messages/user-identity.js';
import { createClient } from '../../service/client.js';
import type { ClientEvent } from '../../service/events.js';
import type { MiningServerHandler } from '../../service/handlers.js';
import {
  leaveServer,
  sendToServer,
  send,
  toSibling,
  type ClientEffect,
  type ClientOutcome,
  type ServerOutcome,
} from '../../service/outcomes.js';
import { createServer } from '../../service/server.js';
import { siblings } from '../../service/siblings.js';
import type { Connector } from '../../transport/connection.js';
import { inProcess } from '../in-process/in-process.js';
import { submitToExtra, type ExtraNode, type ExtraSubmission } from '../extra-nodes.js';
import type { SolutionOutcome } from '../pool/held-solutions.js';
import type { Fault } from '../pool/provider-checks.js';
import type { ClockDiffers } from '../pool/template-client.js';
import { upkeepEvery } from '../upkeep.js';
import { ownTemplates, type TemplatesOutput } from './own-templates.js';
import { MinersSaid, ToMiners } from './triggers.js';

/** Pool and declarator are of no use: they are left for others. */
export interface PairFaulty extends DeclaringFault {
  readonly type: 'PairFaulty';
}

/** Pool, declarator and template provider are there, with a token and a template: miners can be given work. */
export interface PairReady {
  readonly type: 'PairReady';
}

/** What happens between a declaring client, a pool, a declarator and a template provider. */
export type DeclaredWorkOutcome =
  DeclaringClientOutcome | SolutionOutcome | ClockDiffers | ExtraSubmission | PairFaulty | PairReady;

/** Options of {@link declaredWork}. */
export interface DeclaredWorkOptions extends Omit<DeclaringClientOptions, 'wholeBlocks'> {
  readonly pool: Connector;
  readonly declarator: Connector;
  /** Of several, the first is preferred: the others are for while it does not work. */
  readonly templateProviders: readonly [Connector, ...Connector[]];
  /** Nodes that blocks go to as well, whole; none unless given. In coinbase-only mode nobody else is told their transactions. */
  readonly extraNodes?: readonly ExtraNode[];
  /** Milliseconds until there must be everything that it takes to give miners work; 60,000 unless given. */
  readonly readyTimeout?: number;
  /** Told of what happens there. */
  readonly observer?: NextObserver<ClientOutcome<DeclaredWorkOutcome>>;
  readonly scheduler: SchedulerLike;
}

type Emitted = ClientEffect | DeclaredWorkOutcome;

/** How often it is looked at what was not answered, in milliseconds. */
const upkeepInterval = 1_000;

/**
 * Dials a pool, its declarator and template providers, and is a server of the Mining Protocol whose jobs are of those
 * templates: see `declaringClient`. When pool or declarator ends, or is of no use, the connection does. A template provider
 * that ends is dialled again, or left for another, while miners go on with what they have.
 */
export function declaredWork(options: DeclaredWorkOptions): Connector {
  const { scheduler, readyTimeout = 60_000 } = options;
  const work$ = inProcess<ClientOutcome<DeclaredWorkOutcome> | ServerOutcome>({
    name: 'own templates',
    serve: (connection) =>
      defer(() => {
        const ready$ = new Subject<void>();
        const [serverSide, clientSide] = siblings();
        const client = declaringSide(options, clientSide);
        const server = createServer({
          listen: concat(of(connection), NEVER),
          mining: {
            handler: minersHandler,
            // what shares must keep to is the pool's to say
            successFlags: () =>
              (client.servers().get('mining')?.flags ?? 0) & miningSuccessFlags.requiresFixedVersion,
          },
          sibling: serverSide,
          extensions: { supported: [workerHashrateTracking] },
          inactivityLimit: 2_000_000_000,
          scheduler,
        });
        const told$: Observable<ClientOutcome<DeclaredWorkOutcome>> = client.start().pipe(
          tap((outcome) => {
            options.observer?.next(outcome);
            if (outcome.type === 'PairReady') ready$.next();
          }),
        );
        return merge(
          ready$.pipe(
            take(1),
            switchMap(() => server.start()),
          ),
          told$,
        );
      }),
    isReady: ({ type }) => type === 'PairReady',
    faultOf: (outcome) =>
      outcome.type === 'PairFaulty' ? new Sv2Error(outcome.code, outcome.message) : undefined,
  });
  const late = () =>
    new Sv2Error(
      'not-ready',
      `pool, declarator and template provider were not ready within ${readyTimeout} ms`,
    );
  return Object.assign(
    work$.pipe(timeout({ first: readyTimeout, scheduler, with: () => throwError(late) })),
    options.pool.endpoint === undefined ? {} : { endpoint: options.pool.endpoint },
  );
}

/** Hands on what the miners' side says, and sends it what is for it. */
const minersHandler: MiningServerHandler = (event$) =>
  defer(() => {
    let clientId = 0;
    return event$.pipe(
      mergeMap((event) => {
        if (event.type === 'clientAdded') clientId = event.clientId;
        if (event.type === 'message') return [toSibling(MinersSaid(event.message))];
        return ToMiners.match(event) ? [send(clientId, ...event.messages)] : [];
      }),
    );
  });

/** How template providers are come back to. */
const reconnect = { maxDelay: 30_000 };

/** How long a template provider that lies is left alone while there are others, in milliseconds. */
const banFor = 600_000;

/** The client of all three, which share one core. */
const declaringSide = (
  options: DeclaredWorkOptions,
  sibling: Parameters<typeof createClient>[0]['sibling'],
) => {
  const { scheduler, pool, declarator, templateProviders, mode, payoutDistributions = false } = options;
  const { extraNodes = [] } = options;
  const core = declaringClient({ ...options, wholeBlocks: extraNodes.length > 0 });
  const templates = ownTemplates();
  const connected = new Set<Subprotocol>();
  let isReady = false;
  let isFaulty = false;
  const now = () => scheduler.now();

  function effects(output: DeclaringClientOutput): Observable<Emitted> {
    if (isFaulty) return EMPTY;
    const { toTemplates, toDeclarator, toPool, toMiners, outcomes, fault, blocks } = output;
    const found = outcomes.find(({ type }) => type === 'OwnBlockFound') as OwnBlockFound | undefined;
    // a block first
    const all: Emitted[] = templatesEffects(templates.say(toTemplates, found, now()));
    for (const messages of [toDeclarator, toPool])
      if (messages.length > 0) all.push(sendToServer(...messages));
    if (toMiners.length > 0) all.push(toSibling(ToMiners(toMiners)));
    all.push(...outcomes);
    if (fault !== null) all.push(faulty(fault));
    else if (core.isReady && !isReady) {
      isReady = true;
      all.push({ type: 'PairReady' });
    }
    const all$ = from(all);
    return blocks.length === 0
      ? all$
      : concat(all$, merge(...blocks.map((block) => submitToExtra(extraNodes, block))));
  }

  const templatesEffects = ({ send: messages, outcomes }: TemplatesOutput): Emitted[] => [
    ...(messages.length === 0 ? [] : [sendToServer(...messages)]),
    ...outcomes,
  ];

  const faulty = ({ code, message }: DeclaringFault): PairFaulty => {
    isFaulty = true;
    return { type: 'PairFaulty', code, message };
  };

  /** A template provider that cannot mean what it says is left for another, if there is one. */
  const provider = (fault: Fault): Emitted =>
    templateProviders.length > 1 ? leaveServer(fault, banFor) : faulty(fault);

  /** A template provider's messages make sense before they are used. */
  function fromTemplates(said: TemplateDistributionToClient): Observable<Emitted> {
    const { message, fault, outcomes } = templates.take(said, now());
    if (fault !== null) return of(provider(fault));
    const told$ = from(outcomes);
    return message === null ? told$ : concat(effects(core.fromTemplates(message, now())), told$);
  }

  function begin(protocol: Subprotocol): Observable<Emitted> {
    const isAgain = connected.has(protocol);
    connected.add(protocol);
    if (connected.size < subprotocols.length) return EMPTY;
    return effects(isAgain ? core.templatesConnected() : core.begin(now()));
  }

  const handler =
    <M extends { readonly type: string }>(
      protocol: Subprotocol,
      respond: (message: M) => Observable<Emitted>,
    ) =>
    (event$: Observable<ClientEvent<M>>): Observable<Emitted> =>
      event$.pipe(
        mergeMap((event): Observable<Emitted> => {
          if (event.type === 'message') return respond(event.message);
          if (event.type === 'disconnected' && protocol === 'templateDistribution') templates.disconnected();
          if (event.type !== 'connected') return EMPTY;
          const { upstream } = event.server;
          return protocol === 'templateDistribution'
            ? concat(templatesEffects(templates.connected(upstream, now())), begin(protocol))
            : begin(protocol);
        }),
      );

  return createClient({
    mining: {
      connect: pool,
      handler: (event$) =>
        merge(
          event$.pipe(handler<MiningToClient>('mining', (message) => effects(core.fromPool(message, now())))),
          event$.pipe(
            mergeMap((event) => (MinersSaid.match(event) ? effects(core.fromMiners(event.message)) : EMPTY)),
          ),
          upkeepEvery(upkeepInterval, scheduler).pipe(mergeMap(() => effects(core.tick(now())))),
        ),
      flags: miningSetupFlags.requiresWorkSelection | miningSetupFlags.requiresVersionRolling,
    },
    jobDeclaration: {
      connect: declarator,
      handler: handler<JobDeclarationToClient>('jobDeclaration', (message) =>
        effects(
          SetPayoutDistribution.match(message)
            ? core.distribution(message, now())
            : core.fromDeclarator(message, now()),
        ),
      ),
      flags: mode === 'full-template' ? jobDeclarationSetupFlags.declareTxData : 0,
    },
    templateDistribution: {
      connect: templateProviders,
      handler: (event$) =>
        merge(
          event$.pipe(handler<TemplateDistributionToClient>('templateDistribution', fromTemplates)),
          upkeepEvery(upkeepInterval, scheduler).pipe(
            mergeMap((): Emitted[] => {
              const hangs = templates.hangs(now());
              return hangs === null ? [] : [hangs.outcome, leaveServer(hangs.fault)];
            }),
          ),
        ),
      reconnect,
    },
    ...(sibling === undefined ? {} : { sibling }),
    extensions: {
      supported: payoutDistributions
        ? [workerHashrateTracking, payoutDistribution]
        : [workerHashrateTracking],
    },
    ...(payoutDistributions ? { messages: [SetPayoutDistribution] } : {}),
    scheduler,
  });
};
