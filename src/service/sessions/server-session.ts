import {
  catchError,
  concat,
  defer,
  EMPTY,
  ignoreElements,
  Subject,
  tap,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { SetupConnection } from '../../messages/common.js';
import type { Subprotocol } from '../../messages/define-message.js';
import type { RequestExtensions } from '../../messages/extensions.js';
import { maxPayloadSize, type Message } from '../../messages/registry.js';
import type { Connection } from '../../transport/connection.js';
import { admit } from './admission.js';
import { disconnectReason, ServiceError, type DisconnectReason } from '../errors.js';
import type { ClientInfo, ServerEvent } from '../events.js';
import { answerExtensions, listed, negotiatedTlvs, type ExtensionPolicy } from '../extensions/negotiation.js';
import type { ServerOutcome } from '../outcomes.js';
import { answerSetup, type SetupPolicy, type Versions } from '../setup/server-setup.js';
import { limitSilence, withDeadline } from './timing.js';

/** What all sessions of a server have in common. */
export interface ServerSessionContext {
  readonly policies: Partial<Record<Subprotocol, SetupPolicy>>;
  readonly versions: Versions;
  readonly extensions: ExtensionPolicy;
  /** Milliseconds a client has for its SetupConnection, and then to negotiate required extensions. */
  readonly setupTimeout: number;
  /** Milliseconds of silence after which a client is disconnected. */
  readonly inactivityLimit: number;
  readonly scheduler: SchedulerLike;
  /** The clients whose SetupConnection was accepted; the session keeps its own entry. */
  readonly clients: Map<number, ClientInfo>;
  push(event: ServerEvent): void;
  emit(outcome: ServerOutcome): void;
}

/** One client's connection as the server sees it. */
export interface ServerSession {
  /**
   * Sends messages if the connection is set up. Returns whether it was.
   * @throws CodecError if a message cannot be encoded; then none of them is sent
   */
  send(messages: readonly Message[]): boolean;
  /** Sends what is queued, then closes; further messages of the client are dropped. */
  close(reason: DisconnectReason): void;
  /** Runs the connection while subscribed; completes when it has ended, whatever the reason. */
  readonly run$: Observable<never>;
}

const peerClosed: DisconnectReason = { code: 'peer-closed', message: 'the client closed the connection' };

/**
 * The life of one client: the SetupConnection gate, extension negotiation, then its messages as events.
 * @param connection a fresh connection
 * @param clientId the client's id
 * @param context what all sessions have in common
 */
export function serverSession(
  connection: Connection,
  clientId: number,
  context: ServerSessionContext,
): ServerSession {
  const { push, emit, scheduler, clients, setupTimeout, inactivityLimit } = context;
  const { required = [] } = context.extensions;
  const negotiationDeadline$ = new Subject<number | undefined>();
  let client: ClientInfo | undefined;
  let closing: DisconnectReason | undefined;

  const transmit = (messages: readonly Message[]): void => {
    connection.send(...messages);
    for (const message of messages) emit({ type: 'sent', clientId, message });
  };

  const close = (reason: DisconnectReason): void => {
    closing ??= reason;
    connection.close();
  };

  const update = (info: ClientInfo): void => {
    client = info;
    clients.set(clientId, info);
  };

  const setUp = (message: Message): void => {
    if (!SetupConnection.match(message)) {
      throw new ServiceError(
        'setup-connection-required',
        `the first message must be SetupConnection, got ${message.type}`,
        { type: message.type },
      );
    }
    const answer = answerSetup(message, context.policies, context.versions);
    transmit([answer.reply]);
    if (!answer.accepted) {
      const { errorCode, flags } = answer.reply;
      emit({ type: 'setupRefused', clientId, peer: connection.peer, errorCode, flags });
      close({ code: 'setup-refused', message: `SetupConnection was refused: ${errorCode}` });
      return;
    }
    const { protocol, version, successFlags } = answer;
    const added: ClientInfo = {
      clientId,
      peer: connection.peer,
      protocol,
      version,
      flags: message.flags,
      successFlags,
      setupConnection: message,
      extensions: [],
      connectedAt: scheduler.now(),
    };
    update(added);
    connection.limitPayload(maxPayloadSize(protocol, 'client'));
    if (required.length > 0) negotiationDeadline$.next(setupTimeout);
    emit({ type: 'connected', clientId, client: added });
    push({ type: 'clientAdded', clientId, protocol, client: added });
  };

  const negotiate = (request: RequestExtensions, known: ClientInfo): void => {
    const { reply, extensions } = answerExtensions(request, context.extensions);
    transmit([reply]);
    update({ ...known, extensions });
    if (requiredAgreed(extensions)) negotiationDeadline$.next(undefined);
    emit({ type: 'extensions', clientId, extensions });
    push({ type: 'clientExtensions', clientId, protocol: known.protocol, extensions });
  };

  const requiredAgreed = (extensions: readonly number[]): boolean =>
    required.every((extension) => extensions.includes(extension));

  const negotiationRequired = (problem: string): ServiceError =>
    new ServiceError('extension-required', `expected RequestExtensions with ${listed(required)} ${problem}`, {
      required,
    });

  const handle = (message: Message, known: ClientInfo): void => {
    if (message.type === 'SetupConnection') {
      throw new ServiceError(
        'setup-connection-repeated',
        'SetupConnection may be sent only once per connection',
      );
    }
    const { protocol, extensions } = known;
    const admission = admit(message, 'client', protocol, extensions);
    if (admission === 'ignore') return;
    if (admission !== 'handle') emit({ type: 'rejected', clientId, code: admission, message });
    else if (message.type === 'RequestExtensions') negotiate(message, known);
    else if (!requiredAgreed(extensions)) throw negotiationRequired(`before ${message.type}`);
    else push({ type: 'message', clientId, protocol, message: negotiatedTlvs(message, extensions) });
  };

  const onMessage = (message: Message): void => {
    if (closing !== undefined) return;
    emit({ type: 'received', clientId, message });
    if (client === undefined) setUp(message);
    else handle(message, client);
  };

  const message$ = connection.message$.pipe(
    limitSilence({
      first: setupTimeout,
      each: inactivityLimit,
      scheduler,
      error: () =>
        client === undefined
          ? new ServiceError('setup-timeout', `no SetupConnection within ${setupTimeout} ms`)
          : new ServiceError('inactive', `no message within ${inactivityLimit} ms`),
    }),
    tap(onMessage),
    ignoreElements(),
  );

  const conversation$ =
    required.length === 0
      ? message$
      : withDeadline(message$, negotiationDeadline$, scheduler, () => {
          throw negotiationRequired(`within ${setupTimeout} ms`);
        });

  const ended$ = defer(() => {
    const reason = (closing ??= peerClosed);
    const { peer } = connection;
    if (client === undefined) {
      emit({ type: 'disconnected', clientId, peer, reason });
      return EMPTY;
    }
    const { protocol } = client;
    clients.delete(clientId);
    emit({ type: 'disconnected', clientId, peer, protocol, reason });
    push({ type: 'clientRemoved', clientId, protocol, reason });
    return EMPTY;
  });

  return {
    send(messages) {
      if (client === undefined || closing !== undefined) return false;
      const { extensions } = client;
      transmit(messages.map((message) => negotiatedTlvs(message, extensions)));
      return true;
    },
    close,
    run$: concat(
      conversation$.pipe(
        catchError((error: unknown) => {
          closing ??= disconnectReason(error);
          return EMPTY;
        }),
      ),
      ended$,
    ),
  };
}
