/**
 * rx-sv2/observe: from outcomes to JSON, states, rates and alerts. Runs in Node.js and in browsers; nothing here does
 * any I/O.
 */
export * from './observe/index.js';
