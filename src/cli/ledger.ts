import { InvalidArgumentError, Option, type Command } from 'commander';
import { parse, TomlError } from 'smol-toml';
import { readFileSync } from 'node:fs';
import { Sv2Error } from '../codec/errors.js';
import { csvHeader, recordToCsv, recordToJson } from '../ledger/export.js';
import type { LedgerAccount } from '../ledger/accounts.js';
import type { LedgerStore } from '../ledger/store.js';
import { openLedger } from '../node/ledger/open-ledger.js';
import { formatDifficulty } from './format.js';
import { write, type CommandContext } from './io.js';
import { ledgerOption, ledgerPlace } from './ledger-place.js';
import { creditOptions, printCredit } from './ledger-credit.js';
import { json, table } from './ledger-print.js';
import { printable, quoted } from './printable.js';

interface PlaceOptions {
  readonly ledger?: string;
  readonly config?: string;
}

const configOption = [
  '-c, --config <FILE>',
  "the pool's configuration: its ledger, or the one beside it",
] as const;

/** Gives `sv2 ledger` its subcommands. */
export function registerLedger(command: Command, context: CommandContext): void {
  command.addHelpText(
    'after',
    `
Without --ledger it is the one that sv2 pool keeps with the same --config, or with none. A pool may be running meanwhile.

Examples:
  $ sv2 ledger accounts --config pool.toml
  $ sv2 ledger export --config pool.toml > records.jsonl
  $ sv2 ledger statements --config pool.toml --block HASH > statement.json`,
  );
  subcommand(command, 'accounts', 'what users and their workers delivered')
    .addOption(formats('table', 'json'))
    .action((options: PlaceOptions & { readonly format: string }) => {
      return withLedger(options, async (store) => {
        const accounts = await store.accounts();
        await write(
          context.stdout,
          options.format === 'json' ? accountsJson(accounts) : accountsTable(accounts),
        );
      });
    });
  subcommand(command, 'export', 'all records: JSON lines, for sv2 audit, or CSV, for spreadsheets')
    .addOption(formats('jsonl', 'csv'))
    .option('--user <USER>', 'those of one user')
    .option('--since <TIME>', 'from a time on, such as 2026-01-31T00:00:00Z, and a few before', timeOf)
    .action(
      (
        options: PlaceOptions & { readonly format: string; readonly user?: string; readonly since?: number },
      ) => {
        return withLedger(options, async (store) => {
          const query = {
            ...(options.user === undefined ? {} : { user: options.user }),
            ...(options.since === undefined ? {} : { since: options.since }),
          };
          const line = options.format === 'csv' ? recordToCsv : recordToJson;
          if (options.format === 'csv' && !(await write(context.stdout, `${csvHeader}\r\n`))) return;
          const end = options.format === 'csv' ? '\r\n' : '\n';
          let text = '';
          for await (const record of store.records(query)) {
            text += printable(line(record)) + end;
            if (text.length < exportedAtOnce) continue;
            if (!(await write(context.stdout, text))) return;
            text = '';
          }
          await write(context.stdout, text);
        });
      },
    );
  subcommand(
    command,
    'statements',
    'the blocks that were found, one JSON object a line, or the statement of one',
  )
    .option('--block <HASH>', 'as explorers show it')
    .action((options: PlaceOptions & { readonly block?: string }) =>
      withLedger(options, async (store) => {
        const blocks = await store.blocks();
        if (options.block === undefined) {
          const lines = blocks.map(({ hash, height, state, confirmations, statement }) =>
            JSON.stringify({ hash, height, state, confirmations, value: statement?.value ?? null }),
          );
          await write(context.stdout, lines.map((line) => `${line}\n`).join(''));
          return;
        }
        const block = blocks.find(({ hash }) => hash === options.block);
        if (block?.statement == null)
          throw new Sv2Error(
            'no-statement',
            `the ledger has no statement of a block ${quoted(options.block)}`,
          );
        await write(context.stdout, json(block.statement));
      }),
    );
  creditOptions(
    subcommand(
      command,
      'credit',
      'what shares were worth by themselves, for who pays by the share: PPS, FPPS',
    ),
    timeOf,
  )
    .addOption(formats('table', 'json', 'csv'))
    .action((options: PlaceOptions & Parameters<typeof printCredit>[1]) =>
      withLedger(options, (store) => printCredit(store, options, context)),
    );
  subcommand(command, 'backup', 'copy the ledger into a new file, also while a pool writes to it')
    .argument('<FILE>', 'that is not there yet')
    .action((file: string, options: PlaceOptions) =>
      withLedger(options, async (store) => {
        if (store.backup === undefined)
          throw new Sv2Error('not-supported', 'PostgreSQL has tools of its own for this: see pg_dump');
        await store.backup(file);
      }),
    );
}

/** Characters of an export that are written at once. */
const exportedAtOnce = 65_536;

function subcommand(command: Command, name: string, description: string): Command {
  return command
    .command(name)
    .description(description)
    .option(...ledgerOption)
    .option(...configOption);
}

/** The option that says how something is printed; the first unless given. */
function formats(...all: readonly [string, ...string[]]): Option {
  return new Option('--format <FORMAT>', all.join(' or ')).choices(all).default(all[0]);
}

function timeOf(text: string): number {
  const time = Date.parse(text);
  if (Number.isFinite(time)) return time;
  throw new InvalidArgumentError('Expected a time such as 2026-01-31T00:00:00Z.');
}

/** Opens the ledger that the options say, which has to be there, and closes it. */
async function withLedger(options: PlaceOptions, work: (store: LedgerStore) => Promise<void>): Promise<void> {
  const where = ledgerPlace(options.ledger ?? ledgerOfConfig(options.config), options.config);
  if (where === undefined)
    throw new Sv2Error('no-ledger', 'the ledger is none: nothing is kept, and there is nothing to show');
  const { store } = await openLedger(where, { create: false });
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

/** The key `ledger` of a pool's configuration, whatever else is in it. */
function ledgerOfConfig(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    const { ledger } = parse(readFileSync(file, 'utf8'));
    return typeof ledger === 'string' ? ledger : undefined;
  } catch (error) {
    if (error instanceof TomlError)
      throw new Sv2Error('invalid-configuration', `${file}:${error.line}:${error.column}: not TOML`);
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new Sv2Error('invalid-configuration', `${file}: cannot be read: ${code}`, {}, error);
  }
}

function accountsJson(accounts: readonly LedgerAccount[]): string {
  const all = accounts.map(({ work, lastShareAt, ...account }) => ({
    ...account,
    work: String(work),
    lastShareAt: lastShareAt === 0 ? null : new Date(lastShareAt).toISOString(),
  }));
  return json(all);
}

function accountsTable(accounts: readonly LedgerAccount[]): string {
  const head = ['accepted', 'rejected', 'difficulty', 'best', 'blocks', 'last share', 'user'];
  const rows = accounts.map(
    ({ user, worker, accepted, rejected, difficultySum, bestDifficulty, ...account }) => [
      String(accepted),
      String(rejected),
      formatDifficulty(difficultySum),
      formatDifficulty(bestDifficulty),
      String(account.blocksFound),
      account.lastShareAt === 0 ? '-' : new Date(account.lastShareAt).toISOString().slice(0, 19),
      worker === '' ? quoted(user) : `${quoted(user)} (${quoted(worker)})`,
    ],
  );
  return table(head, rows);
}
