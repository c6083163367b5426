import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startRole } from '../cli/role-support.js';

const readme = readFileSync('README.md', 'utf8');
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };

/** Code that the README says is a file: the comment before it names the file. */
const shownFiles = [...readme.matchAll(/<!-- (\S+\.ts) -->\n\n```ts\n([\s\S]*?)\n```/g)].map(
  ([, path = '', code = '']) => ({ path, code }),
);

/** Commands and their output, as the README shows them. */
const shownCommands = [...readme.matchAll(/```console\n([\s\S]*?)\n```/g)].flatMap(([, block = '']) =>
  block
    .split(/^\$ /m)
    .filter((part) => part !== '')
    .map((part) => {
      const [command = '', ...output] = part.trimEnd().split('\n');
      return { command, output: output.join('\n') };
    }),
);

/** How bash finds `sv2`: as `npm test` has built it. */
const sv2Function = `sv2() { "${process.execPath}" "${resolve('dist/cli/main.js')}" "$@"; }`;

/** The block that writes a pool's configuration. */
const [, poolSetup = ''] = /```sh\n(sv2 keygen --out pool\.toml[\s\S]*?)\n```/.exec(readme) ?? [];

/** The table of options. */
const shownDefaults = [...readme.matchAll(/^\| `(\w+)` \| [^|]+ \| `?([^|`]+?)`? \|/gm)].map(
  ([, option = '', value = '']) => ({ option, value }),
);

/** What the doc comments of options say. */
const documented = ['src/mining', 'src/node', 'src/roles', 'src/service', 'src/transport']
  .flatMap((path) => readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name)))
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(path, 'utf8'))
  .flatMap((source) => [...source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+readonly (\w+)\?:/g)])
  .map(([, comment = '', option = '']) => ({ option, comment: comment.replace(/[`*\s]+/g, ' ') }));

describe('the README', () => {
  it('gives the two commands that do all the set-up', () => {
    expect(readme).toMatch(/^npm ci && npm start$/m);
    expect(readme).toMatch(/^npm ci && npm test$/m);
  });

  it('shows a handler and its marble test', () => {
    expect(shownFiles.map(({ path }) => path)).toEqual([
      'examples/handler/handler.ts',
      'marbles/handler-example.spec.ts',
    ]);
  });

  it.each(shownFiles)('shows $path as it is, which is type-checked and run', ({ path, code }) => {
    expect(code).toBe(readFileSync(path, 'utf8').trimEnd());
  });

  it('shows commands of sv2', () => {
    expect(shownCommands.length).toBeGreaterThan(1);
  });

  it.each(shownCommands)('shows what `$command` prints', ({ command, output }) => {
    const onPath = `${sv2Function}\n${command}`;
    expect(execFileSync('bash', ['-c', onPath], { encoding: 'utf8' }).trimEnd()).toBe(output);
  });

  it('sets up a pool that starts', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'rx-sv2-readme-'));
    execFileSync('bash', ['-ec', `${sv2Function}\n${poolSetup}`], { cwd: directory });
    const pool = startRole('pool', '--config', join(directory, 'pool.toml'), '--listen', '127.0.0.1:0');
    await pool.printed(/pool listening on 127\.0\.0\.1:\d+/);
    expect(await pool.stop()).toBe(0);
    rmSync(directory, { recursive: true });
  });

  it('shows the defaults of options', () => {
    expect(shownDefaults.length).toBeGreaterThan(5);
  });

  it.each(shownDefaults)('shows the default of $option that its doc comment gives', ({ option, value }) => {
    const comments = documented.filter((entry) => entry.option === option).map(({ comment }) => comment);
    expect(comments).toContainEqual(
      expect.stringMatching(new RegExp(`(^|\\s)${value}\\b[^;]* unless given`)),
    );
  });

  it('names only scripts and files that exist', () => {
    const scripts = [...readme.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name);
    expect(scripts.filter((name) => manifest.scripts[name] === undefined)).toEqual([]);
    const paths = [...readme.matchAll(/`((?:examples|marbles|spec|src)\/[\w./-]*)`/g)].map(
      ([, path = '']) => path,
    );
    expect(paths.filter((path) => !existsSync(path))).toEqual([]);
  });
});
