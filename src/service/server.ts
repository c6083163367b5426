import { asyncScheduler, finalize, mergeMap, type Observable, type SchedulerLike } from 'rxjs';
import { jobDeclarationSetupFlags, miningSetupFlags } from '../messages/setup-flags.js';
import type { AnyMessageCreator } from '../messages/own-messages.js';
import type { SetupConnection } from '../messages/common.js';
import { subprotocols, type Subprotocol } from '../messages/define-message.js';
import type { Connection } from '../transport/connection.js';
import {
  checkExtensions,
  checkFlags,
  checkHandler,
  checkMessages,
  checkMilliseconds,
  checkNonNegative,
  checkStream,
  checkVersions,
} from './configuration.js';
import { ServiceError } from './errors.js';
import type { LoopHandler } from './event-loop.js';
import type { ClientInfo, ServerEvent } from './events.js';
import type { ExtensionPolicy } from './extensions/negotiation.js';
import type {
  JobDeclarationServerHandler,
  MiningServerHandler,
  TemplateDistributionServerHandler,
} from './handlers.js';
import { isNullHandler } from './handlers.js';
import type { ServerEffect } from './effects.js';
import type { ApplicationOutcome, OwnOutcome, ServerHandlerOutcome, ServerOutcome } from './outcomes.js';
import { defaultNonsenseLimits, type NonsenseLimits } from './sessions/nonsense.js';
import { ServerSession } from './sessions/server-session.js';
import { service, type Emitted } from './service.js';
import { protocolVersions, type SetupPolicy, type Versions } from './setup/server-setup.js';
import { siblingsByName, type Sibling } from './siblings.js';

/** A subprotocol of a server: its handler, and what it says in the setup of a connection. */
export interface ServerSubprotocol<H> {
  readonly handler: H;
  /** The SetupConnection flags it supports; all that the specification defines unless given. */
  readonly supportedFlags?: number;
  /** The flags of SetupConnection.Success, fixed or as an answer to a SetupConnection; 0 unless given. */
  readonly successFlags?: number | ((setupConnection: SetupConnection) => number);
  /**
   * Says of a client that would be accepted whether it is refused all the same: the error code of its SetupConnection.Error, 255
   * bytes at most, or undefined. If it throws, that client's connection ends.
   */
  readonly refuses?: (setupConnection: SetupConnection) => string | undefined;
}

/** What a server is made of. */
export interface ServerOptions<
  M extends ApplicationOutcome = never,
  J extends ApplicationOutcome = never,
  T extends ApplicationOutcome = never,
> extends NonsenseLimits {
  /** Where clients come from; `listen(…)` of rx-sv2/node, or any Observable of connections. */
  readonly listen: Observable<Connection>;
  readonly mining?: MiningServerHandler<M> | ServerSubprotocol<MiningServerHandler<M>>;
  readonly jobDeclaration?:
    JobDeclarationServerHandler<J> | ServerSubprotocol<JobDeclarationServerHandler<J>>;
  readonly templateDistribution?:
    TemplateDistributionServerHandler<T> | ServerSubprotocol<TemplateDistributionServerHandler<T>>;
  /** The server's side of `siblings()`. */
  readonly sibling?: Sibling;
  /** Its sides of several `siblings()`, by the names that `toSibling` takes. */
  readonly siblings?: Readonly<Record<string, Sibling>>;
  /**
   * Events from outside, taken while it runs: as if each was dispatched. Its error is one of `start()`; its completion
   * means nothing.
   */
  readonly event$?: Observable<ServerEvent>;
  /** The protocol versions it speaks; 2 to 2 unless given. */
  readonly versions?: Versions;
  /** The extensions it speaks; none but negotiation itself unless given. */
  readonly extensions?: ExtensionPolicy;
  /**
   * Messages of extensions besides those of the specification, as `defineMessage` returns them. They are handled and
   * sent once their extension is negotiated, so that `extensions` has to name it; none unless given.
   */
  readonly messages?: readonly AnyMessageCreator[];
  /** Milliseconds a client has to send SetupConnection; 10,000 unless given. */
  readonly setupTimeout?: number;
  /**
   * Milliseconds of silence after which a client is disconnected, a sixteenth later at the latest; 3,600,000 (an hour) unless given.
   */
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
  /** When a client's last message came, in milliseconds of the scheduler's clock; undefined if it is not there. */
  lastMessageAt(clientId: number): number | undefined;
}

const defaultFlags: Record<Subprotocol, number> = {
  mining: Object.values(miningSetupFlags).reduce((all, flag) => all | flag, 0),
  jobDeclaration: jobDeclarationSetupFlags.declareTxData,
  templateDistribution: 0,
};

type AnyServerHandler = (event$: Observable<ServerEvent>) => Observable<Emitted>;

