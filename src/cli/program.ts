import { Command } from 'commander';
import type { CommandContext, Terminal } from './io.js';
import { printable } from './printable.js';
import { withoutKeys } from './secrets.js';
import { version } from './version.js';

/** Gives a command its options and what it does. */
type Register = (command: Command, context: CommandContext) => void;

/** A command: what the list of all says of it, and the rest, which is loaded when it is asked for. */
interface LazyCommand {
  readonly name: string;
  /** What follows the name. */
  readonly synopsis: string;
  readonly description: string;
  readonly load: () => Promise<Register>;
}

/** In the order in which help lists them. */
const commands: readonly LazyCommand[] = [
  {
    name: 'keygen',
    synopsis: '[options]',
    description: 'print a fresh authority key pair',
    load: async () => (await import('./keygen.js')).registerKeygen,
  },
  {
    name: 'decode',
    synopsis: '[HEX...]',
    description: 'decode plaintext frames to JSON, one object a line',
    load: async () => (await import('./decode.js')).registerDecode,
  },
  {
    name: 'encode',
    synopsis: '',
    description: 'encode messages, one JSON object a line on stdin, to plaintext frames in hex',
    load: async () => (await import('./encode.js')).registerEncode,
  },
  {
    name: 'connect',
    synopsis: '[options] <URL>',
    description: 'talk to a server by hand: messages as JSON, one object a line, both ways',
    load: async () => (await import('./connect.js')).registerConnect,
  },
  {
    name: 'template-provider',
    synopsis: '[options]',
    description: 'provide block templates, of a simulated chain or of a Bitcoin node',
    load: async () => (await import('./template-provider.js')).registerTemplateProvider,
  },
  {
    name: 'pool',
    synopsis: '[options]',
    description: 'run a pool: serve miners with work from a template provider',
    load: async () => (await import('./pool.js')).registerPool,
  },
  {
    name: 'translator',
    synopsis: '[options] [URL...]',
    description: 'serve miners of Stratum V1 with work from a pool of Stratum V2',
    load: async () => (await import('./translator.js')).registerTranslator,
  },
  {
    name: 'proxy',
    synopsis: '[options] [URL...]',
    description: 'serve many miners on one channel of a pool, or each on one of its own; with fail-over',
    load: async () => (await import('./proxy.js')).registerProxy,
  },
  {
    name: 'jd-server',
    synopsis: '[options]',
    description: 'take the jobs that miners declare who choose their own transactions, for a pool',
    load: async () => (await import('./jd-server.js')).registerJdServer,
  },
  {
    name: 'jd-client',
    synopsis: '[options]',
    description: 'serve miners with work of your own template provider, paid by a pool',
    load: async () => (await import('./jd-client.js')).registerJdClient,
  },
  {
    name: 'miner',
    synopsis: '[options] [URL]',
    description: 'mine with the processor',
    load: async () => (await import('./miner.js')).registerMiner,
  },
  {
    name: 'ledger',
    synopsis: '[command] [options]',
    description: "show, export and copy a pool's ledger: accounts, records, statements of blocks",
    load: async () => (await import('./ledger.js')).registerLedger,
  },
  {
    name: 'audit',
    synopsis: '[options] <STATEMENT>',
    description: "check the statement of a pool's block, without any connection",
    load: async () => (await import('./audit.js')).registerAudit,
  },
  {
    name: 'demo',
    synopsis: '[options]',
    description: 'run a whole mining network on this machine: template provider, pool, two miners',
    load: async () => (await import('./demo.js')).registerDemo,
  },
];

/** Whether arguments ask for a command, by itself or by its help, rather than for the list of all. */
const asksFor = (argv: readonly string[], name: string): boolean => {
  const [first, second] = argv.filter((word) => !word.startsWith('-'));
  return first === name || (first === 'help' && second === name);
};

/**
 * The `sv2` command with all its subcommands, of which only the one that `argv` asks for is loaded: all of them take
 * half a second. Whatever ends it early throws a CommanderError.
 * @param context made for a command that is loaded
 */
export async function createProgram(
  argv: readonly string[],
  terminal: Terminal,
  context: () => Promise<CommandContext>,
): Promise<Command> {
  const program = new Command('sv2')
    .description('Stratum V2 from the command line')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .exitOverride()
    .configureHelp({
      subcommandTerm: (command) => {
        const name = command.name();
        return `${name} ${commands.find((known) => known.name === name)?.synopsis ?? '[command]'}`.trim();
      },
    })
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
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
  for (const { name, description, load } of commands) {
    const command = program.command(name).description(description);
    if (asksFor(argv, name)) (await load())(command, await context());
  }
  return program;
}
