export * from './arbitraries.js';
export { like, matches, type Matcher } from './equality.js';
export * from './fixtures.js';
export * from './marbles.js';
export * from './memory.js';
export { print } from './print.js';
export * from './sv1-arbitraries.js';
export * from './test-connection.js';
export * from './test-sv1-connection.js';
