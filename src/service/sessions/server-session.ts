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
import type { OwnMessages } from '../../messages/own-messages.js';
import type { Message } from '../../messages/registry.js';
import type { Connection } from '../../transport/connection.js';
import { knowing } from '../../transport/knowing.js';
import { admit } from './admission.js';
import { disconnectReason, ServiceError, type DisconnectReason } from '../errors.js';
import type { ClientInfo, ServerEvent } from '../events.js';
import { answerExtensions, listed, negotiatedTlvs, type ExtensionPolicy } from '../extensions/negotiation.js';
import type { Rejected, ServerOutcome } from '../outcomes.js';
import { answerSetup, type SetupPolicy, type Versions } from '../setup/server-setup.js';
import { nonsenseBucket, type NonsenseLimits } from './nonsense.js';
import { outgoing } from './outgoing.js';
import { beforeEnd, limitSilence, withDeadline } from './timing.js';

/** What all sessions of a server have in common. */
export interface ServerSessionContext {
  readonly policies: Partial<Record<Subprotocol, SetupPolicy>>;
  readonly versions: Versions;
  readonly extensions: ExtensionPolicy;
  /** Messages that are known besides those of the specification. */
  readonly messages: OwnMessages;
  /** Milliseconds a client has for its SetupConnection, and then to negotiate required extensions. */
  readonly setupTimeout: number;
  /** Milliseconds of silence after which a client is disconnected. */
  readonly inactivityLimit: number;
  readonly nonsense: Required<NonsenseLimits>;
  readonly scheduler: SchedulerLike;
  /** The clients whose SetupConnection was accepted; the session keeps its own entry. */
  readonly clients: Map<number, ClientInfo>;
  push(event: ServerEvent): void;
  emit(outcome: ServerOutcome): void;
}

/** One client's connection as the server sees it. */
export interface ServerSession {
  /**
   * Sends messages if the connection is set up; while extensions have yet to be negotiated they wait.
   * @returns those that may not be sent
   * @throws CodecError if a message cannot be encoded, ServiceError `invalid-effect`; then none of them is sent
   */
  send(messages: readonly Message[]): readonly Message[];
  /** Has messages ready that are sent when the server ends the connection; they replace those before. */
  prepare(messages: () => readonly Message[]): void;
  /** Counts messages of the client that were refused; with too many it has to go. */
  nonsense(count: number): void;
  /** Makes up for refused messages. */
  earned(count: number): void;
  /** Sends what is queued, then closes; further messages of the client are dropped. */
  close(reason: DisconnectReason): void;
  /** When the client's last message came, in milliseconds of the scheduler's clock. */
  readonly lastMessageAt: number | undefined;
  /** Runs the connection while subscribed; completes when it has ended, whatever the reason. */
  readonly run$: Observable<never>;
}

const peerClosed: DisconnectReason = { code: 'peer-closed', message: 'the client closed the connection' };

/** Extensions that one RequestExtensions may name: many more than there are. */
const maxRequested = 64;

/** Messages that may wait for the end of a negotiation; a handler that has more to say is told that it failed. */
const maxHeld = 256;

/**
 * The life of one client: the SetupConnection gate, extension negotiation, then its messages as events.
 * @param bareConnection a fresh connection
 * @param clientId the client's id
 * @param context what all sessions have in common
 */
