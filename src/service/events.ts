import type { Message } from '../messages/registry.js';
import type { SetupConnection } from '../messages/common.js';
import type { Subprotocol } from '../messages/define-message.js';
import type { Endpoint, Peer } from '../transport/connection.js';
import type { DisconnectReason } from './errors.js';
import type { Trigger } from './define-trigger.js';

/** A client of a server, once its SetupConnection was accepted. */
export interface ClientInfo {
  /** Unique among all clients of a server, from 1 on; never used again. */
  readonly clientId: number;
  readonly peer: Peer;
  readonly protocol: Subprotocol;
  /** The protocol version both speak. */
  readonly version: number;
  /** The flags the client asked for. */
  readonly flags: number;
  /** The flags of SetupConnection.Success. */
  readonly successFlags: number;
  /** What the client said of itself. */
  readonly setupConnection: SetupConnection;
  /** The extensions both speak (extension 0x0001). */
  readonly extensions: readonly number[];
  /** When it was accepted, in milliseconds of the scheduler's clock. */
  readonly connectedAt: number;
}

/** A server of a client, once it accepted SetupConnection. */
export interface ServerInfo {
  readonly peer: Peer;
  readonly endpoint: Endpoint | undefined;
  /** Which of the servers that the client was given for this subprotocol, from 0 on. */
  readonly upstream: number;
  readonly protocol: Subprotocol;
  /** The protocol version both speak. */
  readonly version: number;
  /** The flags of SetupConnection.Success. */
  readonly flags: number;
  /** The extensions both speak (extension 0x0001). */
  readonly extensions: readonly number[];
}

/** The server was started; the first event every server handler sees. */
export interface Started {
  readonly type: 'started';
}

/** A client's SetupConnection was accepted. */
export interface ClientAdded {
  readonly type: 'clientAdded';
  readonly clientId: number;
  readonly protocol: Subprotocol;
  readonly client: ClientInfo;
}

/** A client that had been added is gone. */
export interface ClientRemoved {
  readonly type: 'clientRemoved';
  readonly clientId: number;
  readonly protocol: Subprotocol;
  readonly reason: DisconnectReason;
}

/** A client negotiated extensions (extension 0x0001). */
export interface ClientExtensions {
  readonly type: 'clientExtensions';
  readonly clientId: number;
  readonly protocol: Subprotocol;
  readonly extensions: readonly number[];
}

/** A client sent a message. */
export interface MessageFromClient<M extends { readonly type: string } = Message> {
  readonly type: 'message';
  readonly clientId: number;
  readonly protocol: Subprotocol;
  readonly message: M;
}

/** What server handlers see. `M` is what clients of the handler's subprotocol may send. */
export type ServerEvent<M extends { readonly type: string } = Message> =
  Started | ClientAdded | ClientRemoved | ClientExtensions | MessageFromClient<M> | Trigger;

/** The server accepted SetupConnection and extensions are negotiated: the handler may send. */
export interface Connected {
  readonly type: 'connected';
  readonly protocol: Subprotocol;
  readonly server: ServerInfo;
}

/** The connection of a subprotocol that had been connected is gone. */
export interface Disconnected {
  readonly type: 'disconnected';
  readonly protocol: Subprotocol;
  readonly reason: DisconnectReason;
}

/** The server sent a message. */
export interface MessageFromServer<M extends { readonly type: string } = Message> {
  readonly type: 'message';
  readonly protocol: Subprotocol;
  readonly message: M;
}

/**
 * The extensions of a connection changed: none after ChannelEndpointChanged (spec §3.6.4), then those
 * negotiated anew.
 */
export interface ExtensionsChanged {
  readonly type: 'extensions';
  readonly protocol: Subprotocol;
  readonly extensions: readonly number[];
}

/** What client handlers see. `M` is what servers of the handler's subprotocol may send. */
export type ClientEvent<M extends { readonly type: string } = Message> =
  Connected | Disconnected | ExtensionsChanged | MessageFromServer<M> | Trigger;
