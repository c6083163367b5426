/** Effects: what handlers emit to make a service act. */
import type { Message } from '../messages/registry.js';
import type { DisconnectReason } from './errors.js';
import type { ClientEvent, ServerEvent } from './events.js';
import type { SiblingEvent } from './siblings.js';

/** Sends messages to a client, in order. */
export interface Send {
  readonly type: 'send';
  readonly clientId: number;
  readonly messages: readonly Message[];
}

/** Sends messages to the server of the subprotocol they belong to, in order. */
export interface SendToServer {
  readonly type: 'sendToServer';
  readonly messages: readonly Message[];
}

/** Leaves the server of the handler's subprotocol for another. */
export interface LeaveServer {
  readonly type: 'leaveServer';
  readonly reason: DisconnectReason;
  readonly banFor: number;
}

/** Has messages ready for the server that are sent when the client is stopped; they replace those before. */
export interface LastWords {
  readonly type: 'lastWords';
  readonly messages: () => readonly Message[];
}

/** Has messages ready for a client that are sent when the server ends its connection; they replace those before. */
export interface LastWordsTo {
  readonly type: 'lastWordsTo';
  readonly clientId: number;
  readonly messages: () => readonly Message[];
}

/** Sends a client what is queued for it, then closes its connection. */
export interface Disconnect {
  readonly type: 'disconnect';
  readonly clientId: number;
  readonly reason: string;
  readonly code: string;
}

/** Says that messages of a client were refused. */
export interface Nonsense {
  readonly type: 'nonsense';
  readonly clientId: number;
  readonly count: number;
}

/** Says that a client has proved work, which makes up for refused messages. */
export interface Earned {
  readonly type: 'earned';
  readonly clientId: number;
  readonly count: number;
}

/** Puts events at the end of the event queue, in order. */
export interface TriggerEffect<E> {
  readonly type: 'triggerEvents';
  readonly events: readonly E[];
}

/** Hands events to a sibling service, in order. */
export interface ToSibling {
  readonly type: 'toSibling';
  /** The name of the sibling, if it is one of several. */
  readonly sibling?: string;
  readonly triggers: readonly SiblingEvent[];
}

/** What a server handler can make the server do. */
export type ServerEffect =
  Send | LastWordsTo | Disconnect | Nonsense | Earned | TriggerEffect<ServerEvent> | ToSibling;

/** What a client handler can make the client do. */
export type ClientEffect = SendToServer | LastWords | LeaveServer | TriggerEffect<ClientEvent> | ToSibling;

/** A message, of the specification or an application's own. */
interface AnyMessage {
  readonly type: string;
}

/** Messages that can be sent; a sentence about what is none. */
type Sendable<M extends readonly unknown[]> = {
  readonly [K in keyof M]: M[K] extends Message
    ? M[K]
    : M[K] extends { readonly schema: unknown; readonly type: infer Type extends string }
      ? `${Type} makes a message when it is called: ${Type}({ … })`
      : M[K] extends { readonly type: infer Type extends string }
        ? Type extends Message['type']
          ? `this is no ${Type}: ${Type}({ … }) makes one`
          : M[K]
        : never;
};

/**
 * Sends messages to a client of the server. They leave in the order they were sent, without TLVs of extensions
 * that were not negotiated with it, and not before the negotiation of required extensions has ended. Messages of
 * extensions that were not negotiated, and all to a client that is gone, make an `undeliverable` outcome.
 */
export function send(clientId: number, ...messages: readonly Message[]): Send;
/** As above, with messages of an application's own among them: those that `messages` of the service declares. */
export function send<const M extends readonly AnyMessage[]>(
  clientId: number,
  ...messages: M & Sendable<M>
): Send;
export function send(clientId: number, ...messages: readonly Message[]): Send {
  return { type: 'send', clientId, messages };
}

/**
 * Sends messages to the server of the subprotocol they belong to (unknown messages: the handler's own), in
 * order, without TLVs of extensions that were not negotiated, and not while extensions are being negotiated anew.
 * Messages of extensions that were not negotiated, and all if it is not connected, make an `undeliverable` outcome.
 */
