/** A pool and its job declarator as a pool whose work is of one's own templates. */
import {
  concat,
  defer,
  merge,
  mergeMap,
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
import type {
  DeclaringClientOptions,
  DeclaringClientOutcome,
  DeclaringFault,
} from '../../declaration/declaring-client-types.js';
import { miningSuccessFlags } from '../../messages/setup-flags.js';
import { workerHashrateTracking } from '../../messages/user-identity.js';
import type { MiningServerHandler } from '../../service/handlers.js';
import { send, toSibling } from '../../service/effects.js';
import { type ClientOutcome, type ServerOutcome } from '../../service/outcomes.js';
import { createServer } from '../../service/server.js';
import { siblings } from '../../service/siblings.js';
import type { Connector } from '../../transport/connection.js';
import { inProcess } from '../in-process/in-process.js';
import type { ExtraNode, ExtraSubmission } from '../extra-nodes.js';
import type { SolutionOutcome } from '../pool/held-solutions.js';
import type { ClockDiffers, ProviderFault } from '../pool/template-client-outcomes.js';
import { declaringSide } from './declaring-side.js';
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
  | DeclaringClientOutcome
  | SolutionOutcome
  | ClockDiffers
  | ProviderFault
  | ExtraSubmission
  | PairFaulty
  | PairReady;

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

/**
 * Dials a pool, its declarator and template providers, and is a server of the Mining Protocol whose jobs are of those
 * templates: see `declaringClient`. When pool or declarator ends, or is of no use, the connection does. A template provider
 * that ends or is silent is dialled again, or left for another, while miners go on with what they have: no pair answers for it.
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
