import {
  catchError,
  concat,
  connect as multicast,
  defer,
  EMPTY,
  endWith,
  filter,
  ignoreElements,
  merge,
  mergeMap,
  switchMap,
  takeUntil,
  tap,
  throwError,
  timeout,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import {
  ChannelEndpointChanged,
  Reconnect,
  SetupConnection,
  SetupConnectionError,
  SetupConnectionSuccess,
} from '../messages/common.js';
import { subprotocols, type Subprotocol } from '../messages/define-message.js';
import {
  RequestExtensions,
  RequestExtensionsError,
  RequestExtensionsSuccess,
} from '../messages/extensions.js';
import { maxPayloadSize, type Message } from '../messages/registry.js';
import type { Connection, Connector, Endpoint } from '../transport/connection.js';
import { admit } from './admission.js';
import { disconnectReason, ServiceError, type DisconnectReason } from './errors.js';
import type { ClientEvent, ServerInfo } from './events.js';
import { negotiatedTlvs, type ExtensionPolicy } from './extensions.js';
import type { ClientOutcome } from './outcomes.js';
import type { Versions } from './setup.js';

/** What a client says of itself in SetupConnection (spec §3.6.1). At most 255 bytes each. */
export interface Device {
  /** Manufacturer or developer; `rx-sv2` unless given. */
  readonly vendor?: string;
  readonly hardwareVersion?: string;
  readonly firmware?: string;
  /** Empty unless given: a client that sends no telemetry should leave it so. */
  readonly deviceId?: string;
}

/** The extensions a client asks for, and how long it waits for an answer. */
export interface ClientExtensionPolicy extends ExtensionPolicy {
  /**
   * Milliseconds after which a server that does not answer is taken to know no extensions (extension 0x0001
   * §4.3); 1,000 unless given.
   */
  readonly timeout?: number;
}

/** What a client's sessions are told. */
export interface ClientSessionContext {
  readonly protocol: Subprotocol;
  readonly flags: number;
  readonly versions: Versions;
  readonly device: Device;
  readonly extensions: ClientExtensionPolicy | undefined;
  /** Milliseconds the server has to answer SetupConnection. */
  readonly setupTimeout: number;
  /** Milliseconds of silence after which the connection is given up; `undefined` for no limit. */
  readonly inactivityLimit: number | undefined;
  readonly scheduler: SchedulerLike;
  push(event: ClientEvent): void;
  emit(outcome: ClientOutcome): void;
}

/** How a session ended. */
export interface SessionEnd {
  readonly reason: DisconnectReason;
  /** Whether the handler saw `connected`. */
  readonly wasConnected: boolean;
  /** Where a Reconnect message leads. */
  readonly redirect?: Endpoint;
}

/** One attempt to use a server. */
export interface ClientSession {
  /** Sends messages if the connection is set up. Returns whether it was. */
  send(messages: readonly Message[]): boolean;
  /** Dials and runs the connection while subscribed; completes when it has ended, whatever the reason. */
  readonly run$: Observable<never>;
  /** Set when `run$` has completed. */
  readonly end: SessionEnd | undefined;
}

/** SetupConnection was refused by the server (spec §3.6.3). */
export class SetupRefusedError extends ServiceError {
  /**
   * @param errorCode the server's word, such as `unsupported-feature-flags`
   * @param flags the flags it does not support
   */
  constructor(
    readonly errorCode: string,
    readonly flags: number,
  ) {
    const shown = flags === 0 ? '' : `, flags 0x${flags.toString(16)}`;
    super('setup-connection-error', `the server refused SetupConnection: ${errorCode}${shown}`, {
      errorCode,
      flags,
    });
  }
}

/**
 * The life of one connection to a server: dial, SetupConnection, extension negotiation, then its messages as
 * events.
 * @param connector dials the server
 * @param context the configuration
 */
export function clientSession(connector: Connector, context: ClientSessionContext): ClientSession {
  const { protocol, extensions: policy, push, emit, scheduler } = context;
  const endpoint = connector.endpoint;
  let connection: Connection | undefined;
  let phase: 'setup' | 'negotiation' | 'open' | 'ended' = 'setup';
  let server: ServerInfo | undefined;
  let waiting: Message[] = [];
  let requested: readonly number[] = policy?.supported ?? [];
  let requestId = 0;
  let end: SessionEnd | undefined;
  let wasConnected = false;
  let redirect: Endpoint | undefined;

  const transmit = (...messages: readonly Message[]): void => {
    connection?.send(...messages);
    for (const message of messages) emit({ type: 'sent', protocol, message });
  };

  const setupConnection = (): SetupConnection =>
    SetupConnection({
      protocol: subprotocols.indexOf(protocol),
      minVersion: context.versions.min,
      maxVersion: context.versions.max,
      flags: context.flags,
      endpointHost: endpoint?.host ?? '',
      endpointPort: endpoint?.port ?? 0,
      vendor: context.device.vendor ?? 'rx-sv2',
      hardwareVersion: context.device.hardwareVersion ?? '',
      firmware: context.device.firmware ?? '',
      deviceId: context.device.deviceId ?? '',
    });

  const open = (extensions: readonly number[]): void => {
    if (server === undefined) return;
    server = { ...server, extensions };
    phase = 'open';
    if (policy !== undefined) emit({ type: 'extensions', protocol, extensions });
    if (!wasConnected) {
      wasConnected = true;
      emit({ type: 'connected', protocol, server });
      push({ type: 'connected', protocol, server });
    }
    const held = waiting;
    waiting = [];
    held.forEach(deliver);
  };

  const requestExtensions = (): void => {
    phase = 'negotiation';
    requestId = (requestId + 1) & 0xffff;
    transmit(RequestExtensions({ requestId, requestedExtensions: requested }));
  };

  const onSetupAnswer = (message: Message): void => {
    if (SetupConnectionError.match(message)) throw new SetupRefusedError(message.errorCode, message.flags);
    if (!SetupConnectionSuccess.match(message)) {
      throw new ServiceError(
        'setup-connection-required',
        `expected an answer to SetupConnection, got ${message.type}`,
        {
          type: message.type,
        },
      );
    }
    const { usedVersion: version, flags } = message;
    if (version < context.versions.min || version > context.versions.max) {
      throw new ServiceError(
        'setup-connection-error',
        `the server chose version ${version}, which was not offered`,
        { version },
      );
    }
    connection?.limitPayload(maxPayloadSize(protocol, 'server'));
    server = { peer: (connection as Connection).peer, endpoint, protocol, version, flags, extensions: [] };
    if (policy === undefined || requested.length === 0) open([]);
    else requestExtensions();
  };

  const onExtensionsAnswer = (message: RequestExtensionsSuccess | RequestExtensionsError): void => {
    if (phase !== 'negotiation' || message.requestId !== requestId) return;
    const supported = policy?.supported ?? [];
    if (RequestExtensionsError.match(message)) {
      const unknown = message.requiredExtensions.filter((extension) => !supported.includes(extension));
      if (unknown.length > 0) {
        throw new ServiceError(
          'extension-required',
          `the server requires extensions ${unknown.join(', ')}, which are not supported here`,
          {
            required: message.requiredExtensions,
          },
        );
      }
      const usable = requested.filter((extension) => !message.unsupportedExtensions.includes(extension));
      const next = [...new Set([...usable, ...message.requiredExtensions])];
      // ask once more for what is left, unless that is what was just refused
      if (next.length > 0 && next.join() !== requested.join()) {
        requested = next;
        requestExtensions();
        return;
      }
      settle([]);
      return;
    }
    settle(message.supportedExtensions.filter((extension) => supported.includes(extension)));
  };

  const settle = (extensions: readonly number[]): void => {
    const missing = (policy?.required ?? []).filter((extension) => !extensions.includes(extension));
    if (missing.length > 0) {
      throw new ServiceError(
        'extension-unsupported',
        `the server does not support the required extensions ${missing.join(', ')}`,
        {
          required: missing,
        },
      );
    }
    open(extensions);
  };

  const onReconnect = ({ newHost, newPort }: Reconnect): void => {
    const target = {
      host: newHost === '' ? (endpoint?.host ?? '') : newHost,
      port: newPort === 0 ? (endpoint?.port ?? 0) : newPort,
    };
    const same = target.host === (endpoint?.host ?? '') && target.port === (endpoint?.port ?? 0);
    const refused = same
      ? undefined
      : connector.redirect === undefined
        ? 'this connection cannot be redirected'
        : connection?.peer.encrypted === true && connection.peer.authorityPublicKey === undefined
          ? 'no authority key is configured, so the new server could not be proved to belong to the same pool'
          : undefined;
    if (refused !== undefined) {
      emit({ type: 'redirectRefused', protocol, endpoint: target, reason: refused });
      return;
    }
    redirect = target;
    phase = 'ended';
    connection?.close();
  };

  const deliver = (message: Message): void => {
    const admission = admit(message, 'server', protocol, server?.extensions ?? []);
    if (admission === 'ignore') return;
    if (admission !== 'handle') {
      emit({ type: 'rejected', protocol, code: admission, message });
      return;
    }
    push({ type: 'message', protocol, message: negotiatedTlvs(message, server?.extensions ?? []) });
    if (Reconnect.match(message)) onReconnect(message);
    if (ChannelEndpointChanged.match(message) && server !== undefined) {
      // extension state starts anew (spec §3.6.4)
      server = { ...server, extensions: [] };
      requested = policy?.supported ?? [];
      emit({ type: 'extensions', protocol, extensions: [] });
      if (requested.length > 0) requestExtensions();
    }
  };

  const onMessage = (message: Message): void => {
    if (phase === 'ended') return;
    emit({ type: 'received', protocol, message });
    if (phase === 'setup') onSetupAnswer(message);
    else if (RequestExtensionsSuccess.match(message) || RequestExtensionsError.match(message))
      onExtensionsAnswer(message);
    else if (SetupConnectionSuccess.match(message) || SetupConnectionError.match(message)) {
      throw new ServiceError('setup-connection-repeated', `${message.type} came a second time`);
    } else if (phase === 'negotiation') waiting.push(message);
    else deliver(message);
  };

  const silence = (): Observable<never> =>
    throwError(() =>
      phase === 'setup'
        ? new ServiceError('setup-timeout', `no answer to SetupConnection within ${context.setupTimeout} ms`)
        : new ServiceError('inactive', `no message within ${context.inactivityLimit} ms`),
    );

  /** Gives up a negotiation that the server does not answer. */
  const negotiationTimeout = (message$: Observable<Message>): Observable<never> =>
    policy === undefined || policy.supported.length === 0
      ? EMPTY
      : message$.pipe(
          filter((message) => SetupConnectionSuccess.match(message) || ChannelEndpointChanged.match(message)),
          switchMap(() =>
            timer(policy.timeout ?? 1_000, scheduler).pipe(
              tap(() => {
                if (phase !== 'negotiation') return;
                if ((policy.required ?? []).length > 0) {
                  throw new ServiceError('extension-timeout', 'the server did not answer RequestExtensions', {
                    required: policy.required,
                  });
                }
                open([]);
              }),
              takeUntil(message$.pipe(filter(RequestExtensionsSuccess.match), endWith(null))),
            ),
          ),
          ignoreElements(),
        );

  const converse = (established: Connection): Observable<never> => {
    connection = established;
    const hello = defer(() => {
      transmit(setupConnection());
      return EMPTY;
    });
    return merge(established.message$, hello).pipe(
      timeout({
        first: context.setupTimeout,
        ...(context.inactivityLimit === undefined ? {} : { each: context.inactivityLimit }),
        scheduler,
        with: silence,
      }),
      multicast((message$) =>
        merge(message$.pipe(tap(onMessage), ignoreElements()), negotiationTimeout(message$)),
      ),
    );
  };

  const ended = defer(() => {
    phase = 'ended';
    const reason = failure ?? (redirect === undefined ? peerClosed : redirected);
    end = { reason, wasConnected, ...(redirect === undefined ? {} : { redirect }) };
    if (wasConnected) push({ type: 'disconnected', protocol, reason });
    emit({ type: 'disconnected', protocol, reason });
    return EMPTY;
  });
  let failure: DisconnectReason | undefined;

  return {
    send(messages) {
      if (!wasConnected || phase === 'ended') return false;
      transmit(...messages);
      return true;
    },
    run$: concat(
      connector.pipe(
        mergeMap(converse),
        catchError((error: unknown) => {
          failure = disconnectReason(error);
          return EMPTY;
        }),
      ),
      ended,
    ),
    get end() {
      return end;
    },
  };
}

const peerClosed: DisconnectReason = { code: 'peer-closed', message: 'the server closed the connection' };
const redirected: DisconnectReason = { code: 'redirected', message: 'the server asked to reconnect' };
