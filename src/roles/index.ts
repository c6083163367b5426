export * from './miner/hasher.js';
export * from './miner/miner.js';
export * from './pool/pool.js';
export * from './proxy/proxy.js';
export * from './template-provider/block-source.js';
export type { SimulatedChainOptions } from './template-provider/simulated-chain.js';
export * from './template-provider/simulated-source.js';
export * from './template-provider/template-provider.js';
