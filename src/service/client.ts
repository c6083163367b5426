import { asyncScheduler, finalize, merge, type Observable, type SchedulerLike } from 'rxjs';
import { subprotocols, type Subprotocol } from '../messages/define-message.js';
import { creatorByType, type Message } from '../messages/registry.js';
import type { AnyMessageCreator, OwnMessages } from '../messages/own-messages.js';
import type { Connector } from '../transport/connection.js';
import {
  checkSetup,
  type ClientExtensionPolicy,
  type ClientSetup,
  type Device,
} from './setup/client-setup.js';
import {
  checkExtensions,
  checkFlags,
  checkHandler,
  checkMessages,
  checkMilliseconds,
  checkReconnect,
  checkStream,
  checkVersions,
} from './configuration.js';
import { ServiceError } from './errors.js';
import type { LoopHandler } from './event-loop.js';
import type { ClientEvent, ServerInfo } from './events.js';
import type {
  JobDeclarationClientHandler,
  MiningClientHandler,
  TemplateDistributionClientHandler,
} from './handlers.js';
import { keepConnected, type CurrentUpstream } from './upstreams/keep-connected.js';
import type { LastWords, LeaveServer, SendToServer } from './effects.js';
import type { ApplicationOutcome, ClientHandlerOutcome, ClientOutcome, OwnOutcome } from './outcomes.js';
import type { ReconnectPolicy } from './upstreams/backoff.js';
import { service, type Emitted } from './service.js';
import { protocolVersions, type Versions } from './setup/server-setup.js';
import { siblingsByName, type Sibling } from './siblings.js';

/** A subprotocol of a client: where its server is, and its handler. */
export interface ClientSubprotocol<H> {
  /**
   * Dials the server; `connect(…)` of rx-sv2/node, or any Observable of a connection. Of several, the first is
   * preferred: the others are for while it does not work.
   */
  readonly connect: Connector | readonly [Connector, ...Connector[]];
  readonly handler: H;
  /** How it comes back to this one; as `ClientOptions.reconnect` says unless given. */
  readonly reconnect?: ReconnectPolicy;
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
  /** Its sides of several `siblings()`, by the names that `toSibling` takes. */
  readonly siblings?: Readonly<Record<string, Sibling>>;
  /**
   * Events from outside, taken while it runs: as if each was dispatched. Its error is one of `start()`; its completion
   * means nothing.
   */
  readonly event$?: Observable<ClientEvent>;
  /** What it says of itself. */
  readonly device?: Device;
  /** The protocol versions it speaks; 2 to 2 unless given. */
  readonly versions?: Versions;
  /** The extensions it asks for; it does not negotiate unless given. */
  readonly extensions?: ClientExtensionPolicy;
  /**
   * Messages of extensions besides those of the specification, as `defineMessage` returns them. They are handled and
   * sent once their extension is negotiated, so that `extensions` has to name it; none unless given.
   */
  readonly messages?: readonly AnyMessageCreator[];
  /**
   * How it comes back after a failure. Unless given, or when it has given up, a connection that cannot be set
   * up (`SetupRefusedError` if the server refused it) or that breaks makes `start()` fail, and one that the
   * server closes ends it. A Reconnect is followed in any case.
   */
  readonly reconnect?: ReconnectPolicy;
  /** Milliseconds the server has to answer SetupConnection; 10,000 unless given. */
  readonly setupTimeout?: number;
  /** Milliseconds of silence after which a connection is given up, a sixteenth later at the latest; no limit unless given. */
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
  /** The servers it is connected to: those that have accepted SetupConnection, by subprotocol. */
  servers(): ReadonlyMap<Subprotocol, ServerInfo>;
}

type AnyClientHandler = (event$: Observable<ClientEvent>) => Observable<Emitted>;

/**
 * Makes a client of one connection and handler per subprotocol.
 * @throws ServiceError `invalid-configuration`
 */
export function createClient<
  M extends ApplicationOutcome = never,
  J extends ApplicationOutcome = never,
  T extends ApplicationOutcome = never,