export function sendToServer(...messages: readonly Message[]): SendToServer;
/** As above, with messages of an application's own among them: those that `messages` of the service declares. */
export function sendToServer<const M extends readonly AnyMessage[]>(
  ...messages: M & Sendable<M>
): SendToServer;
export function sendToServer(...messages: readonly Message[]): SendToServer {
  return { type: 'sendToServer', messages };
}

/**
 * Leaves the server that the handler's subprotocol is connected to, without waiting for what is still to be sent, for
 * another of the list, or to dial it again if there is no other.
 * @param reason shown in the `disconnected` outcome: `code` for programs, `message` for people
 * @param banFor milliseconds for which it is not dialled again; 0 unless given, for the usual backoff
 */
export const leaveServer = (reason: Pick<DisconnectReason, 'code' | 'message'>, banFor = 0): LeaveServer => ({
  type: 'leaveServer',
  reason,
  banFor,
});

/**
 * Has messages ready that are sent as the last on the present connection when the client ends it: when it is stopped,
 * above all, and its handler can say nothing any more. They replace those of the same handler before, and are forgotten
 * with the connection.
 * @param given the messages, or what is asked for them at that moment, once
 */
export const lastWords = (
  ...given: readonly Message[] | readonly [messages: () => readonly Message[]]
): LastWords => {
  const [first] = given;
  return {
    type: 'lastWords',
    messages: typeof first === 'function' ? first : () => given as readonly Message[],
  };
};

/**
 * Has messages ready for a client that are sent as the last when the server ends its connection, whatever the reason:
 * `disconnect`, too much nonsense, silence, a message that breaks the protocol, or the server being stopped. A client that
 * leaves, or whose bytes are no frames, is sent nothing.
 * @param messages asked for at that moment, once; it replaces what was given for this client before
 */
export const lastWordsTo = (clientId: number, messages: () => readonly Message[]): LastWordsTo => ({
  type: 'lastWordsTo',
  clientId,
  messages,
});

/**
 * Closes a client's connection once everything sent to it has left.
 * @param reason shown in the `disconnected` outcome, for people
 * @param code shown beside it, for programs; `closed-by-handler` unless given
 */
export const disconnect = (clientId: number, reason: string, code = 'closed-by-handler'): Disconnect => ({
  type: 'disconnect',
  clientId,
  reason,
  code,
});

/**
 * Counts messages of a client that were refused, whatever the answer to them was: a client that goes on like that is
 * disconnected, code `too-much-nonsense`: see `nonsenseBurst` of createServer.
 * @param count how many; 1 unless given
 */
export const nonsense = (clientId: number, count = 1): Nonsense => ({ type: 'nonsense', clientId, count });

/**
 * Makes up for refused messages of a client that has proved work: as many as are given here, up to ten times
 * `nonsenseBurst`.
 * @param count how many; 1 unless given
 */
export const earned = (clientId: number, count = 1): Earned => ({ type: 'earned', clientId, count });

/** Handles further events after the present one and those already waiting: first in, first out. */
export const trigger = <E extends ServerEvent | ClientEvent>(...events: readonly E[]): TriggerEffect<E> => ({
  type: 'triggerEvents',
  events,
});

/**
 * Hands triggers, or other events that could be dispatched there, to the sibling service; its handlers see them as
 * events.
 */
export function toSibling(...triggers: readonly SiblingEvent[]): ToSibling;
/** As above, to one of several siblings. @param sibling its name in the option `siblings` */
export function toSibling(sibling: string, ...triggers: readonly SiblingEvent[]): ToSibling;
export function toSibling(...given: readonly (string | SiblingEvent)[]): ToSibling {
  const [first] = given;
  const triggers = given.filter((event) => typeof event !== 'string');
  return typeof first === 'string'
    ? { type: 'toSibling', sibling: first, triggers }
    : { type: 'toSibling', triggers };
}
