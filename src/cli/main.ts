#!/usr/bin/env node
import { run } from './run.js';

const { stdin, stdout, stderr } = process;

// RxJS takes as long to load as Node.js itself: not for a list of the commands
process.exitCode = await run(process.argv.slice(2), { stdin, stdout, stderr }, async () => {
  const { signal$ } = await import('./signals.js');
  return signal$;
});
