import { renameSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { Sv2Error } from '../codec/errors.js';
import { defaultCrypto } from '../crypto/index.js';
import {
  encodeAuthorityPublicKey,
  encodeAuthoritySecretKey,
  generateAuthorityKeyPair,
} from '../noise/authority-key.js';
import { write, type CommandContext, type CommandIo } from './io.js';

/** Gives `sv2 keygen` its options and what it does. */
export function registerKeygen(command: Command, context: CommandContext): void {
  command
    .option('--out <FILE>', 'write them to a new file that only you can read, and print the public one')
    .option('--force', 'replace the file if there is one')
    .option('--json', 'as {"publicKey":…,"secretKey":…} instead of the two lines of a configuration file')
    .addHelpText(
      'after',
      `
Both keys are base58check, the public one with the version prefix of specification §4.7, as in
stratum2+tcp://host:port/AUTHORITY_PUBLIC_KEY. Keep the secret one to yourself: who has it can pose as your server.

Example:
  $ sv2 keygen --out pool.toml                  # first of all: keys belong above every [table]`,
    )
    .action(async (options: KeygenOptions) => {
      await keygen(options, context);
    });
}

interface KeygenOptions {
  readonly json?: boolean;
  readonly out?: string;
  readonly force?: boolean;
}

/**
 * Makes a fresh authority key pair: two lines of TOML, with the key names of a pool's configuration, or JSON. Prints it,
 * or writes it to a file of mode 0600 and prints the public half.
 * @throws Sv2Error `cannot-write`, also if there is such a file and it may not be replaced
 */
async function keygen(
  { json = false, out, force = false }: KeygenOptions,
  { stdout }: CommandIo,
): Promise<void> {
  const keys = generateAuthorityKeyPair(defaultCrypto);
  const publicKey = encodeAuthorityPublicKey(keys.publicKey);
  const secretKey = encodeAuthoritySecretKey(keys.secretKey);
  keys.secretKey.fill(0);
  const text = json
    ? `${JSON.stringify({ publicKey, secretKey })}\n`
    : `authority_public_key = "${publicKey}"\nauthority_secret_key = "${secretKey}"\n`;
  if (out === undefined) {
    await write(stdout, text);
    return;
  }
  writePrivately(out, text, force);
  await write(stdout, `${publicKey}\n`);
}

/** Writes a file that only its owner can read, never for a moment another. What is replaced is replaced whole. */
function writePrivately(file: string, text: string, force: boolean): void {
  const target = force ? `${file}.${process.pid}.new` : file;
  try {
    writeFileSync(target, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const why =
      code === 'EEXIST'
        ? 'exists already: choose another name, or --force to replace it'
        : `cannot be written: ${code}`;
    throw new Sv2Error('cannot-write', `${target} ${why}`, {}, error);
  }
  if (force) renameSync(target, file);
}
