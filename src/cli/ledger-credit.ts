/** `sv2 ledger credit`: what shares were worth, for those who pay by the share. */
import { InvalidArgumentError, type Command } from 'commander';
import { creditReport, type CreditTerms, type UserCredit } from '../ledger/credit-report.js';
import type { LedgerRecord } from '../ledger/record.js';
import type { LedgerStore } from '../ledger/store.js';
import { difficultyOfWork } from '../ledger/record.js';
import { csvCell } from '../ledger/export.js';
import { formatDifficulty } from './format.js';
import { write, type CommandContext } from './io.js';
import { printable, quoted } from './printable.js';
import { json, table } from './ledger-print.js';

interface CreditOptions {
  readonly format: string;
  readonly since?: number;
  readonly until?: number;
  readonly blockFees?: bigint;
  readonly fee?: number;
}

const whole =
  (most: number, unit: string) =>
  (text: string): number => {
    if (/^\d{1,16}$/.test(text) && Number(text) <= most) return Number(text);
    throw new InvalidArgumentError(`Expected a whole number of ${unit} from 0 to ${most}.`);
  };

/** Satoshis of all coins there will be. */
const mostSatoshis = 2_100_000_000_000_000;

/** Gives `sv2 ledger credit` its own options. */
export const creditOptions = (command: Command, timeOf: (text: string) => number): Command =>
  command
    .option('--since <TIME>', 'shares from a time on, such as 2026-01-31T00:00:00Z', timeOf)
    .option('--until <TIME>', 'and before another', timeOf)
    .option(
      '--fee <HUNDREDTHS>',
      'of a percent that the pool keeps',
      whole(10_000, 'hundredths of a percent'),
    )
    .option(
      '--block-fees <SATOSHIS>',
      'that a block is taken to have beside its subsidy: without it is PPS, with an average FPPS',
      (text: string) => BigInt(whole(mostSatoshis, 'satoshis')(text)),
    )
    .addHelpText(
      'after',
      `
Each share is worth the part of a block that its work is of a block's: exact, and rounded down to a satoshi for each user in
the end. Nothing is paid or kept by this: it is what a pool that pays by the share owes for that time.

Example:
  $ sv2 ledger credit --config pool.toml --since 2026-01-01T00:00:00Z --until 2026-02-01T00:00:00Z --fee 200 --format csv`,
    );

/** Prints what users' shares were worth. */
export async function printCredit(
  store: LedgerStore,
  { format, since, until, blockFees, fee }: CreditOptions,
  context: CommandContext,
): Promise<void> {
  const terms: CreditTerms = {
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(blockFees === undefined ? {} : { blockFees }),
    ...(fee === undefined ? {} : { basisPoints: fee }),
  };
  const credits = await creditReport(recordsOf(store, since), terms);
  const print = format === 'json' ? creditsJson : format === 'csv' ? creditsCsv : creditsTable;
  await write(context.stdout, print(credits));
}

async function* recordsOf(store: LedgerStore, since: number | undefined): AsyncGenerator<LedgerRecord> {
  for await (const { record } of store.records(since === undefined ? {} : { since })) yield record;
}

const creditsJson = (credits: readonly UserCredit[]): string =>
  json(
    credits.map(({ user, address, shares, work, satoshis }) => ({
      ...{ user, address, shares, difficultySum: difficultyOfWork(work) },
      ...{ work: String(work), satoshis: String(satoshis) },
    })),
  );

const creditsCsv = (credits: readonly UserCredit[]): string =>
  [
    'user,address,shares,difficulty,work,satoshis',
    ...credits.map(({ user, address, shares, work, satoshis }) =>
      [csvCell(printable(user)), address ?? '', shares, difficultyOfWork(work), work, satoshis].join(','),
    ),
  ]
    .map((line) => `${line}\r\n`)
    .join('');

const creditsTable = (credits: readonly UserCredit[]): string =>
  table(
    ['shares', 'difficulty', 'satoshis', 'user'],
    credits.map(({ user, shares, work, satoshis }) => [
      String(shares),
      formatDifficulty(difficultyOfWork(work)),
      String(satoshis),
      quoted(user),
    ]),
  );
