export * from './miner/hasher.js';
export * from './miner/miner.js';
export * from './pool/pool.js';
