import {
  asyncScheduler,
  concat,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  mergeMap,
  NEVER,
  tap,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { jobDeclarationSetupFlags, miningSetupFlags } from '../messages/setup-flags.js';
import type { SetupConnection } from '../messages/common.js';
import { subprotocols, type Subprotocol } from '../messages/define-message.js';
import type { Connection } from '../transport/connection.js';
import { checkHandler, checkMilliseconds } from './configuration.js';
import { ServiceError } from './errors.js';
import { eventLoop, type EventLoop, type LoopHandler } from './event-loop.js';
import type { ClientInfo, ServerEvent } from './events.js';
import type { ExtensionPolicy } from './extensions.js';
import type {
  JobDeclarationServerHandler,
  MiningServerHandler,
  TemplateDistributionServerHandler,
} from './handlers.js';
import { isNullHandler } from './handlers.js';
import type { ApplicationOutcome, HandlerError, ServerEffect, ServerOutcome } from './outcomes.js';
import { serverSession, type ServerSession } from './server-session.js';
import { protocolVersions, type SetupPolicy, type Versions } from './setup.js';
import type { Sibling } from './siblings.js';

/** A subprotocol of a server: its handler, and what it says in the setup of a connection. */
export interface ServerSubprotocol<H> {
  readonly handler: H;
  /** The SetupConnection flags it supports; all that the specification defines unless given. */
  readonly supportedFlags?: number;
  /** The flags of SetupConnection.Success, fixed or as an answer to a SetupConnection; 0 unless given. */
  readonly successFlags?: number | ((setupConnection: SetupConnection) => number);
}

/** What a server is made of. */
export interface ServerOptions<
  M extends ApplicationOutcome = never,
  J extends ApplicationOutcome = never,
  T extends ApplicationOutcome = never,
> {
  /** Where clients come from; `listen(…)` of rx-sv2/node, or any Observable of connections. */
  readonly listen: Observable<Connection>;
  readonly mining?: MiningServerHandler<M> | ServerSubprotocol<MiningServerHandler<M>>;
  readonly jobDeclaration?:
    JobDeclarationServerHandler<J> | ServerSubprotocol<JobDeclarationServerHandler<J>>;
  readonly templateDistribution?:
    TemplateDistributionServerHandler<T> | ServerSubprotocol<TemplateDistributionServerHandler<T>>;
  /** The server's side of `siblings()`. */
  readonly sibling?: Sibling;
  /** The protocol versions it speaks; 2 to 2 unless given. */
  readonly versions?: Versions;
  /** The extensions it speaks; none but negotiation itself unless given. */
  readonly extensions?: ExtensionPolicy;
  /** Milliseconds a client has to send SetupConnection; 10,000 unless given. */
  readonly setupTimeout?: number;
  /** Milliseconds of silence after which a client is disconnected; 3,600,000 (an hour) unless given. */
  readonly inactivityLimit?: number;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** A server: cold until started. */
export interface Server<A extends ApplicationOutcome = never> {
  /**
   * Runs the server while subscribed: takes clients, hands events to the handlers, does what they say and
   * emits everything that happens. Unsubscribing closes every connection. Completes when no more clients can
   * come and all are gone; errors when it cannot listen, or when a handler fails on being started.
   */
  start(): Observable<ServerOutcome<A>>;
  /**
   * Injects an event.
   * @returns the outcomes it and the events it triggers lead to at once, replayed
   * @throws ServiceError `not-started`
   */
  dispatch(event: ServerEvent): Observable<ServerOutcome<A>>;
  /** The clients whose SetupConnection was accepted, by id. */
  clients(): ReadonlyMap<number, ClientInfo>;
}

const defaultFlags: Record<Subprotocol, number> = {
  mining: Object.values(miningSetupFlags).reduce((all, flag) => all | flag, 0),
  jobDeclaration: jobDeclarationSetupFlags.declareTxData,
  templateDistribution: 0,
};

type AnyServerHandler<A extends ApplicationOutcome> = (
  event$: Observable<ServerEvent>,
) => Observable<ServerEffect | HandlerError | A>;

/**
 * Makes a server of one handler per subprotocol.
 * @throws ServiceError `invalid-configuration`
 */
export function createServer<
  M extends ApplicationOutcome = never,
  J extends ApplicationOutcome = never,
  T extends ApplicationOutcome = never,
>(options: ServerOptions<M, J, T>): Server<M | J | T> {
  type A = M | J | T;
  const policies: Partial<Record<Subprotocol, SetupPolicy>> = {};
  const handlers: LoopHandler<ServerEvent, ServerEffect | HandlerError | A>[] = [];

  for (const protocol of subprotocols) {
    const given = options[protocol] as
      AnyServerHandler<A> | ServerSubprotocol<AnyServerHandler<A>> | undefined;
    if (given === undefined) continue;
    const subprotocol = typeof given === 'function' ? { handler: given } : given;
    // a bare null handler says "not supported"; any other value is a configuration
    const configured = typeof given !== 'function' || !isNullHandler(given);
    if (!checkHandler('server', protocol, configured, subprotocol.handler)) continue;
    const { supportedFlags = defaultFlags[protocol], successFlags = 0 } = subprotocol;
    policies[protocol] = {
      supportedFlags,
      successFlags: typeof successFlags === 'function' ? successFlags : () => successFlags,
    };
    handlers.push({
      name: protocol,
      accepts: (event) => event.type === 'started' || event.type === 'trigger' || event.protocol === protocol,
      operator: subprotocol.handler,
    });
  }
  if (handlers.length === 0) {
    throw new ServiceError(
      'invalid-configuration',
      'server: expected a handler for at least one subprotocol',
    );
  }
  const setupTimeout = checkMilliseconds('setupTimeout', options.setupTimeout ?? 10_000);
  const inactivityLimit = checkMilliseconds('inactivityLimit', options.inactivityLimit ?? 3_600_000);
  const {
    versions = protocolVersions,
    extensions = { supported: [] },
    scheduler = asyncScheduler,
    sibling,
  } = options;

  const clients = new Map<number, ClientInfo>();
  let running: EventLoop<ServerEvent, ServerOutcome<A>> | undefined;

  const start = (): Observable<ServerOutcome<A>> =>
    defer(() => {
      if (running !== undefined) throw new ServiceError('already-started', 'server: it runs already');
      const sessions = new Map<number, ServerSession>();
      let lastClientId = 0;

      const perform = (emitted: ServerEffect | HandlerError | A, handler: string): void => {
        try {
          performEffect(emitted);
        } catch (error) {
          loop.emit({ type: 'handlerError', handler: handler as Subprotocol, error });
        }
      };

      const performEffect = (emitted: ServerEffect | HandlerError | A): void => {
        const effect = emitted as ServerEffect;
        switch (effect.type) {
          case 'send': {
            const { clientId, messages } = effect;
            const session = sessions.get(clientId);
            if (session === undefined || !clients.has(clientId)) {
              loop.emit({ type: 'undeliverable', clientId, messages });
              return;
            }
            session.connection.send(...messages);
            for (const message of messages) loop.emit({ type: 'sent', clientId, message });
            return;
          }
          case 'disconnect':
            sessions.get(effect.clientId)?.close({ code: 'closed-by-handler', message: effect.reason });
            return;
          case 'triggerEvents':
            for (const event of effect.events) loop.push(event);
            return;
          case 'toSibling':
            if (sibling === undefined) {
              throw new ServiceError('invalid-configuration', 'server: toSibling needs the option `sibling`');
            }
            for (const trigger of effect.triggers) sibling.next(trigger);
            return;
          default:
            loop.emit(emitted as HandlerError | A);
        }
      };

      const loop: EventLoop<ServerEvent, ServerOutcome<A>> = eventLoop(
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

      const session$ = options.listen.pipe(
        mergeMap((connection) => {
          const clientId = ++lastClientId;
          const session = serverSession(connection, clientId, {
            policies,
            versions,
            extensions,
            setupTimeout,
            inactivityLimit,
            scheduler,
            clients,
            push: loop.push,
            emit: loop.emit,
          });
          sessions.set(clientId, session);
          return session.run$.pipe(finalize(() => sessions.delete(clientId)));
        }),
      );
      const started$ = defer(() => {
        loop.push({ type: 'started' });
        return EMPTY;
      });
      const sibling$ = (sibling?.trigger$ ?? NEVER).pipe(tap(loop.push), ignoreElements());

      return loop.run(concat(started$, session$), sibling$).pipe(
        finalize(() => {
          running = undefined;
          clients.clear();
        }),
      );
    });

  return {
    start,
    dispatch(event) {
      if (running === undefined)
        throw new ServiceError('not-started', 'server: dispatch needs a started server');
      return running.dispatch(event);
    },
    clients: () => clients,
  };
}
