export * from './client.js';
export { SetupRefusedError, type ClientExtensionPolicy, type Device } from './setup/client-setup.js';
export { disconnectReason, ServiceError, type DisconnectReason, type ServiceErrorCode } from './errors.js';
export * from './events.js';
export type { ExtensionPolicy } from './extensions/negotiation.js';
export * from './handle-each.js';
export * from './handlers.js';
export * from './operators.js';
export * from './effects.js';
export * from './outcomes.js';
export type { ReconnectPolicy } from './upstreams/backoff.js';
export * from './request.js';
export * from './server.js';
export type { NonsenseLimits } from './sessions/nonsense.js';
export type { Versions } from './setup/server-setup.js';
export { siblings, type Sibling, type SiblingEvent } from './siblings.js';
export * from './define-trigger.js';
export {
  relay,
  type RelayClient,
  type RelayOptions,
  type RelayOutcome,
  type RelayPair,
  type RelayServer,
  type ToClient,
  type ToServer,
} from './relay/relay.js';
