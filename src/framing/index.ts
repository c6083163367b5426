export * from './header.js';
export * from './frame.js';
export * from './frame-assembler.js';
export * from './json.js';