export function serverSession(
  bareConnection: Connection,
  clientId: number,
  context: ServerSessionContext,
): ServerSession {
  const { push, emit, scheduler, clients, setupTimeout, inactivityLimit } = context;
  const { required = [] } = context.extensions;
  const connection = knowing(bareConnection, context.messages);
  const negotiationDeadline$ = new Subject<number | undefined>();
  const bucket = nonsenseBucket(context.nonsense, scheduler);
  let client: ClientInfo | undefined;
  let lastMessageAt: number | undefined;
  let closing: DisconnectReason | undefined;
  /** Whether extensions were agreed upon, which is for good unless the channel's endpoint changes. */
  let agreed = false;
  let held: Message[] = [];
  let lastWords: (() => readonly Message[]) | undefined;

  const transmit = (messages: readonly Message[]): void => {
    connection.send(...messages);
    for (const message of messages) {
      emit({ type: 'sent', clientId, message });
      if (message.type === 'ChannelEndpointChanged') renewExtensions();
    }
  };

  /** Extension state starts anew (spec §3.6.4). */
  const renewExtensions = (): void => {
    if (client === undefined) return;
    agreed = false;
    update({ ...client, extensions: [] });
  };

  const close = (reason: DisconnectReason): void => {
    closing ??= reason;
    sayLast();
    connection.close();
  };

  const sayLast = (): void => {
    const messages = lastWords;
    lastWords = undefined;
    if (messages === undefined || client === undefined || !requiredAgreed(client.extensions)) return;
    try {
      transmitAllowed(messages(), client.extensions);
    } catch (error) {
      emit({ type: 'handlerError', handler: client.protocol, error });
    }
  };

  /** Sends what may be sent, and says what may not. */
  const transmitAllowed = (messages: readonly Message[], extensions: readonly number[]): void => {
    const { sendable, withheld } = outgoing(messages, extensions, context.messages);
    transmit(sendable);
    if (withheld.length > 0) emit({ type: 'undeliverable', clientId, messages: withheld });
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
    if (required.length > 0) negotiationDeadline$.next(setupTimeout);
    emit({ type: 'connected', clientId, client: added });
    push({ type: 'clientAdded', clientId, protocol, client: added });
  };

  const reject = (code: Rejected['code'], message: Message): void => {
    emit({ type: 'rejected', clientId, code, message });
    nonsense(1);
  };

  const nonsense = (count: number): void => {
    if (closing !== undefined || bucket.take(count)) return;
    const { nonsenseBurst, nonsensePerSecond } = context.nonsense;
    close({
      code: 'too-much-nonsense',
      message: `more messages had to be refused than ${nonsenseBurst} at once and ${nonsensePerSecond} a second`,
    });
  };

  /** Extensions are negotiated once; a client that was refused may ask for others (extension 0x0001 §4.6). */
  const negotiate = (request: RequestExtensions, known: ClientInfo): void => {
    if (agreed) {
      reject('extensions-agreed', request);
      return;
    }
    if (request.requestedExtensions.length > maxRequested) {
      reject('too-many-extensions', request);
      return;
    }
    const { reply, extensions } = answerExtensions(request, context.extensions);
    transmit([reply]);
    const isRefused = reply.type === 'RequestExtensions.Error';
    agreed = !isRefused;
    update({ ...known, extensions });
    emit({ type: 'extensions', clientId, extensions });
    if (requiredAgreed(extensions)) {
      negotiationDeadline$.next(undefined);
      const waiting = held;
      held = [];
      if (waiting.length > 0) transmitAllowed(waiting, extensions);
    }
    push({ type: 'clientExtensions', clientId, protocol: known.protocol, extensions });
    // last, as it may have to go
    if (isRefused) nonsense(1);
  };

  /** Keeps messages for the end of the negotiation; returns those for which there is no room. */
  const hold = (messages: readonly Message[]): readonly Message[] => {
    const room = maxHeld - held.length;
    held.push(...messages.slice(0, room));
    return messages.slice(room);
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
    const admission = admit(message, 'client', protocol, extensions, context.messages);
    if (admission === 'ignore') nonsense(1);
    else if (admission !== 'handle') reject(admission, message);
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

  const message$ = beforeEnd(connection.message$, sayLast).pipe(
    limitSilence({
      first: setupTimeout,
      each: inactivityLimit,
      scheduler,
      heard: (at) => (lastMessageAt = at),
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
    if (held.length > 0) emit({ type: 'undeliverable', clientId, messages: held });
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
      if (client === undefined || closing !== undefined) return messages;
      const { extensions } = client;
      if (!requiredAgreed(extensions)) return hold(messages);
      const { sendable, withheld } = outgoing(messages, extensions, context.messages);
      transmit(sendable);
      return withheld;
    },
    prepare(messages) {
      lastWords = messages;
    },
    nonsense,
    earned: (count) => bucket.put(count),
    close,
    get lastMessageAt() {
      return lastMessageAt;
    },
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
