/** rx-sv2/testing: marble tests of handlers and services, connections in memory, random messages. */
export * from './testing/index.js';
