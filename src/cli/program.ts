import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { registerDemo } from './demo.js';
import { registerConnect } from './connect.js';
import { registerDecode } from './decode.js';
import { registerEncode } from './encode.js';
import type { CommandContext } from './io.js';
import { registerKeygen } from './keygen.js';
import { registerMiner } from './miner.js';
import { registerPool } from './pool.js';
import { printable } from './printable.js';
import { withoutKeys } from './secrets.js';
import { registerTemplateProvider } from './template-provider.js';

/** Each adds its command, in the order in which help lists them. */
const registrations: readonly ((program: Command, context: CommandContext) => void)[] = [
  registerKeygen,
  registerDecode,
  registerEncode,
  registerConnect,
  registerTemplateProvider,
  registerPool,
  registerMiner,
  registerDemo,
];

/** The `sv2` command with all its subcommands. Whatever ends it early throws a CommanderError. */
export function createProgram(context: CommandContext): Command {
  const program = new Command('sv2')
    .description('Stratum V2 from the command line')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, writeErr) =>
        writeErr(
          `sv2: ${printable(
            withoutKeys(
              text
                .trim()
                .replace(/^error: /, '')
                .replace(/\s*\n\s*/g, ' '),
            ),
          )}\n`,
        ),
    });
  for (const register of registrations) register(program, context);
  return program;
}

function version(): string {
  const path = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
