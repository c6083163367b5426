export { acceptConnections, type AcceptOptions } from './accept-connections.js';
export type { HandshakeFailure } from './accept-streams.js';
export type { ByteStream } from './byte-stream.js';
export type { Connection, Connector, Endpoint, Peer } from './connection.js';
export type { SilentServer } from './encryption-mismatch.js';
export { TransportError, type TransportErrorCode } from './errors.js';
export {
  defaultLimits,
  defaultListenerLimits,
  maxCommonPayload,
  type ConnectionLimits,
  type ListenerLimits,
} from './limits.js';
export type { SharedLimits } from './stream-connection.js';
export { openConnection, type Handshake, type HandshakeResult, type OpenOptions } from './open-connection.js';
export {
  clientHandshake,
  defaultCertificateValidity,
  type ClientSecurity,
  type CreateResponder,
  type Responder,
  type ServerSecurity,
} from './security.js';
