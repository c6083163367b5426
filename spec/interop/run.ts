/**
 * `npm run test:interop`: builds what others wrote, or has it installed, and runs the live specs against it.
 * Arguments go to jest: names of specs, for example.
 *
 * Exit status: that of jest; 2 if a tool is missing, or with CI set 1.
 */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import {
  apps,
  bitcoind,
  bitcoinIpc,
  btcd,
  cache,
  root,
  sriPeerManifest,
  sriPeerTarget,
  sv2,
} from './support/paths.js';

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
const appVersions = { pool_sv2: '0.7.0', translator_sv2: '0.6.0', jd_client_sv2: '0.6.0' };

/** Installs the applications if that was asked for; says whether they are there. */
const installApps = (wanted: boolean): boolean => {
  const absent = Object.entries(appVersions).filter(([name]) => !existsSync(`${apps}/bin/${name}`));
  if (absent.length > 0 && !wanted) {
    const names = absent.map(([name]) => name).join(', ');
    say(`test:interop: without ${names}; \`--apps\` installs them, which takes about ten minutes`);
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

/** A Python package whose source holds Bitcoin Core's, 31.99 (of its master branch, between 31 and 32). */
const bitcoinKernel = { name: 'py-bitcoinkernel', version: '0.1.0a5' };

/** What of Bitcoin Core is built: the node without wallet, graphics, tests and hardening, optimised a little. */
const bitcoinCoreOptions = [
  ...['GUI', 'TESTS', 'BENCH', 'TX', 'UTIL', 'CLI', 'BITCOIN_BIN', 'FUZZ_BINARY'].map(
    (part) => `-DBUILD_${part}=OFF`,
  ),
  ...['WALLET', 'IPC', 'EXTERNAL_SIGNER', 'HARDENING'].map((part) => `-DENABLE_${part}=OFF`),
  '-DINSTALL_MAN=OFF',
  '-DCMAKE_BUILD_TYPE=None',
  '-DCMAKE_C_FLAGS=-O2',
  '-DCMAKE_CXX_FLAGS=-O1',
];

/** Builds Bitcoin Core's node if that was asked for; says whether it is there. */
const buildBitcoinCore = (wanted: boolean): boolean => {
  if (existsSync(bitcoind)) return true;
  if (!wanted) {
    say(
      'test:interop: without Bitcoin Core; `--bitcoin-core` builds it, which takes half an hour on two cores',
    );
    return false;
  }
  for (const tool of ['python3', 'cmake', 'make', 'c++', 'tar'])
    if (!has(tool, '--version')) missing(`${tool} is missing: Bitcoin Core is built with it`);
  const place = `${cache}/bitcoin-core`;
  const { name, version } = bitcoinKernel;
  const source = `${place}/source`;
  mkdirSync(source, { recursive: true });
  const download = [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--no-binary',
    ':all:',
    '--dest',
    place,
    `${name}==${version}`,
  ];
  if (run('python3', download).status !== 0)
    missing(`pip cannot download ${name} ${version}: is the Python package index within reach?`);
  const archive =
    readdirSync(place).find((file) => file.endsWith('.tar.gz')) ?? missing(`${name} has no source`);
  if (run('tar', ['-xzf', `${place}/${archive}`, '-C', source, '--strip-components=1']).status !== 0)
    process.exit(1);
  const build = `${place}/build`;
  const configure = ['-S', `${source}/depend/bitcoin`, '-B', build, ...bitcoinCoreOptions];
  if (run('cmake', configure).status !== 0)
    missing('cmake cannot prepare Bitcoin Core: are libboost-dev and libevent-dev installed?');
  const jobs = process.env['JOBS'] ?? String(availableParallelism());
  if (run('nice', ['-n', '19', 'make', '-C', build, `-j${jobs}`, 'bitcoind']).status !== 0) process.exit(1);
  mkdirSync(`${place}/bin`, { recursive: true });
  copyFileSync(`${build}/bin/bitcoind`, `${place}/bin/bitcoind`);
  for (const used of [source, build]) rmSync(used, { recursive: true });
  return true;
};

/** Whether there is a Bitcoin Core with IPC, for the reference's declaration server. */
const hasIpc = (): boolean => {
  if (bitcoinIpc !== undefined && existsSync(bitcoinIpc)) return true;
  const place = bitcoinIpc === undefined ? 'BITCOIN_NODE does not name it' : `there is no ${bitcoinIpc}`;
  say(`test:interop: without bitcoin-node, which is Bitcoin Core with IPC: ${place}`);
  return false;
};

const args = process.argv.slice(2);
buildSriPeer();
installBtcd();
const withApps = installApps(args.includes('--apps'));
const withBitcoinCore = buildBitcoinCore(args.includes('--bitcoin-core'));
const withIpc = withApps && hasIpc();
buildSv2();

const { default: base } = (await import(`${root}/jest.config.js`)) as { readonly default: object };
/** The live specs, one file after the other: their peers share the machine. */
const config = {
  ...base,
  rootDir: root,
  testMatch: [
    '<rootDir>/spec/interop/live/*.live.ts',
    ...(withApps ? ['<rootDir>/spec/interop/live/*.apps.ts'] : []),
    ...(withBitcoinCore ? ['<rootDir>/spec/interop/live/*.core.ts'] : []),
    ...(withIpc ? ['<rootDir>/spec/interop/live/*.ipc.ts'] : []),
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
  ...args.filter((arg) => arg !== '--apps' && arg !== '--bitcoin-core'),
]);
process.exit(status ?? 1);