/**
 * Makes a server of one handler per subprotocol.
 * @throws ServiceError `invalid-configuration`
 */
export function createServer<
  M extends ApplicationOutcome = never,
  J extends ApplicationOutcome = never,
  T extends ApplicationOutcome = never,
>(
  options: ServerOptions<M, J, T> &
    ServerHandlerOutcome<'mining', M> &
    ServerHandlerOutcome<'jobDeclaration', J> &
    ServerHandlerOutcome<'templateDistribution', T>,
): Server<OwnOutcome<M | J | T>> {
  const policies: Partial<Record<Subprotocol, SetupPolicy>> = {};
  const handlers: LoopHandler<ServerEvent, Emitted>[] = [];

  for (const protocol of subprotocols) {
    const subprotocolOrHandler = options[protocol] as
      AnyServerHandler | ServerSubprotocol<AnyServerHandler> | undefined;
    if (subprotocolOrHandler === undefined) continue;
    const subprotocol =
      typeof subprotocolOrHandler === 'function' ? { handler: subprotocolOrHandler } : subprotocolOrHandler;
    // a bare null handler says "not supported"; any other value is a configuration
    const configured = typeof subprotocolOrHandler !== 'function' || !isNullHandler(subprotocolOrHandler);
    if (!checkHandler('server', protocol, configured, subprotocol.handler)) continue;
    policies[protocol] = setupPolicy(protocol, subprotocol);
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
  const messages = checkMessages(options.messages);
  checkStream('server: listen', options.listen, 'an Observable of connections, such as listen({ … })');
  const { nonsenseBurst = defaultNonsenseLimits.nonsenseBurst } = options;
  const { nonsensePerSecond = defaultNonsenseLimits.nonsensePerSecond } = options;
  const common = {
    policies,
    versions: checkVersions(options.versions ?? protocolVersions),
    extensions: checkExtensions(options.extensions ?? { supported: [] }),
    messages,
    setupTimeout: checkMilliseconds('setupTimeout', options.setupTimeout ?? 10_000),
    inactivityLimit: checkMilliseconds('inactivityLimit', options.inactivityLimit ?? 3_600_000),
    nonsense: {
      nonsenseBurst: checkNonNegative('nonsenseBurst', nonsenseBurst),
      nonsensePerSecond: checkNonNegative('nonsensePerSecond', nonsensePerSecond),
    },
    scheduler: options.scheduler ?? asyncScheduler,
  };

  const clients = new Map<number, ClientInfo>();
  let sessions = new Map<number, ServerSession>();
  let lastClientId = 0;

  const { start, dispatch } = service<ServerEvent, ServerOutcome<OwnOutcome<M | J | T>>>({
    side: 'server',
    handlers,
    siblings: siblingsByName(options),
    event$: options.event$,
    messages,
    first: [{ type: 'started' }],
    begin({ push, emit }) {
      sessions = new Map();
      const context = { ...common, clients, push, emit };
      return {
        perform(emitted) {
          const effect = emitted as ServerEffect;
          switch (effect.type) {
            case 'send': {
              const { clientId, messages } = effect;
              const session = sessions.get(clientId);
              const undeliverable = session === undefined ? messages : session.send(messages);
              if (undeliverable.length > 0)
                emit({ type: 'undeliverable', clientId, messages: undeliverable });
              return true;
            }
            case 'lastWordsTo':
              sessions.get(effect.clientId)?.prepare(effect.messages);
              return true;
            case 'nonsense':
              sessions.get(effect.clientId)?.nonsense(effect.count);
              return true;
            case 'earned':
              sessions.get(effect.clientId)?.earned(effect.count);
              return true;
            case 'disconnect':
              sessions.get(effect.clientId)?.close({ code: effect.code, message: effect.reason });
              return true;
            default:
              return false;
          }
        },
        connection$: options.listen.pipe(
          mergeMap((connection) => {
            const clientId = ++lastClientId;
            const session = new ServerSession(connection, clientId, context);
            sessions.set(clientId, session);
            return session.run$.pipe(finalize(() => sessions.delete(clientId)));
          }),
          finalize(() => clients.clear()),
        ),
      };
    },
  });

  return {
    start,
    dispatch,
    clients: () => clients,
    lastMessageAt: (clientId) => sessions.get(clientId)?.lastMessageAt,
  };
}

function setupPolicy(
  protocol: Subprotocol,
  { supportedFlags = defaultFlags[protocol], successFlags = 0, refuses }: ServerSubprotocol<unknown>,
): SetupPolicy {
  if (typeof successFlags === 'number') checkFlags(`${protocol}.successFlags`, successFlags);
  return {
    supportedFlags: checkFlags(`${protocol}.supportedFlags`, supportedFlags),
    successFlags: typeof successFlags === 'function' ? successFlags : () => successFlags,
    ...(refuses === undefined ? {} : { refuses }),
  };
}
