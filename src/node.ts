/** rx-sv2/node: what needs Node.js, that is TCP, worker threads and native cryptography. */
export * from './node/bitcoin-node.js';
export { BitcoinRpcError, type BitcoinRpcErrorCode } from './node/bitcoin-rpc-errors.js';
export type { BitcoinRpcOptions } from './node/bitcoin-rpc.js';
export * from './node/connect.js';
export { nodeCrypto } from './node/crypto.js';
export { handshakeWorkers } from './node/handshake-workers.js';
export * from './node/listen.js';
export * from './node/listen-either.js';
export * from './node/hash-workers.js';
export * from './node/sv1.js';
export { monitored, type MonitoringOptions } from './node/monitoring/monitored.js';
export { blockJournal } from './node/ledger/block-journal.js';
export { openLedger, type OpenedLedger, type OpenLedgerOptions } from './node/ledger/open-ledger.js';
export type { Salvaged } from './node/ledger/salvage.js';
export type { Bus } from './node/cluster/bus.js';
export { corePorts, type CorePorts } from './node/cluster/core-ports.js';
export { frontPorts } from './node/cluster/front-ports.js';
export {
  natsBus,
  type NatsBus,
  type NatsClient,
  type NatsIdentity,
  type NatsStatus,
} from './node/cluster/nats.js';
export {
  natsCoreLease,
  natsLeases,
  type NatsHolderOptions,
  type NatsLeaseOptions,
  type NatsServerIds,
} from './node/cluster/nats-leases.js';
export type { SessionOptions } from './node/cluster/session-options.js';
