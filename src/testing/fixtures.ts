import { SetupConnection } from '../messages/common.js';
import { subprotocols, type Subprotocol } from '../messages/define-message.js';
import { creatorByType, type Message } from '../messages/registry.js';
import type {
  ClientAdded,
  ClientInfo,
  Connected,
  MessageFromClient,
  MessageFromServer,
  ServerInfo,
} from '../service/events.js';

/**
 * A SetupConnection for tests: version 2, no flags, and short texts.
 * @param protocol the subprotocol
 * @param fields those that differ
 */
export function setupConnection(
  protocol: Subprotocol = 'mining',
  fields: Partial<Omit<SetupConnection, 'type' | 'protocol'>> = {},
): SetupConnection {
  return SetupConnection({
    protocol: subprotocols.indexOf(protocol),
    minVersion: 2,
    maxVersion: 2,
    flags: 0,
    endpointHost: 'test',
    endpointPort: 1,
    vendor: 'vendor',
    hardwareVersion: 'hardware',
    firmware: 'firmware',
    deviceId: '',
    ...fields,
  });
}

/**
 * The event of a server handler that a client sent a message.
 * @param protocol needed only for messages that belong to no subprotocol; `mining` unless given
 */
export const fromClient = <M extends Message>(
  clientId: number,
  message: M,
  protocol: Subprotocol = protocolOf(message),
): MessageFromClient<M> => ({ type: 'message', clientId, protocol, message });

/**
 * The event of a client handler that the server sent a message.
 * @param protocol needed only for messages that belong to no subprotocol; `mining` unless given
 */
export const fromServer = <M extends Message>(
  message: M,
  protocol: Subprotocol = protocolOf(message),
): MessageFromServer<M> => ({ type: 'message', protocol, message });

/**
 * The event of a server handler that a client was accepted.
 * @param info what is to be known of the client
 */
export function clientAdded(clientId: number, info: Partial<ClientInfo> = {}): ClientAdded {
  const { protocol = 'mining' } = info;
  const client: ClientInfo = {
    clientId,
    protocol,
    peer: { address: 'test:1', encrypted: false },
    version: 2,
    flags: 0,
    successFlags: 0,
    setupConnection: setupConnection(protocol, { flags: info.flags ?? 0 }),
    extensions: [],
    connectedAt: 0,
    ...info,
  };
  return { type: 'clientAdded', clientId, protocol, client };
}

/**
 * The event of a client handler that its server accepted.
 * @param info what is to be known of the server
 */
export function connected(protocol: Subprotocol = 'mining', info: Partial<ServerInfo> = {}): Connected {
  const server: ServerInfo = {
    protocol,
    peer: { address: 'test:1', encrypted: false },
    endpoint: undefined,
    upstream: 0,
    version: 2,
    flags: 0,
    extensions: [],
    ...info,
  };
  return { type: 'connected', protocol, server };
}

function protocolOf({ type }: Message): Subprotocol {
  const protocol = creatorByType(type)?.schema.protocol;
  return protocol === undefined || protocol === 'common' || protocol === 'extensions' ? 'mining' : protocol;
}
