import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const project = mkdtempSync(join(tmpdir(), 'rx-sv2-build-'));
afterAll(() => rmSync(project, { recursive: true }));
const at = (path: string): string => join(project, path);
const inode = (path: string): number => statSync(at(path)).ino;

/** Runs the build of a small project; `meanwhile` is asked again and again while it runs. */
async function build(meanwhile: () => void = () => undefined): Promise<number | null> {
  const building = spawn(process.execPath, [resolve('.ci/build.js')], { cwd: project, stdio: 'ignore' });
  const asking = setInterval(meanwhile, 1);
  const status = await new Promise<number | null>((ended) => building.once('exit', ended));
  clearInterval(asking);
  return status;
}

describe('npm run build', () => {
  beforeAll(async () => {
    mkdirSync(at('src/cli'), { recursive: true });
    symlinkSync(resolve('node_modules'), at('node_modules'));
    writeFileSync(at('package.json'), '{ "type": "module" }');
    const compilerOptions = { module: 'NodeNext', rootDir: 'src', outDir: 'dist', types: [] };
    writeFileSync(at('tsconfig.build.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
    writeFileSync(at('src/cli/main.ts'), '#!/usr/bin/env node\nexport const version = 1;\n');
    writeFileSync(at('src/same.ts'), 'export const same = true;\n');
    writeFileSync(at('src/old.ts'), 'export const old = true;\n');
    expect(await build()).toBe(0);
  });

  it('leaves a command that can be run', () => {
    expect(statSync(at('dist/cli/main.js')).mode & 0o111).toBe(0o111);
  });

  it('replaces what changed, leaves the rest alone, removes what is stale, and a file is never missing', async () => {
    writeFileSync(at('src/cli/main.ts'), '#!/usr/bin/env node\nexport const version = 2;\n');
    rmSync(at('src/old.ts'));
    const same = inode('dist/same.js');
    let asked = 0;
    let missed = 0;
    const status = await build(() => {
      asked += 1;
      if (!existsSync(at('dist/cli/main.js')) || !existsSync(at('dist/same.js'))) missed += 1;
    });
    expect([status, missed]).toEqual([0, 0]);
    expect(asked).toBeGreaterThan(10);
    expect(readFileSync(at('dist/cli/main.js'), 'utf8')).toContain('version = 2');
    expect(statSync(at('dist/cli/main.js')).mode & 0o111).toBe(0o111);
    expect(inode('dist/same.js')).toBe(same);
    expect(existsSync(at('dist/old.js'))).toBe(false);
  });

  it('leaves everything as it was when something does not compile', async () => {
    writeFileSync(at('src/same.ts'), 'export const same: number = "no";\n');
    const main = readFileSync(at('dist/cli/main.js'), 'utf8');
    expect(await build()).toBe(1);
    expect(readFileSync(at('dist/cli/main.js'), 'utf8')).toBe(main);
    expect(readFileSync(at('dist/same.js'), 'utf8')).toContain('same = true');
  });
});
