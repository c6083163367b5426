/** The programs that `npm run bench:peer` runs, found or built: the load generator and the reference's pool. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The reference's pool that ours is measured beside. */
const poolVersion = '0.7.0';
const manifest = here('sv2load/Cargo.toml');
/** Where cargo puts what it builds: neither git nor any tool of ours looks there. */
const target = here('sv2load/target');

/** Programs, as paths. */
export interface Tools {
  /** `sv2` as it is built. */
  readonly sv2: string;
  readonly load: string;
  readonly referencePool: string;
}

/**
 * Builds the load generator and looks for the reference's pool: in SRI_POOL, where `--install` put it, in SRI_APPS, in cargo's own
 * place, and on the PATH.
 * @param install whether to have cargo install the pool if it is not there, which takes minutes
 * @throws Error that says what is missing and where it comes from
 */
export function findTools(install: boolean): Tools {
  const load = process.env['SV2LOAD'] ?? buildLoad();
  return { sv2: here('../../../dist/cli/main.js'), load, referencePool: findPool(install) };
}

function buildLoad(): string {
  requireCargo('the load generator is');
  const built = ['--offline', ''].some((offline) =>
    run('cargo', ['build', '--release', '--locked', '--manifest-path', manifest, ...words(offline)]),
  );
  if (!built) throw new Error('cargo cannot build the load generator: are its crates within reach?');
  return `${target}/release/sv2load`;
}

function findPool(install: boolean): string {
  const { SRI_POOL, SRI_APPS, PATH = '' } = process.env;
  const folders = [
    `${target}/pool/bin`,
    ...(SRI_APPS === undefined ? [] : [`${SRI_APPS}/bin`]),
    `${homedir()}/.cargo/bin`,
    ...PATH.split(delimiter),
  ];
  const found = [SRI_POOL ?? '', ...folders.map((folder) => `${folder}/pool_sv2`)].find(existsSync);
  if (found !== undefined) return found;
  const command = `cargo install pool_sv2@${poolVersion} --locked`;
  if (!install) {
    throw new Error(
      `the reference's pool is missing: \`${command}\`, or \`--install\` here, which takes minutes; SRI_POOL names one elsewhere`,
    );
  }
  requireCargo("the reference's pool is");
  if (!has('capnp'))
    throw new Error('capnp is missing, the pool is built with it: packages capnproto and libcapnp-dev');
  if (!run('cargo', [...words(command).slice(1), '--root', `${target}/pool`]))
    throw new Error(`\`${command}\` failed: are its crates within reach, is libcapnp-dev installed?`);
  return `${target}/pool/bin/pool_sv2`;
}

function requireCargo(what: string): void {
  if (!has('cargo')) throw new Error(`cargo is missing, ${what} built with it: https://rustup.rs`);
}

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');

const has = (command: string): boolean => spawnSync(command, ['--version']).status === 0;

const run = (command: string, args: readonly string[]): boolean => {
  process.stderr.write(`> ${command} ${args.join(' ')}\n`);
  const env = { ...process.env, CARGO_TARGET_DIR: target };
  return spawnSync(command, args, { env, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
};
