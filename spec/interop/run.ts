/**
 * `npm run test:interop`: builds what others wrote, or has it installed, and runs the live specs against it.
 * Arguments go to jest: names of specs, for example.
 *
 * Exit status: that of jest; 2 if a tool is missing, or with CI set 1.
 */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { apps, btcd, cache, root, sriPeerManifest, sriPeerTarget, sv2 } from './support/paths.js';

/** The version of the node that is put behind our template provider. */
const btcdVersion = 'v0.26.2';

const say = (text: string): boolean => process.stderr.write(`${text}\n`);

/** Ends because something is not installed, or cannot be reached. */
const missing = (what: string): never => {
  say(`test:interop: ${what}`);
  process.exit(process.env['CI'] === undefined ? 2 : 1);
};

const run = (
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): SpawnSyncReturns<string> => {
  say(`> ${[command, ...args].join(' ').slice(0, 120)}`);
  return spawnSync(command, args, { cwd: root, env, stdio: 'inherit', encoding: 'utf8' });
};

const has = (command: string, ...args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;

const buildSriPeer = (): void => {
  if (!has('cargo', '--version'))
    missing('cargo is missing: the reference peer is built with Rust, https://rustup.rs');
  const manifest = ['--locked', '--manifest-path', sriPeerManifest];
  // what is in the local cache needs no registry
  const fetched =
    run('cargo', ['fetch', ...manifest, '--offline']).status === 0 ||
    run('cargo', ['fetch', ...manifest]).status === 0;
  if (!fetched)
    missing("cargo cannot get the reference implementation's crates: is its registry within reach?");
  const env = { ...process.env, CARGO_TARGET_DIR: sriPeerTarget };
  const { status } = run('cargo', ['build', ...manifest, '--offline'], env);
  if (status !== 0) process.exit(1);
};

const installBtcd = (): void => {
  if (existsSync(btcd)) return;
  if (!has('go', 'version'))
    missing('go is missing: btcd, the Bitcoin node of the suite, is built with it, https://go.dev');
  mkdirSync(`${cache}/bin`, { recursive: true });
  const env = { ...process.env, GOBIN: `${cache}/bin` };
  const { status } = run('go', ['install', `github.com/btcsuite/btcd@${btcdVersion}`], env);
  if (status !== 0) missing(`go cannot install btcd ${btcdVersion}: is its module proxy within reach?`);
};

/** Into a place of its own, so that a build beside it does not take it away. */
const buildSv2 = (): void => {
  mkdirSync(sv2, { recursive: true });
  // without a name, as jest wants every package to have another
  writeFileSync(`${sv2}/package.json`, '{ "type": "module", "version": "0.0.0" }\n');
  const options = ['-p', 'tsconfig.build.json', '--outDir', `${sv2}/dist`, '--declaration', 'false'];
  if (run(process.execPath, ['node_modules/typescript/bin/tsc', ...options]).status !== 0) process.exit(1);
};

/** The reference's applications, by crate. They take minutes to build, and so are asked for by `--apps`. */
const appVersions = { pool_sv2: '0.7.0', translator_sv2: '0.6.0' };

/** Installs the applications if that was asked for; says whether they are there. */
const installApps = (wanted: boolean): boolean => {
  const absent = Object.entries(appVersions).filter(([name]) => !existsSync(`${apps}/bin/${name}`));
  if (absent.length > 0 && !wanted) {
    const names = absent.map(([name]) => name).join(' and ');
    say(`test:interop: without ${names}; \`--apps\` installs them, which takes about seven minutes`);
    return false;
  }
  for (const [name, version] of absent) {
    const crate = `${name}@${version}`;
    const env = { ...process.env, CARGO_TARGET_DIR: `${apps}/target` };
    const { status } = run('cargo', ['install', '--locked', '--debug', '--root', apps, crate], env);
    if (status !== 0) missing(`cargo cannot install ${crate}: are capnproto and libcapnp-dev installed?`);
  }
  return true;
};

const args = process.argv.slice(2);
buildSriPeer();
installBtcd();
const withApps = installApps(args.includes('--apps'));
buildSv2();

const { default: base } = (await import(`${root}/jest.config.js`)) as { readonly default: object };
/** The live specs, one file after the other: their peers share the machine. */
const config = {
  ...base,
  rootDir: root,
  testMatch: [
    '<rootDir>/spec/interop/live/*.live.ts',
    ...(withApps ? ['<rootDir>/spec/interop/live/*.apps.ts'] : []),
  ],
  testTimeout: 120_000,
};
const jest = [
  '--experimental-vm-modules',
  '--no-warnings=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
];
const { status } = run(process.execPath, [
  ...jest,
  `--config=${JSON.stringify(config)}`,
  '--runInBand',
  ...args.filter((arg) => arg !== '--apps'),
]);
process.exit(status ?? 1);
