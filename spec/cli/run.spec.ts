import { readFileSync } from 'node:fs';
import { PassThrough, Readable, Writable } from 'node:stream';
import { describe, expect, it, test } from '@jest/globals';
import { build } from 'esbuild';
import { NEVER } from 'rxjs';
import { readLines } from '../../src/cli/lines.js';
import { run } from '../../src/cli/run.js';
import { sv2 } from './support.js';

describe('arguments that make no sense', () => {
  test.each([
    [['nonsense'], "sv2: unknown command 'nonsense'\n"],
    [['keygn'], "sv2: unknown command 'keygn' (Did you mean keygen?)\n"],
    [['--nonsense'], "sv2: unknown option '--nonsense'\n"],
    [['decode', '--nonsense'], "sv2: unknown option '--nonsense'\n"],
    [['encode', 'x'], "sv2: too many arguments for 'encode'. Expected 0 arguments but got 1.\n"],
    [['keygen', '--jsn'], "sv2: unknown option '--jsn' (Did you mean --json?)\n"],
  ])('%j gives one line on stderr and exit status 2', async (argv, stderr) => {
    expect(await sv2(argv)).toEqual({ exitCode: 2, stdout: '', stderr });
  });

  it('none at all shows the help on stderr and gives exit status 2', async () => {
    const { exitCode, stdout, stderr } = await sv2([]);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain('Usage: sv2');
  });
});

describe('help and version', () => {
  it('are printed on stdout', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await sv2(['--version'])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
    const { exitCode, stdout, stderr } = await sv2(['--help']);
    expect([exitCode, stderr]).toEqual([0, '']);
    for (const command of ['keygen', 'decode', 'encode']) expect(stdout).toContain(`  ${command}`);
  });

  it('load nothing but the list of commands', async () => {
    const { metafile } = await build({
      ...{ entryPoints: ['src/cli/main.ts'], outdir: 'x', bundle: true, write: false, metafile: true },
      ...{ format: 'esm', platform: 'node', packages: 'external', logLevel: 'silent' },
    });
    const loaded = new Set<string>();
    const load = (path: string): void => {
      if (loaded.has(path)) return;
      loaded.add(path);
      for (const { path: next, kind } of metafile.inputs[path]?.imports ?? [])
        if (kind === 'import-statement') load(next);
    };
    load('src/cli/main.ts');
    const packages = [...loaded].filter((path) => !path.startsWith('src/') && !path.startsWith('node:'));
    expect(packages).toEqual(['commander']);
    expect(loaded.size).toBeLessThan(12);
  });

  it('list commands with their arguments', async () => {
    const { stdout } = await sv2(['--help']);
    for (const term of ['decode [HEX...] ', 'connect [options] <URL> ', 'miner [options] [URL] ', 'encode  '])
      expect(stdout).toContain(`  ${term}`);
    expect(await sv2(['help', 'miner'])).toEqual(await sv2(['miner', '--help']));
  });

  test.each(['keygen', 'decode', 'encode'])('of %s has an example', async (command) => {
    const { exitCode, stdout } = await sv2([command, '--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: sv2 ${command}[^]*\\$ .*sv2 ${command}`));
  });

  it('show examples that work', async () => {
    const { stdout: decodeHelp } = await sv2(['decode', '--help']);
    const hex = /\$ sv2 decode ([0-9a-f]+)/.exec(decodeHelp)?.[1] as string;
    expect((await sv2(['decode', hex])).exitCode).toBe(0);
    const { stdout: encodeHelp } = await sv2(['encode', '--help']);
    const json = /\$ echo '(.*)' \| sv2 encode/.exec(encodeHelp)?.[1] as string;
    expect(await sv2(['encode'], json)).toMatchObject({ exitCode: 0, stdout: `${hex}\n` });
  });
});

describe('output that cannot be written', () => {
  const failing = (code: string) =>
    new Writable({
      write: (_chunk, _encoding, done) => {
        done(Object.assign(new Error(`write ${code}`), { code, syscall: 'write' }));
      },
    });

  async function runInto(stdout: Writable) {
    const stderr = new PassThrough();
    const stdin = Readable.from([]);
    const exitCode = await run(['decode', '0080180500000100000000'], { stdin, stdout, stderr }, () =>
      Promise.resolve(NEVER),
    );
    return { exitCode, stderr: String(stderr.read() ?? '') };
  }

  it('ends silently if nobody reads it any more', async () => {
    expect(await runInto(failing('EPIPE'))).toEqual({ exitCode: 0, stderr: '' });
  });

  it('is an error otherwise', async () => {
    expect(await runInto(failing('ENOSPC'))).toEqual({
      exitCode: 1,
      stderr: 'sv2: cannot write: write ENOSPC\n',
    });
  });
});

describe('input that cannot be read', () => {
  it('is an error of one line', async () => {
    const failing = new Readable({
      read() {
        this.destroy(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' }));
      },
    });
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const exitCode = await run(['decode'], { stdin: failing, stdout, stderr }, () => Promise.resolve(NEVER));
    expect([exitCode, String(stderr.read())]).toEqual([1, 'sv2: EIO: i/o error, read\n']);
  });

  it('may not have endless lines', async () => {
    function* endless() {
      for (;;) yield 'f'.repeat(2 ** 20);
    }
    const { exitCode, stderr } = await sv2(['decode'], endless());
    expect([exitCode, stderr]).toEqual([1, 'sv2: a line of input has more than 67108864 characters\n']);
  });
});

test('lines are cut the same however the input is', async () => {
  const text = 'ü\n€😀\r\n\nlast';
  const bytes = new TextEncoder().encode(text);
  for (let length = 1; length <= bytes.length; length++) {
    const chunks: Uint8Array[] = [];
    for (let offset = 0; offset < bytes.length; offset += length)
      chunks.push(bytes.slice(offset, offset + length));
    const lines: string[] = [];
    for await (const batch of readLines(Readable.from(chunks))) lines.push(...batch);
    expect(lines).toEqual(['ü', '€😀', '', 'last']);
  }
});
