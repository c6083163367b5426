import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals';
import { pack } from './pack.js';

const readme = readFileSync('README.md', 'utf8');
/** What the README puts into `jest.config.json` and `tsconfig.json`. */
const [, jestConfig = ''] = /`jest\.config\.json` are[^`]*```json\n([\s\S]*?)\n```/.exec(readme) ?? [];

const project = mkdtempSync(join(tmpdir(), 'rx-sv2-jest-'));
const put = (path: string, text: string): void => writeFileSync(join(project, path), text);

/** Another project, which has the packed tarball installed, and the README's handler with its test as its own. */
beforeAll(() => {
  for (const folder of ['node_modules/rx-sv2', 'handler'])
    mkdirSync(join(project, folder), { recursive: true });
  const { tarball } = pack(project);
  execFileSync('tar', ['xzf', tarball, '--strip-components=1', '-C', join(project, 'node_modules/rx-sv2')]);
  for (const name of readdirSync('node_modules'))
    if (!name.startsWith('.'))
      symlinkSync(resolve('node_modules', name), join(project, 'node_modules', name));
  put('jest.config.json', jestConfig);
  const compilerOptions = {
    ...{ target: 'ES2022', module: 'NodeNext', isolatedModules: true, noEmit: true, types: ['node'] },
    ...{ skipLibCheck: true, strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
  };
  put('tsconfig.json', JSON.stringify({ compilerOptions, include: ['handler'] }));
  put('handler/handler.ts', readFileSync('examples/handler/handler.ts', 'utf8'));
  const test = readFileSync('marbles/handler-example.spec.ts', 'utf8');
  put('handler/handler.spec.ts', test.replace('../examples/handler/', './'));
  put(
    'handler/tcp.spec.ts',
    `import { expect, it } from '@jest/globals';
import { filter, firstValueFrom, map, merge } from 'rxjs';
import { createClient, createServer, encodeAuthorityPublicKey, generateAuthorityKeyPair, wasmCrypto } from 'rx-sv2';
import { connect, handshakeWorkers, listen } from 'rx-sv2/node';
import { trustingPool } from './handler.js';

it('serves a miner over TCP', async () => {
  const authority = generateAuthorityKeyPair(await wasmCrypto());
  const port = 20_000 + (process.pid % 20_000);
  const listening = listen({ port, authority, responder: handshakeWorkers() });
  const server = createServer({ listen: listening, mining: trustingPool });
  const url = \`stratum2+tcp://127.0.0.1:\${port}/\${encodeAuthorityPublicKey(authority.publicKey)}\`;
  const client = createClient({ mining: { connect: connect(url), handler: () => merge() } });
  const type$ = merge(server.start(), client.start()).pipe(map(({ type }) => type));
  expect(await firstValueFrom(type$.pipe(filter((type) => type === 'connected')))).toBe('connected');
});
`,
  );
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

/** Runs Jest in the project. */
function jest(
  type: 'commonjs' | 'module',
  ...flags: readonly string[]
): { status: number | null; stderr: string } {
  put('package.json', JSON.stringify({ name: 'their-pool', private: true, type }));
  // those that run this spec are not for theirs
  const { NODE_OPTIONS: _, ...env } = process.env;
  return spawnSync(
    process.execPath,
    [...flags, resolve('node_modules/jest/bin/jest.js'), '--no-cache', '--runInBand'],
    {
      cwd: project,
      encoding: 'utf8',
      env,
    },
  );
}

describe('the preset rx-sv2/testing, in a project of users', () => {
  it('is in the README', () => {
    expect(JSON.parse(jestConfig)).toEqual({ preset: 'rx-sv2/testing' });
  });

  test.each([
    ['as Jest comes', 'commonjs', []],
    ['with ES modules', 'module', ['--experimental-vm-modules', '--no-warnings']],
  ] as const)('runs their specs %s', (_, type, flags) => {
    const { status, stderr } = jest(type, ...flags);
    expect(stderr).toMatch(/^Tests: +2 passed, 2 total$/m);
    expect(stderr).not.toMatch(/warn/i);
    expect(status).toBe(0);
  });

  it('leaves them types that pass the strictest checks', () => {
    const { stdout, status } = spawnSync(resolve('node_modules/.bin/tsc'), ['-p', project], {
      encoding: 'utf8',
    });
    expect([stdout, status]).toEqual(['', 0]);
  });
});
