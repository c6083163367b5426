import {
  catchError,
  concat,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  merge,
  mergeMap,
  of,
  Subject,
  takeUntil,
  tap,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import type { Reconnect } from '../../messages/common.js';
import type { RequestExtensionsError, RequestExtensionsSuccess } from '../../messages/extensions.js';
import type { OwnMessages } from '../../messages/own-messages.js';
import type { Message } from '../../messages/registry.js';
import type { Connection, Connector } from '../../transport/connection.js';
import { knowing } from '../../transport/knowing.js';
import { admit } from './admission.js';
import {
  judgeRedirect,
  readSetupAnswer,
  setupConnectionOf,
  type ClientExtensionPolicy,
  type ClientSetup,
} from '../setup/client-setup.js';
import { disconnectReason, ServiceError, type DisconnectReason } from '../errors.js';
import type { ClientEvent, ServerInfo } from '../events.js';
import { clientNegotiation, type NegotiationStep } from '../extensions/client-negotiation.js';
import { negotiatedTlvs } from '../extensions/negotiation.js';
import type { ClientOutcome } from '../outcomes.js';
import { outgoing } from './outgoing.js';
import { beforeEnd, silence, withDeadline } from './timing.js';

/** What a client's sessions are told. */
export interface ClientSessionContext extends ClientSetup {
  /** Which of the client's servers for its subprotocol it is, from 0 on. */
  readonly upstream: number;
  readonly extensions: ClientExtensionPolicy;
  /** Messages that are known besides those of the specification. */
  readonly messages: OwnMessages;
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
  /** When the handler saw `connected`, in milliseconds of the scheduler's clock; absent if it never did. */
  readonly connectedAt?: number;
  /** Where a Reconnect message leads. */
  readonly redirect?: { readonly connector: Connector };
}

/** One attempt to use a server. */
export interface ClientSession {
  /**
   * Sends messages if the connection is set up; while extensions are negotiated anew they wait.
   * @returns those that may not be sent
   * @throws CodecError if a message cannot be encoded, ServiceError `invalid-effect`; then none of them is sent
   */
  send(messages: readonly Message[]): readonly Message[];
  /** Ends it at once, for a reason of our own: what has not been sent is lost. */
  leave(reason: DisconnectReason): void;
  /** Has messages ready that are sent when the client ends the connection; they replace those before. */
  prepare(messages: () => readonly Message[]): void;
  /** Dials and runs the connection while subscribed; emits how it ended, whatever the reason. */
  readonly end$: Observable<SessionEnd>;
}

const peerClosed: DisconnectReason = { code: 'peer-closed', message: 'the server closed the connection' };
const redirected: DisconnectReason = { code: 'redirected', message: 'the server asked to reconnect' };

/** Messages held back during a negotiation, each way; a server that sends more has not understood the request. */
const maxWaiting = 256;

/**
 * Where a session is, and what is known there. It goes from `setup` over `negotiation`, if there is anything to
 * negotiate, to `open`, and from there to `renegotiation` and back each time the end of a channel has changed. The
 * handler knows of the connection from `open` on, and is told of its end then: `connectedAt` is when it was told.
 */
type Phase =
  | { readonly name: 'setup' }
  | { readonly name: 'negotiation'; readonly server: ServerInfo }
  | { readonly name: 'open' | 'renegotiation'; readonly server: ServerInfo; readonly connectedAt: number }
  | { readonly name: 'ended'; readonly connectedAt: number | undefined };

/**
 * The life of one connection to a server: dial, SetupConnection, extension negotiation, then its messages as
 * events.
 * @param connector dials the server
 * @param context the configuration
 */
export function clientSession(connector: Connector, context: ClientSessionContext): ClientSession {
  const { protocol, extensions: policy, push, emit, scheduler, setupTimeout, inactivityLimit } = context;
  const { endpoint } = connector;
  const deadline$ = new Subject<number>();
  const left$ = new Subject<void>();
  const negotiation = clientNegotiation(policy);
  let phase: Phase = { name: 'setup' };
  let connection: Connection | undefined;
  let redirect: { readonly connector: Connector } | undefined;
  let failure: DisconnectReason | undefined;
  let waiting: Message[] = [];
  let held: readonly Message[] = [];
  let lastWords: () => readonly Message[] = () => [];

  const isNow = (...names: readonly Phase['name'][]): boolean => names.includes(phase.name);

  const transmit = (...messages: readonly Message[]): void => {
    connection?.send(...messages);
    for (const message of messages) emit({ type: 'sent', protocol, message });
  };

  const onSetupAnswer = (message: Message, { peer }: Connection): void => {
    const { version, flags } = readSetupAnswer(message, context.versions);
    negotiate({ peer, endpoint, upstream: context.upstream, protocol, version, flags, extensions: [] });
  };

  /** Begins a negotiation, if there is anything to negotiate. */
  const negotiate = (server: ServerInfo): void => {
    const step = negotiation.begin();
    if (step.request !== undefined) deadline$.next(policy.timeout ?? 1_000);
    proceed(step, server);
  };

  const proceed = (step: NegotiationStep, server: ServerInfo): void => {
    if (step.request === undefined) {
      open({ ...server, extensions: step.agreed });
      return;
    }
    phase = 'connectedAt' in phase ? phase : { name: 'negotiation', server };
    transmit(step.request);
  };

  const onExtensionsAnswer = (answer: RequestExtensionsSuccess | RequestExtensionsError): void => {
    if (phase.name !== 'negotiation' && phase.name !== 'renegotiation') return;
    const step = negotiation.answered(answer);
    if (step !== undefined) proceed(step, phase.server);
  };

  /** The server has been silent for too long, or has said too much else: it does not know what was asked. */
  const endNegotiation = (): void => {
    if (phase.name !== 'negotiation' && phase.name !== 'renegotiation') return;
    proceed(negotiation.expired(), phase.server);
  };

  const open = (server: ServerInfo): void => {
    const { extensions } = server;
    const isNew = phase.name !== 'renegotiation';
    const connectedAt = phase.name === 'renegotiation' ? phase.connectedAt : scheduler.now();
    phase = { name: 'open', server, connectedAt };
    if (policy.supported.length > 0) emit({ type: 'extensions', protocol, extensions });
    const toSend = held;
    held = [];
    if (toSend.length > 0) transmitAllowed(toSend, extensions);
    if (isNew) {
      emit({ type: 'connected', protocol, server });
      push({ type: 'connected', protocol, server });
    } else push({ type: 'extensions', protocol, extensions });
    const received = waiting;
    waiting = [];
    for (const message of received) receive(message);
  };

  /** Sends what may be sent, and says what may not. */
  const transmitAllowed = (messages: readonly Message[], extensions: readonly number[]): void => {
    const { sendable, withheld } = outgoing(messages, extensions, context.messages);
    transmit(...sendable);
    if (withheld.length > 0) emit({ type: 'undeliverable', protocol, messages: withheld });
  };

  const onReconnect = (message: Reconnect, known: ServerInfo): void => {
    const judged = judgeRedirect(message, connector, known.peer);
    if (judged.refused !== undefined) {
      emit({ type: 'redirectRefused', protocol, endpoint: judged.endpoint, reason: judged.refused });
      return;
    }
    redirect = judged;
    end();
    connection?.close();
  };

  const handle = (message: Message, server: ServerInfo): void => {
    const admission = admit(message, 'server', protocol, server.extensions, context.messages);
    if (admission === 'ignore') return;
    if (admission !== 'handle') {
      emit({ type: 'rejected', protocol, code: admission, message });
      return;
    }
    const isChanged = message.type === 'ChannelEndpointChanged' && policy.supported.length > 0;
    // extension state starts anew (spec §3.6.4), and what the handler says to it waits for that
    if (isChanged && phase.name === 'open')
      phase = { ...phase, name: 'renegotiation', server: { ...server, extensions: [] } };
    if (!isNow('negotiation'))
      push({ type: 'message', protocol, message: negotiatedTlvs(message, server.extensions) });
    if (message.type === 'Reconnect' && !isNow('ended')) onReconnect(message, server);
    if (isChanged) renegotiate({ ...server, extensions: [] });
  };

  /** Begins a negotiation, unless the handler leaves when it learns why. */
  const renegotiate = (server: ServerInfo): void => {
    if (!isNow('renegotiation')) return;
    emit({ type: 'extensions', protocol, extensions: [] });
    push({ type: 'extensions', protocol, extensions: [] });
    if (isNow('renegotiation')) negotiate(server);
  };

  const receive = (message: Message): void => {
    switch (message.type) {
      case 'SetupConnection.Success':
      case 'SetupConnection.Error':
        throw new ServiceError('setup-connection-repeated', `${message.type} came a second time`);
      case 'RequestExtensions.Success':
      case 'RequestExtensions.Error':
        onExtensionsAnswer(message);
        return;
      default:
        if (phase.name === 'setup' || phase.name === 'ended') return;
        // a server that wants to be left is left at once
        if (phase.name === 'open' || message.type === 'Reconnect') handle(message, phase.server);
        else if (waiting.push(message) > maxWaiting) endNegotiation();
    }
  };

  const onMessage = (message: Message): void => {
    if (isNow('ended') || connection === undefined) return;
    emit({ type: 'received', protocol, message });
    if (isNow('setup')) onSetupAnswer(message, connection);
    else receive(message);
  };

  const sayLast = (): void => {
    if (phase.name === 'open') transmitAllowed(lastWords(), phase.server.extensions);
  };

  const end = (): number | undefined => {
    const connectedAt = 'connectedAt' in phase ? phase.connectedAt : undefined;
    phase = { name: 'ended', connectedAt };
    return connectedAt;
  };

  function converse(established: Connection): Observable<never> {
    connection = established;
    const hello$ = defer(() => {
      transmit(setupConnectionOf(context, endpoint));
      return EMPTY;
    });
    const sign$ = new Subject<void>();
    const silence$ = silence(sign$, {
      first: setupTimeout,
      each: inactivityLimit,
      scheduler,
      error: () =>
        isNow('setup')
          ? new ServiceError('setup-timeout', `no answer to SetupConnection within ${setupTimeout} ms`)
          : new ServiceError('inactive', `no message within ${String(inactivityLimit)} ms`),
    });
    const received$ = beforeEnd(established.message$, sayLast).pipe(
      tap((message) => {
        sign$.next();
        onMessage(message);
      }),
      finalize(() => sign$.complete()),
      ignoreElements(),
    );
    const message$ = merge(silence$, received$, hello$);
    return policy.supported.length === 0
      ? message$
      : withDeadline(message$, deadline$, scheduler, endNegotiation);
  }

  const ended$ = defer(() => {
    const connectedAt = end();
    waiting = [];
    if (held.length > 0) emit({ type: 'undeliverable', protocol, messages: held });
    const reason = failure ?? (redirect === undefined ? peerClosed : redirected);
    emit({ type: 'disconnected', protocol, reason });
    if (connectedAt !== undefined) push({ type: 'disconnected', protocol, reason });
    return of<SessionEnd>({
      reason,
      ...(connectedAt === undefined ? {} : { connectedAt }),
      ...(redirect === undefined ? {} : { redirect }),
    });
  });

  return {
    send(messages) {
      if (phase.name === 'renegotiation') {
        const room = maxWaiting - held.length;
        held = [...held, ...messages.slice(0, room)];
        return messages.slice(room);
      }
      if (phase.name !== 'open') return messages;
      const { sendable, withheld } = outgoing(messages, phase.server.extensions, context.messages);
      transmit(...sendable);
      return withheld;
    },
    leave(reason) {
      if (isNow('ended')) return;
      end();
      failure = reason;
      left$.next();
    },
    prepare(messages) {
      lastWords = messages;
    },
    end$: concat(
      connector.pipe(
        mergeMap((dialled) => converse(knowing(dialled, context.messages))),
        catchError((error: unknown) => {
          failure = disconnectReason(error);
          return EMPTY;
        }),
        takeUntil(left$),
      ),
      ended$,
    ),
  };
}
