/** The life of a pair: a client, the server that is dialled for it, and what flows between them. */
import {
  BehaviorSubject,
  catchError,
  concat,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  merge,
  mergeMap,
  Subject,
  switchMap,
  take,
  takeUntil,
  tap,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { decodeMessage } from '../../framing/frame.js';
import type { Frame } from '../../framing/frame-assembler.js';
import { SetupConnection, SetupConnectionError } from '../../messages/common.js';
import type { OwnMessages } from '../../messages/own-messages.js';
import type { Connection, Connector } from '../../transport/connection.js';
import { sourceOf } from '../../transport/source.js';
import { ServiceError } from '../errors.js';
import { silence, withDeadline } from '../sessions/timing.js';
import { SetupRefusedError } from '../setup/client-setup.js';
import { conversation, setupRequired } from './conversation.js';
import { dialled, type Dialled } from './dialling.js';
import type { Direction } from './direction.js';
import { pairEnding } from './ending.js';
import type { Redirects } from './redirects.js';
import type { RelayClient, RelayOutcome, ToClient, ToServer } from './relay.js';

/** What all pairs of a relay have in common. */
export interface PairContext {
  readonly toServer: ToServer | undefined;
  readonly toClient: ToClient | undefined;
  /** Milliseconds for SetupConnection to come, and for its answer. */
  readonly setupTimeout: number;
  /** Milliseconds in which neither end says anything. */
  readonly inactivityLimit: number;
  readonly scheduler: SchedulerLike;
  readonly redirects: Redirects;
  /** Messages that operators know besides those of the specification. */
  readonly messages: OwnMessages;
  /** Who is dialled for a client. */
  route(client: RelayClient): Connector;
  emit(outcome: RelayOutcome): void;
}

/** Frames of a client that may wait for its server to be dialled; it has nothing to say before an answer. */
const maxEarly = 16;

/**
 * Runs a pair while subscribed; completes when both its ends are closed, whatever the reason.
 * @param client a fresh connection
 */
export function relayPair(client: Connection, clientId: number, context: PairContext): Observable<never> {
  const { emit, scheduler, redirects, setupTimeout, inactivityLimit } = context;
  const deadline$ = new BehaviorSubject<number | undefined>(setupTimeout);
  const alive$ = new Subject<void>();
  /** Emits who is to be dialled, once that is known. */
  const connector$ = new Subject<Connector>();
  const clientEnded$ = new Subject<void>();
  /** What the client said, until there is a server to be told. */
  let early: Frame[] = [];
  let relayed: RelayClient | undefined;
  let upstream: Direction | undefined;
  let downstream: Direction | undefined;
  const ending = pairEnding();

  const onSetup = (frame: Frame): void => {
    const setup = decodeMessage(frame.header, frame.payload);
    if (!SetupConnection.match(setup)) throw setupRequired('SetupConnection', setup);
    const here = { clientId, peer: client.peer, setup };
    relayed = here;
    deadline$.next(setupTimeout);
    connector$.next(ending.blaming('relay', () => context.route(here)));
  };

  const onClientFrame = (frame: Frame): void => {
    if (upstream !== undefined) {
      upstream.receive(frame);
      return;
    }
    if (early.push(frame) > maxEarly) throw tooEarly();
    if (relayed === undefined) onSetup(frame);
  };

  function unreachable(error: unknown): Observable<never> {
    ending.failed('server', error);
    if (error instanceof SetupRefusedError) {
      const { errorCode, flags } = error;
      emit({ type: 'setupRefused', clientId, errorCode, flags });
      client.send(SetupConnectionError({ errorCode, flags }));
    }
    client.close();
    return EMPTY;
  }

  function converse(server: Dialled, relayedClient: RelayClient): Observable<never> {
    const { up, down, pipe$, onServerFrame } = conversation(
      client,
      relayedClient,
      server,
      context,
      ending,
      () => deadline$.next(undefined),
    );
    const feed$ = defer(() => {
      [upstream, downstream] = [up, down];
      const waiting = early;
      early = [];
      for (const frame of waiting) ending.blaming('client', () => up.receive(frame));
      return EMPTY;
    });
    return merge(
      pipe$,
      feed$,
      frames('server', server.server, onServerFrame, () => {
        up.cut();
        down.end();
      }),
    );
  }

  /** Takes what an end says, to its end. */
  function frames(
    by: 'client' | 'server',
    connection: Connection,
    onFrame: (frame: Frame) => void,
    onEnd: () => void,
  ): Observable<never> {
    return concat(
      connection.frame$.pipe(
        catchError((error: unknown) => {
          ending.failed(by, error);
          return EMPTY;
        }),
        tap((frame) => {
          alive$.next();
          ending.blaming(by, () => onFrame(frame));
        }),
        ignoreElements(),
      ),
      defer(() => {
        ending.by(by, { code: 'peer-closed', message: `the ${by} closed the connection` });
        onEnd();
        return EMPTY;
      }),
    );
  }

  const server$ = connector$.pipe(
    take(1),
    switchMap((connector) =>
      dialled(connector, sourceOf(client.peer.address), redirects).pipe(
        catchError(unreachable),
        takeUntil(clientEnded$),
      ),
    ),
    mergeMap((dial) => (relayed === undefined ? EMPTY : converse(dial, relayed))),
  );

  const client$ = frames('client', client, onClientFrame, () => {
    connector$.complete();
    clientEnded$.next();
    downstream?.cut();
    upstream?.end();
  });

  const expired = (): never => {
    const [by, what] =
      relayed === undefined
        ? (['client', 'SetupConnection'] as const)
        : (['server', 'answer to SetupConnection'] as const);
    const error = new ServiceError('setup-timeout', `no ${what} within ${setupTimeout} ms`);
    ending.failed(by, error);
    throw error;
  };

  const silence$ = silence(alive$, {
    first: inactivityLimit,
    each: inactivityLimit,
    scheduler,
    error: () => new ServiceError('inactive', `no message within ${inactivityLimit} ms`),
  });

  return concat(
    merge(
      silence$,
      withDeadline(merge(server$, client$), deadline$, scheduler, expired).pipe(
        finalize(() => alive$.complete()),
      ),
    ).pipe(
      catchError((error: unknown) => {
        ending.failed('relay', error);
        return EMPTY;
      }),
    ),
    defer(() => {
      const { cause } = ending;
      if (cause !== undefined) emit({ type: 'disconnected', clientId, peer: client.peer, ...cause });
      return EMPTY;
    }),
  );
}

const tooEarly = (): ServiceError =>
  new ServiceError(
    'setup-connection-required',
    `more than ${maxEarly} frames came before an answer to SetupConnection`,
  );
