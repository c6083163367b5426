/**
 * Compiles src into dist, and the command with all that it uses into few files: finding and reading 700 small ones was
 * half of the processor time that `sv2 pool` took until it listened. A command that runs from dist meanwhile never
 * misses a file: the compiler writes elsewhere, what is new or other then takes the place of what was, file by file,
 * and what is stale goes last.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { build } from 'esbuild';

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

/**
 * Puts the dashboard into the module that serves it: whoever runs a role has no files of a page to find.
 * @returns the packages in it
 */
async function bundleDashboard() {
  const source = resolve('src/dashboard');
  if (!existsSync(source)) return [];
  const { outputFiles, metafile } = await build({
    absWorkingDir: source,
    entryPoints: { dashboard: 'main.tsx', 'dashboard-style': 'style.css' },
    outdir: 'made',
    bundle: true,
    write: false,
    minify: true,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'warning',
  });
  const made = (name) => outputFiles.find(({ path }) => path.endsWith(name)).text;
  const read = (name) => readFileSync(join(source, name), 'utf8');
  const files = [
    ['/', 'text/html; charset=utf-8', read('index.html')],
    ['/dashboard.js', 'text/javascript; charset=utf-8', made('dashboard.js')],
    ['/dashboard.css', 'text/css; charset=utf-8', made('dashboard-style.css')],
    ['/dashboard.svg', 'image/svg+xml', read('icon.svg')],
  ].map(([path, contentType, text]) => ({ path, contentType, text }));
  writeFileSync(join(fresh, 'node/monitoring/page.js'), `export const page = ${JSON.stringify(files)};\n`);
  return packagesIn(metafile, source);
}

/** The folders of the packages that a bundle is made of. */
function packagesIn({ inputs }, folder) {
  const paths = Object.keys(inputs).flatMap(
    (path) => path.match(/.*node_modules\/(@[^/]+\/)?[^/]+/)?.[0] ?? [],
  );
  return [...new Set(paths)].map((path) => resolve(folder, path));
}

/**
 * RxJS with classes and loops as engines know them, and without what is not used: Node.js would get what was made for engines of before
 * 2015, all of it, where each subscriber that is called costs an iterator.
 */
const modernRxjs = {
  name: 'modern-rxjs',
  setup(plugin) {
    plugin.onResolve({ filter: /^rxjs(\/[a-z]+)?$/ }, ({ path }) => ({
      path: resolve('node_modules/rxjs/dist/esm', path.slice('rxjs/'.length), 'index.js'),
      sideEffects: false,
    }));
  },
};

/** Puts the command, its threads and what they share into `cli`, and beside it the licences of what is in there, and in the dashboard. */
async function bundleCommand(others) {
  const threads = ['node/hash-worker.js', 'node/handshake-worker.js'].filter((path) =>
    existsSync(join(fresh, path)),
  );
  const { metafile } = await build({
    // what names of files depend on, too: they stay the same from build to build
    absWorkingDir: fresh,
    entryPoints: ['cli/main.js', ...threads],
    entryNames: '[name]',
    outdir: 'command',
    bundle: true,
    splitting: true,
    metafile: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    plugins: [modernRxjs],
    // loaded when a ledger or a cluster asks for them; one is native code for each platform
    external: ['libsql', 'pg', '@nats-io/*'],
    logLevel: 'warning',
    // for what is CommonJS in it
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module';\nconst require = makeRequire(import.meta.url);",
    },
  });
  const packages = new Set([...packagesIn(metafile, fresh), ...others]);
  rmSync(join(fresh, 'cli'), { recursive: true });
  renameSync(join(fresh, 'command'), join(fresh, 'cli'));
  const text = [...packages]
    .sort()
    .map((path) => `${path.replace(/.*node_modules\//, '')}\n\n${licenceOf(path)}`);
  writeFileSync(join(fresh, 'cli/LICENSES.txt'), text.join('\n----\n\n'));
}

/** The text of a package's licence. */
function licenceOf(folder) {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  if (file === undefined) throw new Error(`${folder} has no licence`);
  return readFileSync(join(folder, file), 'utf8');
}

try {
  const compiler = resolve('node_modules/typescript/bin/tsc');
  const options = ['-p', 'tsconfig.build.json', '--outDir', fresh];
  execFileSync(process.execPath, [compiler, ...options], { stdio: 'inherit' });
  await bundleCommand(await bundleDashboard());
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
