import {
  asyncScheduler,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  merge,
  NEVER,
  of,
  repeat,
  tap,
  throwError,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { subprotocols, type Subprotocol } from '../messages/define-message.js';
import { creatorByType, type Message } from '../messages/registry.js';
import type { Connector } from '../transport/connection.js';
import {
  clientSession,
  type ClientExtensionPolicy,
  type ClientSession,
  type ClientSessionContext,
  type Device,
} from './client-session.js';
import { checkHandler, checkMilliseconds } from './configuration.js';
import { ServiceError } from './errors.js';
import { eventLoop, type EventLoop, type LoopHandler } from './event-loop.js';
import type { ClientEvent } from './events.js';
import type {
  JobDeclarationClientHandler,
  MiningClientHandler,
  TemplateDistributionClientHandler,
} from './handlers.js';
import type { ApplicationOutcome, ClientEffect, ClientOutcome, HandlerError } from './outcomes.js';
import { backoff, type ReconnectPolicy } from './reconnect.js';
import { protocolVersions, type Versions } from './setup.js';
import type { Sibling } from './siblings.js';

/** A subprotocol of a client: where its server is, and its handler. */
export interface ClientSubprotocol<H> {
  /** Dials the server; `connect(…)` of rx-sv2/node, or any Observable of a connection. */
  readonly connect: Connector;
  readonly handler: H;
  /** The SetupConnection flags; 0 unless given. */
  readonly flags?: number;
}

/** What a client is made of. */
export interface ClientOptions<
  M extends ApplicationOutcome = never,
  J extends ApplicationOutcome = never,
  T extends ApplicationOutcome = never,
> {
  readonly mining?: ClientSubprotocol<MiningClientHandler<M>> | MiningClientHandler;
  readonly jobDeclaration?: ClientSubprotocol<JobDeclarationClientHandler<J>> | JobDeclarationClientHandler;
  readonly templateDistribution?:
    ClientSubprotocol<TemplateDistributionClientHandler<T>> | TemplateDistributionClientHandler;
  /** The client's side of `siblings()`. */
  readonly sibling?: Sibling;
  /** What it says of itself. */
  readonly device?: Device;
  /** The protocol versions it speaks; 2 to 2 unless given. */
  readonly versions?: Versions;
  /** The extensions it asks for; it does not negotiate unless given. */
  readonly extensions?: ClientExtensionPolicy;
  /**
   * How it comes back after a failure. Unless given, a connection that cannot be set up or that breaks makes
   * `start()` fail, and one that the server closes ends it.
   */
  readonly reconnect?: ReconnectPolicy;
  /** Milliseconds the server has to answer SetupConnection; 10,000 unless given. */
  readonly setupTimeout?: number;
  /** Milliseconds of silence after which a connection is given up; no limit unless given. */
  readonly inactivityLimit?: number;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
  /** Random numbers from 0 up to 1 for the backoff; `Math.random` unless given. */
  readonly random?: () => number;
}

/** A client: cold until started. */
export interface Client<A extends ApplicationOutcome = never> {
  /**
   * Runs the client while subscribed: one connection per configured subprotocol. Unsubscribing closes them.
   * Completes when all have ended and none will be dialled again; errors as `ClientOptions.reconnect` says.
   */
  start(): Observable<ClientOutcome<A>>;
  /**
   * Injects an event.
   * @returns the outcomes it and the events it triggers lead to at once, replayed
   * @throws ServiceError `not-started`
   */
  dispatch(event: ClientEvent): Observable<ClientOutcome<A>>;
}

type AnyClientHandler<A extends ApplicationOutcome> = (
  event$: Observable<ClientEvent>,
) => Observable<ClientEffect | HandlerError | A>;

/**
 * Makes a client of one connection and handler per subprotocol.
 * @throws ServiceError `invalid-configuration`
 */
export function createClient<
  M extends ApplicationOutcome = never,
  J extends ApplicationOutcome = never,
  T extends ApplicationOutcome = never,
>(options: ClientOptions<M, J, T>): Client<M | J | T> {
  type A = M | J | T;
  const configured: {
    readonly protocol: Subprotocol;
    readonly connect: Connector;
    readonly flags: number;
  }[] = [];
  const handlers: LoopHandler<ClientEvent, ClientEffect | HandlerError | A>[] = [];

  for (const protocol of subprotocols) {
    const given = options[protocol] as
      AnyClientHandler<A> | ClientSubprotocol<AnyClientHandler<A>> | undefined;
    if (given === undefined) continue;
    const {
      handler,
      connect,
      flags = 0,
    } = typeof given === 'function' ? { handler: given, connect: undefined } : given;
    if (!checkHandler('client', protocol, connect !== undefined, handler) || connect === undefined) continue;
    configured.push({ protocol, connect, flags });
    handlers.push({
      name: protocol,
      accepts: (event) => event.type === 'trigger' || event.protocol === protocol,
      operator: handler,
    });
  }
  if (configured.length === 0) {
    throw new ServiceError(
      'invalid-configuration',
      'client: expected a connection and a handler for at least one subprotocol',
    );
  }
  const setupTimeout = checkMilliseconds('setupTimeout', options.setupTimeout ?? 10_000);
  const inactivityLimit =
    options.inactivityLimit === undefined
      ? undefined
      : checkMilliseconds('inactivityLimit', options.inactivityLimit);
  const { versions = protocolVersions, device = {}, extensions, reconnect, sibling } = options;
  const { scheduler = asyncScheduler, random = Math.random } = options;

  let running: EventLoop<ClientEvent, ClientOutcome<A>> | undefined;

  const start = (): Observable<ClientOutcome<A>> =>
    defer(() => {
      if (running !== undefined) throw new ServiceError('already-started', 'client: it runs already');
      const sessions = new Map<Subprotocol, ClientSession>();

      const perform = (emitted: ClientEffect | HandlerError | A, handler: string): void => {
        try {
          performEffect(emitted, handler as Subprotocol);
        } catch (error) {
          loop.emit({ type: 'handlerError', handler: handler as Subprotocol, error });
        }
      };

      const sendAll = (messages: readonly Message[], handler: Subprotocol): void => {
        for (const protocol of subprotocols) {
          const own = messages.filter((message) => protocolOf(message, handler) === protocol);
          if (own.length === 0) continue;
          if (sessions.get(protocol)?.send(own) !== true)
            loop.emit({ type: 'undeliverable', protocol, messages: own });
        }
      };

      const performEffect = (emitted: ClientEffect | HandlerError | A, handler: Subprotocol): void => {
        const effect = emitted as ClientEffect;
        switch (effect.type) {
          case 'sendToServer':
            sendAll(effect.messages, handler);
            return;
          case 'triggerEvents':
            for (const event of effect.events) loop.push(event);
            return;
          case 'toSibling':
            if (sibling === undefined) {
              throw new ServiceError('invalid-configuration', 'client: toSibling needs the option `sibling`');
            }
            for (const trigger of effect.triggers) sibling.next(trigger);
            return;
          default:
            loop.emit(emitted as HandlerError | A);
        }
      };

      const loop: EventLoop<ClientEvent, ClientOutcome<A>> = eventLoop(
        handlers,
        perform,
        (handler, error, event) => ({
          type: 'handlerError',
          handler: handler as Subprotocol,
          error,
          ...(event === undefined ? {} : { event }),
        }),
      );
      running = loop;

      const common: Omit<ClientSessionContext, 'protocol' | 'flags'> = {
        versions,
        device,
        extensions,
        setupTimeout,
        inactivityLimit,
        scheduler,
        push: loop.push,
        emit: loop.emit,
      };
      const connection$ = merge(
        ...configured.map(({ protocol, connect, flags }) =>
          keepConnected(connect, { ...common, protocol, flags }, { reconnect, random }, (session) =>
            sessions.set(protocol, session),
          ),
        ),
      );
      const sibling$ = (sibling?.trigger$ ?? NEVER).pipe(tap(loop.push), ignoreElements());
      return loop.run(connection$, sibling$).pipe(finalize(() => (running = undefined)));
    });

  return {
    start,
    dispatch(event) {
      if (running === undefined)
        throw new ServiceError('not-started', 'client: dispatch needs a started client');
      return running.dispatch(event);
    },
  };
}

/** The subprotocol whose connection carries a message; common and unknown messages go where their sender says. */
function protocolOf(message: Message, handler: Subprotocol): Subprotocol {
  const protocol = message.type === 'Unknown' ? undefined : creatorByType(message.type)?.schema.protocol;
  return protocol === undefined || protocol === 'common' || protocol === 'extensions' ? handler : protocol;
}

/**
 * Runs sessions one after the other: after a failure as the policy says, after a Reconnect at once (but a
 * server that keeps sending Reconnect is backed off from like one that fails).
 */
function keepConnected(
  connect: Connector,
  context: ClientSessionContext,
  { reconnect, random }: { readonly reconnect: ReconnectPolicy | undefined; readonly random: () => number },
  current: (session: ClientSession) => void,
): Observable<never> {
  const { protocol, emit, scheduler } = context;
  return defer(() => {
    let connector = connect;
    let attempt = 0;
    let startedAt = 0;
    let session: ClientSession | undefined;

    const wait = (policy: ReconnectPolicy): Observable<unknown> => {
      const delay = backoff(policy, attempt, random());
      emit({ type: 'reconnecting', protocol, attempt, delay, endpoint: connector.endpoint });
      return timer(delay, scheduler);
    };

    const next = (): Observable<unknown> => {
      const end = session?.end;
      if (end === undefined) return EMPTY;
      const { reason, redirect, wasConnected } = end;
      // only a connection that lasted wipes out the failures before it
      if (wasConnected && scheduler.now() - startedAt > (reconnect?.maxDelay ?? 60_000)) attempt = 0;
      attempt += 1;
      if (redirect !== undefined) {
        connector = connector.redirect?.(redirect) ?? connector;
        return attempt === 1 ? of(true) : wait(reconnect ?? {});
      }
      if (!wasConnected) connector = connect;
      if (reconnect !== undefined && attempt <= (reconnect.maxAttempts ?? Infinity)) return wait(reconnect);
      return reason.error === undefined ? EMPTY : throwError(() => reason.error);
    };

    return defer(() => {
      startedAt = scheduler.now();
      session = clientSession(connector, context);
      current(session);
      return session.run$;
    }).pipe(repeat({ delay: next }));
  });
}
