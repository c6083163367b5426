import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
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
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { pack } from './pack.js';

/** Runs against `dist`, which `npm test` has built. */
describe('the packed tarball', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rx-sv2-pack-'));
  let tarball: string;
  let paths: readonly string[];

  beforeAll(() => {
    ({ tarball, paths } = pack(directory));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('holds the built library, the command and nothing of the sources', () => {
    expect(paths).toEqual(
      expect.arrayContaining([
        'package.json',
        'README.md',
        'LICENSE',
        'dist/index.js',
        'dist/index.d.ts',
        'dist/cli/main.js',
      ]),
    );
    expect(
      paths.filter((path) => !/^(dist\/|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/.test(path)),
    ).toEqual([]);
  });

  it('has no map that points at sources it does not have', () => {
    const scripts = paths.filter((path) => path.endsWith('.js'));
    expect(scripts.length).toBeGreaterThan(100);
    expect(paths.filter((path) => path.endsWith('.map'))).toEqual([]);
    const mapped = scripts.filter((path) => readFileSync(path, 'utf8').includes('sourceMappingURL'));
    expect(mapped).toEqual([]);
  });

  it('holds a command that is read in few files: it runs without a single one of the packages it is made of', () => {
    execFileSync('tar', ['xzf', tarball, '-C', directory]);
    const sv2 = (...args: readonly string[]) =>
      execFileSync(process.execPath, [join(directory, 'package/dist/cli/main.js'), ...args], {
        encoding: 'utf8',
      });
    const commands = ['keygen', 'decode', 'encode', 'connect', 'pool', 'miner', 'template-provider', 'demo'];
    for (const command of commands) expect(sv2(command, '--help')).toContain(`Usage: sv2 ${command}`);
    expect(sv2('keygen')).toMatch(/^authority_public_key = /);
    expect(readFileSync(join(directory, 'package/dist/cli/LICENSES.txt'), 'utf8')).toMatch(
      /^rxjs\n\n +Apache/m,
    );
  });

  it('holds a command that knows messages of a user, whose module has them from the package', () => {
    const project = join(directory, 'project');
    const installed = join(project, 'node_modules/rx-sv2');
    mkdirSync(installed, { recursive: true });
    execFileSync('tar', ['xzf', tarball, '--strip-components=1', '-C', installed]);
    for (const name of readdirSync('node_modules'))
      if (!name.startsWith('.'))
        symlinkSync(resolve('node_modules', name), join(project, 'node_modules', name));
    writeFileSync(
      join(project, 'telemetry.mjs'),
      `import { defineMessage, U16 } from 'rx-sv2';
       export const Telemetry = defineMessage('Telemetry', {
         protocol: 'mining', sentBy: 'client', extensionType: 0x4001, messageType: 0, channelMessage: false,
         fields: { temperature: U16 },
       });`,
    );
    const sv2 = (input: string, ...args: readonly string[]) =>
      execFileSync(process.execPath, [join(installed, 'dist/cli/main.js'), ...args], {
        cwd: project,
        encoding: 'utf8',
        input,
      });
    const frame = '0140000200005a00';
    const json =
      '{"name":"Telemetry","messageType":0,"extensionType":16385,"channelMsg":false,"payload":{"temperature":90}}';
    expect(sv2('', 'decode', '--messages', 'telemetry.mjs', frame)).toBe(`${json}\n`);
    expect(sv2(json, 'encode', '--messages', 'telemetry.mjs')).toBe(`${frame}\n`);
    expect(sv2('', 'decode', frame)).toContain('"name":"Unknown"');
  });

  it('passes publint', async () => {
    const { messages } = await publint({ pkgDir: '.', pack: false, strict: true });
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, unknown>;
    expect(messages.map((message) => formatMessage(message, manifest))).toEqual([]);
  });

  it('has types that resolve for every entry point in ES modules and bundlers', () => {
    const run = () =>
      execFileSync('node_modules/.bin/attw', ['--profile', 'esm-only', '--format', 'json', tarball], {
        encoding: 'utf8',
      });
    expect(run).not.toThrow();
    expect(JSON.parse(run())).toMatchObject({ problems: {} });
  });

  it('has types that need no types of Node.js', () => {
    const entries = ['index', 'node', 'observe', 'testing'].map((name) => `dist/${name}.d.ts`);
    const options = ['--ignoreConfig', '--noEmit', '--strict', '--target', 'es2023', '--lib', 'es2023,dom'];
    const check = () =>
      execFileSync('node_modules/.bin/tsc', [...options, '--module', 'nodenext', ...entries], {
        encoding: 'utf8',
      });
    expect(check).not.toThrow();
  });
});
