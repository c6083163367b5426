/** Specs and marble specs run as native ES modules; types are checked by `npm run typecheck`. */
export default {
  testMatch: ['<rootDir>/spec/**/*.spec.ts', '<rootDir>/marbles/**/*.spec.ts'],
  // need a nats-server: npm run test:cluster
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/spec/cluster/'],
  testEnvironment: 'node',
  // only to end what is stuck: on a busy machine anything may take a hundred times as long
  testTimeout: 300_000,
  // of two processors Jest uses one by itself, which makes the suite take 20 minutes
  maxWorkers: '100%',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': ['ts-jest', { useESM: true, diagnostics: false, tsconfig: 'tsconfig.json' }],
  },
  moduleNameMapper: {
    '^rx-sv2$': '<rootDir>/src/index.ts',
    '^rx-sv2/node$': '<rootDir>/src/node.ts',
    '^rx-sv2/observe$': '<rootDir>/src/observe.ts',
    '^rx-sv2/testing$': '<rootDir>/src/testing.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
};
