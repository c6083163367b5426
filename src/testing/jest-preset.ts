/**
 * The preset `rx-sv2/testing` of Jest: specs in TypeScript by ts-jest, as ES modules where Node.js runs with
 * `--experimental-vm-modules`, else as CommonJS, to which the packages that only exist as ES modules are then compiled.
 */

/** rx-sv2 and what it is made of, and where pnpm keeps them. */
const esModules = 'rx-sv2|@noble|@scure|@bitauth|micro-packed';

export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': ['ts-jest', { useESM: true }],
    [`[/\\\\]node_modules[/\\\\](${esModules})[/\\\\].+\\.js$`]: 'rx-sv2/testing/jest-transform',
  },
  transformIgnorePatterns: [`[/\\\\]node_modules[/\\\\](?!(\\.pnpm|${esModules})[/\\\\])`],
  // TypeScript has other modules imported by the name that they will have: './handler.js' is handler.ts
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
};
