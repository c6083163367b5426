import {
  catchError,
  concat,
  defer,
  EMPTY,
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
import {
  RequestExtensions,
  type RequestExtensionsError,
  type RequestExtensionsSuccess,
} from '../../messages/extensions.js';
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
import {
  negotiatedTlvs,
  negotiationExpired,
  negotiationStep,
  type NegotiationStep,
} from '../extensions/negotiation.js';
import type { ClientOutcome } from '../outcomes.js';
import { outgoing } from './outgoing.js';
import { beforeEnd, limitSilence, withDeadline } from './timing.js';

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
  prepare(messages: readonly Message[]): void;
  /** Dials and runs the connection while subscribed; emits how it ended, whatever the reason. */
  readonly end$: Observable<SessionEnd>;
}

const peerClosed: DisconnectReason = { code: 'peer-closed', message: 'the server closed the connection' };
const redirected: DisconnectReason = { code: 'redirected', message: 'the server asked to reconnect' };

/** Messages held back during a negotiation, each way; a server that sends more has not understood the request. */
const maxWaiting = 256;

/**
 * Where a session is. It goes from `setup` over `negotiation`, if there is anything to negotiate, to `open`, and from
 * there to `renegotiation` and back each time the end of a channel has changed. The handler knows of the connection
 * from `open` on.
 */
type Phase = 'setup' | 'negotiation' | 'open' | 'renegotiation' | 'ended';

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
  let phase: Phase = 'setup';
  let connection: Connection | undefined;
  let server: ServerInfo | undefined;
  let connectedAt: number | undefined;
  let redirect: { readonly connector: Connector } | undefined;
  let failure: DisconnectReason | undefined;
  let requestId = 0;
  let requested: readonly number[] = [];
  let asked = 0;
  let waiting: Message[] = [];
  let held: readonly Message[] = [];
  let lastWords: readonly Message[] = [];

  const transmit = (...messages: readonly Message[]): void => {
    connection?.send(...messages);
    for (const message of messages) emit({ type: 'sent', protocol, message });
  };

  const onSetupAnswer = (message: Message, established: Connection): void => {
    const { version, flags } = readSetupAnswer(message, context.versions);
    server = {
      peer: established.peer,
      endpoint,
      upstream: context.upstream,
      protocol,
      version,
      flags,
      extensions: [],
    };
    negotiate(server);
  };

  /** Begins a negotiation, if there is anything to negotiate. */
  const negotiate = (known: ServerInfo): void => {
    asked = 0;
    if (policy.supported.length === 0) open([], known);
    else proceed({ ask: policy.supported }, known);
  };

  const proceed = (step: NegotiationStep, known: ServerInfo): void => {
    if (step.ask === undefined) {
      open(step.agreed, known);
      return;
    }
    phase = phase === 'setup' || phase === 'negotiation' ? 'negotiation' : 'renegotiation';
    asked += 1;
    requested = step.ask;
    requestId = (requestId + 1) & 0xffff;
    if (asked === 1) deadline$.next(policy.timeout ?? 1_000);
    transmit(RequestExtensions({ requestId, requestedExtensions: requested }));
  };

  const onExtensionsAnswer = (answer: RequestExtensionsSuccess | RequestExtensionsError): void => {
    if (!isNegotiating() || server === undefined || answer.requestId !== requestId) return;
    proceed(negotiationStep(answer, requested, policy, asked > 1), server);
  };

  const isNegotiating = (): boolean => phase === 'negotiation' || phase === 'renegotiation';

  /** The server has been silent for too long, or has said too much else: it does not know what was asked. */
  const endNegotiation = (): void => {
    if (isNegotiating() && server !== undefined) proceed(negotiationExpired(policy), server);
  };

  const open = (extensions: readonly number[], known: ServerInfo): void => {
    const isNew = phase !== 'renegotiation';
    phase = 'open';
    server = { ...known, extensions };
    if (policy.supported.length > 0) emit({ type: 'extensions', protocol, extensions });
    if (isNew) {
      connectedAt = scheduler.now();
      emit({ type: 'connected', protocol, server });
      push({ type: 'connected', protocol, server });
    } else push({ type: 'extensions', protocol, extensions });
    const toSend = held;
    held = [];
    if (toSend.length > 0) transmitAllowed(toSend, extensions);
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
    phase = 'ended';
    connection?.close();
  };

  const handle = (message: Message, known: ServerInfo): void => {
    const admission = admit(message, 'server', protocol, known.extensions, context.messages);
    if (admission === 'ignore') return;
    if (admission !== 'handle') {
      emit({ type: 'rejected', protocol, code: admission, message });
      return;
    }
    const renewed = message.type === 'ChannelEndpointChanged' && policy.supported.length > 0;
    // extension state starts anew (spec §3.6.4), and what the handler says to it waits for that
    if (renewed) server = { ...known, extensions: [] };
    const isKnown = phase !== 'negotiation';
    if (renewed) phase = 'renegotiation';
    if (isKnown) push({ type: 'message', protocol, message: negotiatedTlvs(message, known.extensions) });
    if (message.type === 'Reconnect') onReconnect(message, known);
    if (renewed) {
      emit({ type: 'extensions', protocol, extensions: [] });
      push({ type: 'extensions', protocol, extensions: [] });
      negotiate({ ...known, extensions: [] });
    }
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
        if (phase === 'ended' || server === undefined) return;
        // a server that wants to be left is left at once
        if (!isNegotiating() || message.type === 'Reconnect') handle(message, server);
        else if (waiting.push(message) > maxWaiting) endNegotiation();
    }
  };

  const onMessage = (message: Message): void => {
    if (phase === 'ended' || connection === undefined) return;
    emit({ type: 'received', protocol, message });
    if (phase === 'setup') onSetupAnswer(message, connection);
    else receive(message);
  };

  const sayLast = (): void => {
    if (phase === 'open' && server !== undefined) transmitAllowed(lastWords, server.extensions);
  };

  function converse(established: Connection): Observable<never> {
    connection = established;
    const hello$ = defer(() => {
      transmit(setupConnectionOf(context, endpoint));
      return EMPTY;
    });
    const message$ = merge(beforeEnd(established.message$, sayLast), hello$).pipe(
      limitSilence({
        first: setupTimeout,
        each: inactivityLimit,
        scheduler,
        error: () =>
          phase === 'setup'
            ? new ServiceError('setup-timeout', `no answer to SetupConnection within ${setupTimeout} ms`)
            : new ServiceError('inactive', `no message within ${String(inactivityLimit)} ms`),
      }),
      tap(onMessage),
      ignoreElements(),
    );
    return policy.supported.length === 0
      ? message$
      : withDeadline(message$, deadline$, scheduler, endNegotiation);
  }

  const ended$ = defer(() => {
    phase = 'ended';
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
      if (server === undefined) return messages;
      if (phase === 'renegotiation') {
        const room = maxWaiting - held.length;
        held = [...held, ...messages.slice(0, room)];
        return messages.slice(room);
      }
      if (phase !== 'open') return messages;
      const { sendable, withheld } = outgoing(messages, server.extensions, context.messages);
      transmit(...sendable);
      return withheld;
    },
    leave(reason) {
      if (phase === 'ended') return;
      phase = 'ended';
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
