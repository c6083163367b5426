import type { Command } from 'commander';
import { defaultCrypto } from '../crypto/index.js';
import {
  encodeAuthorityPublicKey,
  encodeAuthoritySecretKey,
  generateAuthorityKeyPair,
} from '../noise/authority-key.js';
import { write, type CommandContext, type CommandIo } from './io.js';

/** Adds `sv2 keygen`. */
export function registerKeygen(program: Command, context: CommandContext): void {
  program
    .command('keygen')
    .description('print a fresh authority key pair')
    .option('--json', 'as {"publicKey":…,"secretKey":…} instead of the two lines of a configuration file')
    .addHelpText(
      'after',
      `
Both keys are base58check, the public one with the version prefix of specification §4.7, as in
stratum2+tcp://host:port/AUTHORITY_PUBLIC_KEY. Keep the secret one to yourself: who has it can pose as your server.

Example:
  $ sv2 keygen > pool.toml                      # first of all: keys belong above every [table]`,
    )
    .action(async ({ json = false }: { json?: boolean }) => {
      await keygen({ json }, context);
    });
}

/** Prints a fresh authority key pair: as two lines of TOML, with the key names of a pool's configuration, or as JSON. */
export async function keygen({ json }: { readonly json: boolean }, { stdout }: CommandIo): Promise<void> {
  const keys = generateAuthorityKeyPair(defaultCrypto);
  const publicKey = encodeAuthorityPublicKey(keys.publicKey);
  const secretKey = encodeAuthoritySecretKey(keys.secretKey);
  keys.secretKey.fill(0);
  await write(
    stdout,
    json
      ? `${JSON.stringify({ publicKey, secretKey })}\n`
      : `authority_public_key = "${publicKey}"\nauthority_secret_key = "${secretKey}"\n`,
  );
}
