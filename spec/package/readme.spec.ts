import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

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
    const onPath = `sv2() { "${process.execPath}" dist/cli/main.js "$@"; }\n${command}`;
    expect(execFileSync('bash', ['-c', onPath], { encoding: 'utf8' }).trimEnd()).toBe(output);
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
