export { coreLedger, type CoreLedger, type CoreLedgerOptions } from './cluster/core-ledger.js';
export { coreLink, type CoreLink, type CoreLinkOptions } from './cluster/core-link.js';
export { portLedger, servedLedger } from './cluster/port-ledger.js';
export type { Port, PortMessage } from './cluster/port.js';
export {
  leasedInLedger,
  serverIds,
  type OwnServerIds,
  type ServerIdLeases,
  type ServerLease,
  type ServerLives,
} from './cluster/server-ids.js';
export {
  coreSibling,
  frontSibling,
  type CoreSiblingOptions,
  type PortSiblingOptions,
} from './cluster/siblings.js';
export * from './jd-client/jd-client.js';
export * from './jd-server/jd-server.js';
export * from './miner/hasher.js';
export * from './miner/miner.js';
export { paying } from './paying.js';
export * from './pool/pool.js';
export { declaredPayouts, type DeclaredPayouts } from './pool/declared-payouts.js';
export * from './pool/pool-core.js';
export * from './pool/pool-front.js';
export * from './proxy/proxy.js';
export * from './template-provider/block-source.js';
export type { SimulatedChainOptions } from './template-provider/simulated-chain.js';
export * from './template-provider/simulated-source.js';
export * from './template-provider/template-provider.js';
export { mineSv1, type Sv1MiningOptions, type Sv1MiningOutcome } from './miner/sv1-miner.js';
export type { Sv1MinerOutcome } from './translator/sv1-miner-output.js';
export { translator, type TranslatorOptions } from './translator/translator.js';
export { sv1Miners, type Sv1MinerEvent, type Sv1MinersOptions } from './translator/sv1-miners.js';
