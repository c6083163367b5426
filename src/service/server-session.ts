import {
  catchError,
  concat,
  defer,
  EMPTY,
  ignoreElements,
  tap,
  throwError,
  timeout,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { RequestExtensions } from '../messages/extensions.js';
import { SetupConnection } from '../messages/common.js';
import type { Subprotocol } from '../messages/define-message.js';
import { maxPayloadSize, type Message } from '../messages/registry.js';
import type { Connection } from '../transport/connection.js';
import { admit } from './admission.js';
import { disconnectReason, ServiceError, type DisconnectReason } from './errors.js';
import type { ClientInfo, ServerEvent } from './events.js';
import { answerExtensions, negotiatedTlvs, type ExtensionPolicy } from './extensions.js';
import type { ServerOutcome } from './outcomes.js';
import { answerSetup, type SetupPolicy, type Versions } from './setup.js';

/** What all sessions of a server have in common. */
export interface ServerSessionContext {
  readonly policies: Partial<Record<Subprotocol, SetupPolicy>>;
  readonly versions: Versions;
  readonly extensions: ExtensionPolicy;
  /** Milliseconds a client has for its SetupConnection. */
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
  readonly connection: Connection;
  /** Sends what is queued, then closes; further messages of the client are dropped. */
  close(reason: DisconnectReason): void;
  /** Runs the connection while subscribed; completes when it has ended, whatever the reason. */
  readonly run$: Observable<never>;
}

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
  const { push, emit, scheduler, clients } = context;
  let closing: DisconnectReason | undefined;
  let requiredMissing = (context.extensions.required ?? []).length > 0;

  const close = (reason: DisconnectReason): void => {
    closing ??= reason;
    connection.close();
  };

  const reply = (message: Message): void => {
    connection.send(message);
    emit({ type: 'sent', clientId, message });
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
    reply(answer.reply);
    if (!answer.accepted) {
      const { errorCode, flags } = answer.reply;
      emit({ type: 'setupRefused', clientId, peer: connection.peer, errorCode, flags });
      close({ code: 'setup-refused', message: `SetupConnection was refused: ${errorCode}` });
      return;
    }
    const { protocol, version, successFlags } = answer;
    const client: ClientInfo = {
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
    clients.set(clientId, client);
    connection.limitPayload(maxPayloadSize(protocol, 'client'));
    emit({ type: 'connected', clientId, client });
    push({ type: 'clientAdded', clientId, protocol, client });
  };

  const negotiate = (request: RequestExtensions, known: ClientInfo): void => {
    const { reply: answer, extensions } = answerExtensions(request, context.extensions);
    reply(answer);
    if (answer.type === 'RequestExtensions.Success') requiredMissing = false;
    clients.set(clientId, { ...known, extensions });
    emit({ type: 'extensions', clientId, extensions });
    push({ type: 'clientExtensions', clientId, protocol: known.protocol, extensions });
  };

  const handle = (message: Message, known: ClientInfo): void => {
    if (SetupConnection.match(message)) {
      throw new ServiceError(
        'setup-connection-repeated',
        'SetupConnection may be sent only once per connection',
      );
    }
    const { protocol, extensions } = known;
    const admission = admit(message, 'client', protocol, extensions);
    if (admission === 'ignore') return;
    if (admission !== 'handle') {
      emit({ type: 'rejected', clientId, code: admission, message });
      return;
    }
    if (RequestExtensions.match(message)) {
      negotiate(message, known);
      return;
    }
    if (requiredMissing) {
      const required = context.extensions.required ?? [];
      throw new ServiceError(
        'extension-required',
        `expected RequestExtensions with ${required.map((extension) => `0x${extension.toString(16).padStart(4, '0')}`).join(', ')} before ${message.type}`,
        { required },
      );
    }
    push({ type: 'message', clientId, protocol, message: negotiatedTlvs(message, extensions) });
  };

  const onMessage = (message: Message): void => {
    if (closing !== undefined) return;
    emit({ type: 'received', clientId, message });
    const client = clients.get(clientId);
    if (client === undefined) setUp(message);
    else handle(message, client);
  };

  const silence = (): Observable<never> =>
    throwError(() =>
      clients.get(clientId) === undefined
        ? new ServiceError('setup-timeout', `no SetupConnection within ${context.setupTimeout} ms`)
        : new ServiceError('inactive', `no message within ${context.inactivityLimit} ms`),
    );

  const ended = defer(() => {
    const reason = closing ?? { code: 'peer-closed', message: 'the client closed the connection' };
    const protocol = clients.get(clientId)?.protocol;
    clients.delete(clientId);
    if (protocol !== undefined) push({ type: 'clientRemoved', clientId, protocol, reason });
    emit({
      type: 'disconnected',
      clientId,
      peer: connection.peer,
      ...(protocol === undefined ? {} : { protocol }),
      reason,
    });
    return EMPTY;
  });

  return {
    connection,
    close,
    run$: concat(
      connection.message$.pipe(
        timeout({ first: context.setupTimeout, each: context.inactivityLimit, scheduler, with: silence }),
        tap(onMessage),
        ignoreElements(),
        catchError((error: unknown) => {
          closing ??= disconnectReason(error);
          return EMPTY;
        }),
      ),
      ended,
    ),
  };
}
