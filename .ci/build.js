/**
 * Compiles src into dist. A command that runs from dist meanwhile never misses a file: the compiler writes elsewhere,
 * what is new or other then takes the place of what was, file by file, and what is stale goes last.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';

const target = resolve('dist');
// beside dist, for a rename to be one step; a name of its own, for two builds at one time
const fresh = resolve(`dist.${process.pid}`);

const filesIn = (directory) =>
  existsSync(directory)
    ? readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(directory.length + 1))
    : [];

const isSame = (one, other) => existsSync(other) && readFileSync(one).equals(readFileSync(other));

try {
  const compiler = resolve('node_modules/typescript/bin/tsc');
  const options = ['-p', 'tsconfig.build.json', '--outDir', fresh];
  execFileSync(process.execPath, [compiler, ...options], { stdio: 'inherit' });
  chmodSync(join(fresh, 'cli/main.js'), 0o755);
  const files = filesIn(fresh);
  for (const file of files) {
    const [from, to] = [join(fresh, file), join(target, file)];
    if (isSame(from, to)) continue;
    mkdirSync(dirname(to), { recursive: true });
    renameSync(from, to);
  }
  const wanted = new Set(files);
  for (const file of filesIn(target)) if (!wanted.has(file)) rmSync(join(target, file), { force: true });
} catch (error) {
  // the compiler has said what is wrong
  if (error.status === undefined) throw error;
  process.exitCode = 1;
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
