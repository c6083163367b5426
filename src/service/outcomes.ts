/** Outcomes: what a service emits. */
import type { KnownMessage, Message } from '../messages/registry.js';
import type { Subprotocol } from '../messages/define-message.js';
import type { Endpoint, Peer } from '../transport/connection.js';
import type { DisconnectReason } from './errors.js';
import type { ClientEvent, ClientInfo, ServerEvent, ServerInfo } from './events.js';
import type { ClientEffect, ServerEffect } from './effects.js';

/** An outcome of the application's own, such as `{ type: 'ShareAccepted', … }`: shown, not acted upon. */
export interface ApplicationOutcome {
  readonly type: string;
}

/** The outcomes of the application's own among everything a handler emits. */
export type OwnOutcome<A extends ApplicationOutcome> = Exclude<
  A,
  { readonly type: (ServerEffect | ClientEffect | HandlerError)['type'] }
>;

/** Says of a handler that cannot be one of this side, or emits a message instead of the effect that sends it, so. */
type NoMistake<Protocol extends string, A, Mistake, Sentence> = [
  // asked for twice, lest a handler whose `A` is open in a generic function be taken for mistaken: of a type that
  // depends on what is not known, the compiler tries only the branch for what is not `never`
  [Extract<A, Mistake>] extends [never] ? true : never,
] extends [never]
  ? { readonly [P in Protocol]: Sentence }
  : unknown;

/** A sentence where a server has a handler, alone or with settings. */
type OfServer<Sentence extends string> = Sentence | { readonly handler: Sentence };
/** A sentence where a client has a handler. */
interface OfClient<Sentence extends string> {
  readonly handler: Sentence;
}

type ItselfInstead<
  Protocol extends string,
  A,
  Effect extends string,
> = `the ${Protocol} handler emits the message ${Extract<A, KnownMessage>['type']} itself; ${Effect} sends it`;

/** What outcomes of a server's handler can be: neither messages nor effects of a client. */
export type ServerHandlerOutcome<Protocol extends string, A> = NoMistake<
  Protocol,
  A,
  KnownMessage,
  OfServer<ItselfInstead<Protocol, A, 'send(clientId, …)'>>
> &
  NoMistake<
    Protocol,
    A,
    { readonly type: Exclude<ClientEffect['type'], ServerEffect['type']> },
    OfServer<`the ${Protocol} handler is one of a client, and this is a server`>
  >;

/** What outcomes of a client's handler can be: neither messages nor effects of a server. */
export type ClientHandlerOutcome<Protocol extends string, A> = NoMistake<
  Protocol,
  A,
  KnownMessage,
  OfClient<ItselfInstead<Protocol, A, 'sendToServer(…)'>>
> &
  NoMistake<
    Protocol,
    A,
    { readonly type: Exclude<ServerEffect['type'], ClientEffect['type']> },
    OfClient<`the ${Protocol} handler is one of a server, and this is a client`>
  >;

/** A handler threw or its stream failed. It goes on with the next event. */
export interface HandlerError {
  readonly type: 'handlerError';
  /** Whose handler it was. */
  readonly handler: Subprotocol;
  readonly error: unknown;
  /** The event being handled; absent if the handler failed in its own time. */
  readonly event?: ServerEvent | ClientEvent;
}

/** A peer sent what it may not send on this connection. The connection stays. */
export interface Rejected {
  readonly type: 'rejected';
  /**
   * `unsupported-protocol`: of another subprotocol; `unsupported-message`: wrong direction, or no such message;
   * `extensions-agreed`: RequestExtensions after extensions were agreed upon; `too-many-extensions`: in one of them.
   */
  readonly code: 'unsupported-protocol' | 'unsupported-message' | 'extensions-agreed' | 'too-many-extensions';
  readonly message: Message;
}

/** What a server emits. */
export type ServerOutcome<A extends ApplicationOutcome = never> =
  | { readonly type: 'connected'; readonly clientId: number; readonly client: ClientInfo }
  | {
      readonly type: 'setupRefused';
      readonly clientId: number;
      readonly peer: Peer;
      readonly errorCode: string;
      readonly flags: number;
    }
  | {
      readonly type: 'disconnected';
      readonly clientId: number;
      readonly peer: Peer;
      /** Absent if the client never got past SetupConnection. */
      readonly protocol?: Subprotocol;
      readonly reason: DisconnectReason;
    }
  | { readonly type: 'received'; readonly clientId: number; readonly message: Message }
  | { readonly type: 'sent'; readonly clientId: number; readonly message: Message }
  | { readonly type: 'undeliverable'; readonly clientId: number; readonly messages: readonly Message[] }
  | { readonly type: 'extensions'; readonly clientId: number; readonly extensions: readonly number[] }
  | (Rejected & { readonly clientId: number })
  | HandlerError
  | A;

/** What a client emits. */
export type ClientOutcome<A extends ApplicationOutcome = never> =
  | { readonly type: 'connected'; readonly protocol: Subprotocol; readonly server: ServerInfo }
  | {
      readonly type: 'disconnected';
      readonly protocol: Subprotocol;
      readonly reason: DisconnectReason;
    }
  | {
      /**
       * Another connection follows in `delay` milliseconds, which is 0 for the first Reconnect. `attempt`
       * counts from 1.
       */
      readonly type: 'reconnecting';
      readonly protocol: Subprotocol;
      readonly attempt: number;
      readonly delay: number;
      readonly endpoint: Endpoint | undefined;
    }
  | {
      /** Another of the servers is dialled than the one before. */
      readonly type: 'switched';
      readonly protocol: Subprotocol;
      /** Which, from 0 on. */
      readonly upstream: number;
      readonly endpoint: Endpoint | undefined;
      readonly left: {
        readonly upstream: number;
        readonly endpoint: Endpoint | undefined;
        /** When it was connected to, in milliseconds of the scheduler's clock; undefined if it was not. */
        readonly since: number | undefined;
        readonly reason: DisconnectReason;
      };
    }
  | {
      /** A Reconnect that would have led away from a known authority was not followed (spec §3.6.5). */
      readonly type: 'redirectRefused';
      readonly protocol: Subprotocol;
      readonly endpoint: Endpoint;
      readonly reason: string;
    }
  | { readonly type: 'received'; readonly protocol: Subprotocol; readonly message: Message }
  | { readonly type: 'sent'; readonly protocol: Subprotocol; readonly message: Message }
  | { readonly type: 'undeliverable'; readonly protocol: Subprotocol; readonly messages: readonly Message[] }
  | { readonly type: 'extensions'; readonly protocol: Subprotocol; readonly extensions: readonly number[] }
  | (Rejected & { readonly protocol: Subprotocol })
  | HandlerError
  | A;
