export * from './block-header.js';
export * from './coinbase.js';
export * from './compact-size.js';
export * from './hash.js';
export * from './merkle.js';
export * from './outputs.js';
export * from './target.js';
export * from './transaction.js';
