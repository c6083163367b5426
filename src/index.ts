/** rx-sv2: Stratum V2 as Observables. Runs in Node.js and in browsers; nothing here needs `node:` modules. */
export * from './codec/index.js';
export * from './messages/index.js';
export * from './framing/index.js';
export * from './crypto/index.js';
export * from './noise/index.js';
export * from './transport/index.js';
export * from './service/index.js';
export * from './sv1/index.js';
export * from './bitcoin/index.js';
export * from './mining/index.js';
export * from './declaration/index.js';
export * from './ledger/index.js';
export * from './roles/index.js';
