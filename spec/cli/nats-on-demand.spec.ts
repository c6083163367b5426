/** Nothing of NATS is loaded by a pool that is not asked for a cluster: which modules the built `sv2` loads is looked at as it runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { temporaryFiles } from './role-support.js';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const { directory, file } = temporaryFiles();
let runs = 0;

/** Writes a line for each module that is loaded, whether by `import` or, of a package of CommonJS, as its entry. */
const watcher = (list: string): string => {
  const hooks = `
    import { appendFileSync } from 'node:fs';
    export const load = (url, context, next) => {
      appendFileSync(${JSON.stringify(list)}, url + '\\n');
      return next(url, context);
    };`;
  return `
    import { register } from 'node:module';
    register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hooks))});`;
};

/** Runs the built `sv2` until it prints this or ends. @returns the modules that it has loaded by then */
const modulesUntil = async (pattern: RegExp, ...argv: readonly string[]): Promise<readonly string[]> => {
  const list = join(directory, `modules-${++runs}`);
  const preload = file(`watcher-${runs}.mjs`, watcher(list));
  const child = spawn(process.execPath, ['--import', preload, main, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  const ended = once(child, 'close');
  const printed: string[] = [];
  const found = new Promise<boolean>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        printed.push(line);
        if (pattern.test(line)) resolve(true);
      });
    void ended.then(() => resolve(false));
  });
  const isFound = await found;
  const modules = existsSync(list) ? readFileSync(list, 'utf8').split('\n') : [];
  child.kill('SIGTERM');
  await ended;
  if (!isFound)
    throw new Error(`sv2 ${argv.join(' ')} did not print ${String(pattern)}:\n${printed.join('\n')}`);
  return modules;
};

const ofNats = (modules: readonly string[]): readonly string[] =>
  modules.filter((url) => url.includes('/node_modules/@nats-io/'));

const payout = ['--coinbase-reward-script', 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'];
const pool = (name: string): readonly string[] => [
  ...['pool', '--listen', '127.0.0.1:0', '--ledger', join(directory, name), ...payout],
  ...['--template-provider', '127.0.0.1:1', '--no-template-provider-encryption'],
];

describe('NATS', () => {
  it('is not loaded by sv2 pool, of one process and of several', async () => {
    for (const more of [[], ['--processes', '2']]) {
      const modules = await modulesUntil(/pool listening on/, ...pool(`${more.length}.sqlite`), ...more);
      expect(modules.some((url) => url.includes('/node_modules/libsql/'))).toBe(true); // it is seen what is loaded
      expect(ofNats(modules)).toEqual([]);
    }
  });

  it('is not loaded by sv2 demo, with a block found', async () => {
    expect(ofNats(await modulesUntil(/block/i, 'demo'))).toEqual([]);
  });

  it('is loaded by a pool that is asked for a cluster', async () => {
    const modules = await modulesUntil(
      /cannot connect to NATS/,
      ...['pool', '--cluster', 'nats://127.0.0.1:1', '--cluster-role', 'front', ...payout],
    );
    expect(ofNats(modules).join('\n')).toContain('/node_modules/@nats-io/transport-node/');
  });
});