>(
  options: ClientOptions<M, J, T> &
    ClientHandlerOutcome<'mining', M> &
    ClientHandlerOutcome<'jobDeclaration', J> &
    ClientHandlerOutcome<'templateDistribution', T>,
): Client<OwnOutcome<M | J | T>> {
  const configured: {
    readonly connectors: readonly Connector[];
    readonly setup: ClientSetup;
    readonly reconnect: ReconnectPolicy | undefined;
  }[] = [];
  const handlers: LoopHandler<ClientEvent, Emitted>[] = [];
  const versions = checkVersions(options.versions ?? protocolVersions);
  const extensions = checkExtensions(options.extensions ?? { supported: [] });
  const messages = checkMessages(options.messages);
  const { device = {}, inactivityLimit, random = Math.random } = options;

  for (const protocol of subprotocols) {
    const subprotocolOrHandler = options[protocol] as
      AnyClientHandler | ClientSubprotocol<AnyClientHandler> | undefined;
    if (subprotocolOrHandler === undefined) continue;
    const {
      handler,
      connect,
      reconnect,
      flags = 0,
    }: Partial<ClientSubprotocol<AnyClientHandler>> = typeof subprotocolOrHandler === 'function'
      ? { handler: subprotocolOrHandler }
      : subprotocolOrHandler;
    if (!checkHandler('client', protocol, connect !== undefined, handler) || connect === undefined) continue;
    const setup = { protocol, flags: checkFlags(`${protocol}.flags`, flags), versions, device };
    const connectors = Array.isArray(connect) ? (connect as readonly Connector[]) : [connect as Connector];
    if (connectors.length === 0)
      throw new ServiceError('invalid-configuration', `client: ${protocol} has no server to connect to`);
    for (const connector of connectors) {
      checkStream(`client: ${protocol}.connect`, connector, 'what dials the server, such as connect(url)');
      checkSetup(setup, connector.endpoint, extensions);
    }
    configured.push({
      connectors,
      setup,
      reconnect: reconnect === undefined ? undefined : checkReconnect(reconnect),
    });
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
  if (extensions.timeout !== undefined) checkMilliseconds('extensions.timeout', extensions.timeout);
  const ofAll = options.reconnect === undefined ? undefined : checkReconnect(options.reconnect);
  const common = {
    extensions,
    messages,
    setupTimeout: checkMilliseconds('setupTimeout', options.setupTimeout ?? 10_000),
    inactivityLimit:
      inactivityLimit === undefined ? undefined : checkMilliseconds('inactivityLimit', inactivityLimit),
    scheduler: options.scheduler ?? asyncScheduler,
  };

  const servers = new Map<Subprotocol, ServerInfo>();

  const { start, dispatch } = service<ClientEvent, ClientOutcome<OwnOutcome<M | J | T>>>({
    side: 'client',
    handlers,
    siblings: siblingsByName(options),
    event$: options.event$,
    messages,
    first: [],
    begin(loop) {
      const sessions = new Map<Subprotocol, CurrentUpstream>();
      const { push } = loop;
      servers.clear();
      /** Keeps account of who is there before anybody is told. */
      const emit = (outcome: ClientOutcome): void => {
        const { type } = outcome;
        if (type === 'connected') servers.set(outcome.protocol, outcome.server);
        else if (type === 'disconnected') servers.delete(outcome.protocol);
        else if (type === 'extensions') {
          const server = servers.get(outcome.protocol);
          if (server !== undefined)
            servers.set(outcome.protocol, { ...server, extensions: outcome.extensions });
        }
        loop.emit(outcome);
      };

      const sendTo = (protocol: Subprotocol, messages: readonly Message[]): void => {
        const session = sessions.get(protocol);
        const undeliverable = session === undefined ? messages : session.send(messages);
        if (undeliverable.length > 0) emit({ type: 'undeliverable', protocol, messages: undeliverable });
      };

      return {
        perform(emitted, handler) {
          if (emitted.type === 'leaveServer') {
            const { reason, banFor } = emitted as LeaveServer;
            sessions.get(handler)?.leave(reason, banFor);
            return true;
          }
          if (emitted.type === 'lastWords') {
            sessions.get(handler)?.prepare((emitted as LastWords).messages);
            return true;
          }
          if (emitted.type !== 'sendToServer') return false;
          const effect = emitted as SendToServer;
          for (const [protocol, own] of byProtocol(effect.messages, handler, messages)) sendTo(protocol, own);
          return true;
        },
        connection$: merge(
          ...configured.map(({ connectors, setup, reconnect = ofAll }) =>
            keepConnected(connectors, { ...common, ...setup, push, emit }, { reconnect, random }, (session) =>
              sessions.set(setup.protocol, session),
            ),
          ),
        ).pipe(finalize(() => servers.clear())),
      };
    },
  });

  return { start, dispatch, servers: () => servers };
}

/** The messages by the connection that carries them; common and unknown messages belong to their sender's. */
function byProtocol(
  messages: readonly Message[],
  handler: Subprotocol,
  declared: OwnMessages,
): Map<Subprotocol, Message[]> {
  const sorted = new Map<Subprotocol, Message[]>();
  for (const message of messages) {
    const protocol = protocolOf(message, handler, declared);
    const own = sorted.get(protocol);
    if (own === undefined) sorted.set(protocol, [message]);
    else own.push(message);
  }
  return sorted;
}

function protocolOf({ type }: Message, handler: Subprotocol, declared: OwnMessages): Subprotocol {
  const protocol = (creatorByType(type) ?? declared.creatorByType(type))?.schema.protocol;
  return protocol === undefined || protocol === 'common' || protocol === 'extensions' ? handler : protocol;
}
