/** The life of a pair: a client, the server that is dialled for it, and what flows between them. */
import {
  BehaviorSubject,
  catchError,
  concat,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  map,
  merge,
  mergeMap,
  Subject,
  switchMap,
  take,
  takeUntil,
  tap,
  timeout,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { decodeMessage, encodeFrame } from '../../framing/frame.js';
import type { Frame } from '../../framing/frame-assembler.js';
import { headerSize, maxPayloadLength, readHeader } from '../../framing/header.js';
import {
  Reconnect,
  SetupConnection,
  SetupConnectionError,
  SetupConnectionSuccess,
} from '../../messages/common.js';
import { RequestExtensionsSuccess } from '../../messages/extensions.js';
import { isUnknownExtension, type Message } from '../../messages/registry.js';
import type { OwnMessages } from '../../messages/own-messages.js';
import { extensionNegotiation } from '../../messages/user-identity.js';
import type { Connection, Connector } from '../../transport/connection.js';
import { sourceOf } from '../../transport/source.js';
import { disconnectReason, ServiceError, type DisconnectReason } from '../errors.js';
import { limitSilence, withDeadline } from '../sessions/timing.js';
import { judgeRedirect, SetupRefusedError } from '../setup/client-setup.js';
import { direction, type Direction } from './direction.js';
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

/** The server of a pair, and what dialled it. */
interface Dialled {
  readonly server: Connection;
  readonly connector: Connector;
}

type Side = 'client' | 'server' | 'relay';

/** Frames of a client that may wait for its server to be dialled; it has nothing to say before an answer. */
const maxEarly = 16;

/** Milliseconds that the delivery of what is queued for an end may take, once nothing more will come. */
const drainTimeout = 10_000;

/** Asks a client to come back to where it is. */
const comeBack = encodeFrame(Reconnect({ newHost: '', newPort: 0 }));

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
  let isAnswered = false;
  let ended: { readonly by: Side; readonly reason: DisconnectReason } | undefined;

  const endedBy = (by: Side, error: unknown): void => {
    ended ??= { by, reason: disconnectReason(error) };
  };

  /** Does something with what an end has sent, which is to blame if that is impossible. */
  const blaming = (by: Side, work: () => void): void => {
    try {
      work();
    } catch (error) {
      endedBy(by, error);
      throw error;
    }
  };

  const onSetup = (frame: Frame): void => {
    const setup = decodeMessage(frame.header, frame.payload);
    if (!SetupConnection.match(setup)) throw setupRequired('SetupConnection', setup);
    relayed = { clientId, peer: client.peer, setup };
    deadline$.next(setupTimeout);
    let connector: Connector;
    try {
      connector = context.route(relayed);
    } catch (error) {
      endedBy('relay', error);
      throw error;
    }
    connector$.next(connector);
  };

  const onClientFrame = (frame: Frame): void => {
    if (upstream !== undefined) {
      upstream.receive(frame);
      return;
    }
    if (early.push(frame) > maxEarly) throw tooEarly();
    if (relayed === undefined) onSetup(frame);
  };

  /** Dials the server, or the one that a Reconnect has named in its place. */
  function dialled(connector: Connector): Observable<Dialled> {
    const movedConnector = redirects.route(sourceOf(client.peer.address), connector.endpoint);
    return movedConnector === undefined
      ? dial(connector)
      : dial(movedConnector).pipe(catchError(() => dial(connector)));
  }

  function unreachable(error: unknown): Observable<never> {
    endedBy('server', error);
    if (error instanceof SetupRefusedError) {
      const { errorCode, flags } = error;
      emit({ type: 'setupRefused', clientId, errorCode, flags });
      client.send(SetupConnectionError({ errorCode, flags }));
    }
    client.close();
    return EMPTY;
  }

  /** Delivers everything that a direction has to say, then closes the end that it was for. */
  function closing(name: string, run$: Observable<never>, to: Connection): Observable<never> {
    return concat(
      run$,
      defer(() => {
        endedBy('relay', new ServiceError('handler-failed', `${name} completed`));
        return to.drained$.pipe(timeout({ first: drainTimeout, scheduler, with: () => EMPTY }));
      }),
      defer(() => {
        to.close();
        return EMPTY;
      }),
    );
  }

  function converse({ server, connector }: Dialled, relayedClient: RelayClient): Observable<never> {
    const up = direction(client, server, context.messages, scheduler);
    const down = direction(server, client, context.messages, scheduler);
    const pair = { client: relayedClient, server: { peer: server.peer, endpoint: connector.endpoint } };
    const { toServer, toClient } = context;

    const onAnswer = (message: Message): void => {
      if (SetupConnectionError.match(message)) {
        const { errorCode, flags } = message;
        ended ??= {
          by: 'server',
          reason: { code: 'setup-refused', message: `SetupConnection was refused: ${errorCode}` },
        };
        emit({ type: 'setupRefused', clientId, errorCode, flags });
      } else if (SetupConnectionSuccess.match(message)) {
        isAnswered = true;
        deadline$.next(undefined);
        emit({ type: 'connected', clientId, ...pair });
      } else throw setupRequired('an answer to SetupConnection', message);
    };

    const onReconnect = (message: Reconnect): void => {
      const judged = judgeRedirect(message, connector, server.peer);
      const { endpoint } = judged;
      if (judged.refused !== undefined) {
        emit({ type: 'redirectRefused', clientId, endpoint, reason: judged.refused });
        return;
      }
      if (judged.connector !== connector)
        redirects.remember(sourceOf(client.peer.address), connector.endpoint, judged.connector);
      emit({ type: 'redirected', clientId, endpoint });
      ended ??= { by: 'server', reason: { code: 'redirected', message: 'the server asked to reconnect' } };
      down.receive({ header: readHeader(comeBack, 0), payload: comeBack.subarray(headerSize) });
      server.close();
    };

    const onServerFrame = (frame: Frame): void => {
      const { extensionType, messageType } = frame.header;
      const isCommon = extensionType === 0 && messageType <= Reconnect.schema.messageType;
      if (!isAnswered || isCommon || extensionType === extensionNegotiation) {
        const message = decodeMessage(frame.header, frame.payload);
        if (!isAnswered) onAnswer(message);
        if (Reconnect.match(message)) {
          onReconnect(message);
          return;
        }
        // nobody here can know how large the messages of such extensions are
        if (RequestExtensionsSuccess.match(message) && message.supportedExtensions.some(isUnknownExtension)) {
          client.limitPayload(maxPayloadLength);
          server.limitPayload(maxPayloadLength);
        }
      }
      down.receive(frame);
    };

    const feed$ = defer(() => {
      [upstream, downstream] = [up, down];
      const waiting = early;
      early = [];
      for (const frame of waiting) blaming('client', () => up.receive(frame));
      return EMPTY;
    });

    return merge(
      closing(
        'toServer',
        up.run(
          'toServer',
          toServer &&
            ((message$) =>
              toServer(message$, { ...pair, fromServer$: down.received$, toClient$: down.sent$ })),
        ),
        server,
      ),
      closing(
        'toClient',
        down.run(
          'toClient',
          toClient &&
            ((message$) => toClient(message$, { ...pair, fromClient$: up.received$, toServer$: up.sent$ })),
        ),
        client,
      ),
      feed$,
      conversation('server', server, onServerFrame, () => {
        up.cut();
        down.end();
      }),
    );
  }

  /** Takes what an end says, to its end. */
  function conversation(
    by: 'client' | 'server',
    connection: Connection,
    onFrame: (frame: Frame) => void,
    onEnd: () => void,
  ): Observable<never> {
    return concat(
      connection.frame$.pipe(
        catchError((error: unknown) => {
          endedBy(by, error);
          return EMPTY;
        }),
        tap((frame) => {
          alive$.next();
          blaming(by, () => onFrame(frame));
        }),
        ignoreElements(),
      ),
      defer(() => {
        ended ??= { by, reason: { code: 'peer-closed', message: `the ${by} closed the connection` } };
        onEnd();
        return EMPTY;
      }),
    );
  }

  const server$ = connector$.pipe(
    take(1),
    switchMap((connector) => dialled(connector).pipe(catchError(unreachable), takeUntil(clientEnded$))),
    mergeMap((dial) => (relayed === undefined ? EMPTY : converse(dial, relayed))),
  );

  const client$ = conversation('client', client, onClientFrame, () => {
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
    endedBy(by, error);
    throw error;
  };

  const silence$ = alive$.pipe(
    limitSilence({
      first: inactivityLimit,
      each: inactivityLimit,
      scheduler,
      error: () => new ServiceError('inactive', `no message within ${inactivityLimit} ms`),
    }),
    ignoreElements(),
  );

  return concat(
    merge(
      silence$,
      withDeadline(merge(server$, client$), deadline$, scheduler, expired).pipe(
        finalize(() => alive$.complete()),
      ),
    ).pipe(
      catchError((error: unknown) => {
        endedBy('relay', error);
        return EMPTY;
      }),
    ),
    defer(() => {
      if (ended !== undefined) emit({ type: 'disconnected', clientId, peer: client.peer, ...ended });
      return EMPTY;
    }),
  );
}

function dial(connector: Connector): Observable<Dialled> {
  return connector.pipe(
    take(1),
    map((server) => ({ server, connector })),
  );
}

const setupRequired = (expected: string, { type }: Message): ServiceError =>
  new ServiceError('setup-connection-required', `the first message must be ${expected}, got ${type}`, {
    type,
  });

const tooEarly = (): ServiceError =>
  new ServiceError(
    'setup-connection-required',
    `more than ${maxEarly} frames came before an answer to SetupConnection`,
  );
