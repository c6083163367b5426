import base from '../../jest.config.js';

/** The live part of the interop suite: needs what `run.ts` has built. One file after the other, the peers share the machine. */
export default {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/spec/interop/live/*.live.ts'],
  testTimeout: 120_000,
};
