import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { counted } from '../codec/counted.js';
import { Sv2Error } from '../codec/errors.js';
import { auditStatement, type SequencedRecord } from '../ledger/audit.js';
import { recordFromJson } from '../ledger/export.js';
import { parseStatement } from '../ledger/statement.js';
import { write, type CommandContext } from './io.js';
import { printable } from './printable.js';

/** Differences that are printed; more are counted. */
const maxShown = 50;

/** Gives `sv2 audit` its options and what it does. */
export function registerAudit(command: Command, context: CommandContext): void {
  command
    .argument('<STATEMENT>', 'the JSON of a block, from sv2 ledger statements --block HASH')
    .option('--records <FILE>', 'JSON lines of sv2 ledger export: those of all, or with --user of one')
    .option('--user <USER>', 'whose records these are')
    .addHelpText(
      'after',
      `
Recomputes a block's statement, without any connection: payments and outputs from its rules, to the satoshi; whom each name
pays; the coinbase and its transaction id; and, from records, the work of everybody and that no record was changed.
Exit status: 0 when it is right, 1 when it is not.

Example:
  $ sv2 audit statement.json --records records.jsonl`,
    )
    .action(async (file: string, options: { readonly records?: string; readonly user?: string }) => {
      const { records: path, user } = options;
      if (user !== undefined && path === undefined)
        command.error('--user says whose records these are: it takes --records FILE');
      const statement = parseStatement(read(file));
      const records = path === undefined ? undefined : await readRecords(path);
      const differences = auditStatement(statement, {
        ...(records === undefined ? {} : { records }),
        ...(user === undefined ? {} : { user }),
      });
      if (differences.length === 0) {
        const by =
          records === undefined
            ? 'its own numbers'
            : `${counted(records.length, 'record')}${user === undefined ? '' : ' of one user'}`;
        await write(context.stdout, `right: block ${printable(statement.hash)}, by ${by}\n`);
        return;
      }
      const lines = differences
        .slice(0, maxShown)
        .map(({ where, expected, stated }) => printable(`${where}: expected ${expected}, stated ${stated}`));
      const more = differences.length > maxShown ? [`and ${differences.length - maxShown} more`] : [];
      await write(context.stdout, `wrong: ${[...lines, ...more].join('\nwrong: ')}\n`);
      context.setExitCode(1);
    });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw cannotRead(file, error);
  }
}

async function readRecords(file: string): Promise<SequencedRecord[]> {
  const records: SequencedRecord[] = [];
  let line = 0;
  try {
    for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      line += 1;
      if (text.trim() !== '') records.push(recordFromJson(text));
    }
  } catch (error) {
    if (error instanceof Sv2Error)
      throw new Sv2Error(error.code, `${file}:${line}: ${error.message}`, {}, error);
    throw cannotRead(file, error);
  }
  return records;
}

function cannotRead(file: string, error: unknown): Sv2Error {
  const { code = '' } = error as NodeJS.ErrnoException;
  return new Sv2Error(
    'cannot-read',
    `${file} cannot be read: ${code === 'ENOENT' ? 'no such file' : code}`,
    {},
    error,
  );
}
