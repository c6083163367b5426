/** rx-sv2/node: what needs Node.js, that is TCP, worker threads and native cryptography. */
export * from './node/connect.js';
export { nodeCrypto } from './node/crypto.js';
export * from './node/listen.js';
export * from './node/hash-workers.js';
