import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals';
import { bookkeeping } from '../../src/ledger/bookkeeping.js';
import { openLedger } from '../../src/node/ledger/open-ledger.js';
import { ledgerPlace, shownPlace } from '../../src/cli/ledger-place.js';
import { shareOf } from '../ledger/support.js';
import { startRole } from './role-support.js';
import { sv2 } from './support.js';

const folder = mkdtempSync(join(tmpdir(), 'rx-sv2-ledger-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'pool.ledger.sqlite');
const config = join(folder, 'pool.toml');

beforeAll(async () => {
  writeFileSync(config, 'coinbase_reward_script = "raw(51)"\n');
  const { store } = await openLedger(file);
  const books = await bookkeeping(store, 0);
  await books.write([
    shareOf('alice', { serverId: 0, worker: 'rig1', difficulty: 2 }),
    shareOf('=bob', { serverId: 0, difficulty: 3 }),
  ]);
  await store.close();
});

describe('sv2 ledger', () => {
  test.each([
    ['--ledger', () => file],
    ['--config', () => config],
  ])('shows accounts, of %s', async (flag, where) => {
    const { exitCode, stdout } = await sv2(['ledger', 'accounts', flag, where(), '--format', 'json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual([
      expect.objectContaining({ user: '=bob', worker: '', accepted: 1, rejected: 0, difficultySum: 3 }),
      expect.objectContaining({ user: 'alice', worker: 'rig1', accepted: 1, rejected: 0, difficultySum: 2 }),
    ]);
    const table = await sv2(['ledger', 'accounts', flag, where()]);
    expect(table.stdout).toMatch(/accepted +rejected[^\n]*\n +1 +0 .*"=bob"\n +1 +0 .*alice \(rig1\)\n/);
  });

  it('exports records, of all or of one user', async () => {
    const lines = (text: string) => text.trimEnd().split('\n');
    const all = lines((await sv2(['ledger', 'export', '--ledger', file])).stdout);
    expect(all.map((line) => (JSON.parse(line) as { user: string }).user)).toEqual(['alice', '=bob']);
    const own = lines((await sv2(['ledger', 'export', '--ledger', file, '--user', 'alice'])).stdout);
    expect(own).toEqual(all.slice(0, 1));
    const csv = lines((await sv2(['ledger', 'export', '--ledger', file, '--format', 'csv'])).stdout);
    expect(csv).toHaveLength(3);
    expect(csv[2]).toContain("'=bob");
  });

  it('says what shares were worth, for who pays by the share', async () => {
    const { stdout } = await sv2(['ledger', 'credit', '--ledger', file, '--format', 'json', '--fee', '100']);
    expect(JSON.parse(stdout)).toEqual([
      expect.objectContaining({ user: '=bob', address: null, shares: 1, satoshis: '928125000' }),
      expect.objectContaining({ user: 'alice', shares: 1, difficultySum: 2, satoshis: '618750000' }),
    ]);
    const table = await sv2(['ledger', 'credit', '--ledger', file, '--block-fees', '1000']);
    expect(table.stdout).toMatch(/^shares +difficulty +satoshis +user\n +1 +3 +937503000 +"=bob"\n/);
    const csv = await sv2(['ledger', 'credit', '--ledger', file, '--format', 'csv']);
    expect(csv.stdout.split('\r\n')[1]).toMatch(/^'=bob,,1,/);
    const none = [
      'ledger',
      'credit',
      '--ledger',
      file,
      '--until',
      '2020-01-01T00:00:00Z',
      '--format',
      'json',
    ];
    expect((await sv2(none)).stdout).toBe('[]\n');
  });

  it('prints nothing that moves a cursor or turns a line around, whatever somebody calls himself', async () => {
    const strange = join(folder, 'strange.sqlite');
    const user = 'eve\u009b2J\u202e\u200b\u001b[2J\nalice';
    const { store } = await openLedger(strange);
    await (await bookkeeping(store, 0)).write([shareOf(user, { worker: '\u0085rig', difficulty: 2 })]);
    await store.close();
    const printed = async (...args: readonly string[]): Promise<string> => {
      const { stdout } = await sv2(['ledger', ...args, '--ledger', strange]);
      expect(stdout).not.toBe('');
      expect(stdout.replaceAll(/\r?\n/g, '')).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      return stdout;
    };
    await printed('accounts');
    expect(JSON.parse(await printed('accounts', '--format', 'json'))).toMatchObject([{ user }]);
    const record = await printed('export');
    expect(record.trimEnd()).not.toContain('\n');
    expect(JSON.parse(record)).toMatchObject({ user, worker: '\u0085rig' });
    const csv = await printed('export', '--format', 'csv');
    expect(csv.trimEnd().split('\r\n')).toHaveLength(2);
  });

  it('copies it, to a file that is not there', async () => {
    const copy = join(folder, 'copy.sqlite');
    expect((await sv2(['ledger', 'backup', copy, '--ledger', file])).exitCode).toBe(0);
    expect((await sv2(['ledger', 'accounts', '--ledger', copy])).stdout).toContain('alice');
    expect(await sv2(['ledger', 'backup', copy, '--ledger', file])).toMatchObject({
      exitCode: 1,
      stderr: `sv2: ${copy} exists already: choose another name\n`,
    });
  });

  test.each([
    [['accounts', '--ledger', '/nowhere/at/all'], 'there is no ledger /nowhere/at/all: a pool makes one'],
    [['accounts', '--ledger', 'none'], 'the ledger is none: nothing is kept'],
    [['accounts', '--config', '/nowhere.toml'], '/nowhere.toml: cannot be read: ENOENT'],
    [['statements', '--block', 'ab', '--ledger', file], 'the ledger has no statement of a block ab'],
  ])('says what is wrong: %j', async (args, message) => {
    const { exitCode, stdout, stderr } = await sv2(['ledger', ...args]);
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toContain(message);
  });

  test.each([
    [['ledger', 'accounts', '--format', 'xml'], 'Allowed choices are table, json.'],
    [['ledger', 'export', '--since', 'yesterday'], 'Expected a time such as 2026-01-31T00:00:00Z.'],
    [
      ['ledger', 'credit', '--fee', '10001'],
      'Expected a whole number of hundredths of a percent from 0 to 10000.',
    ],
    [
      ['ledger', 'credit', '--block-fees', '-1'],
      'Expected a whole number of satoshis from 0 to 2100000000000000.',
    ],
    [['audit', 'x.json', '--user', 'x'], '--user says whose records these are: it takes --records FILE'],
  ])('ends with 2 for what it was not asked right: %j', async (args, message) => {
    const { exitCode, stderr } = await sv2(args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('sv2 audit says what is wrong', () => {
  const statement = join(folder, 'statement.json');
  test.each([
    [['/nowhere.json'], '/nowhere.json cannot be read: no such file'],
    [[config], 'a statement must be JSON'],
    [[statement, '--records', config], `${config}:1: not a record of an export`],
  ])('%j', async (args, message) => {
    const lists = { contributions: [], payments: [], outputs: [], since: [], until: [] };
    writeFileSync(statement, JSON.stringify({ form: 1, ...lists }));
    const { exitCode, stderr } = await sv2(['audit', ...args]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(message);
  });

  it('of a statement, by exit status and line', async () => {
    const lists = { contributions: [], payments: [], outputs: [], since: [], until: [] };
    writeFileSync(statement, JSON.stringify({ form: 1, ...lists }));
    const { exitCode, stdout } = await sv2(['audit', statement]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^wrong: /);
  });
});

describe("a pool's ledger", () => {
  const flags = [
    '--listen',
    '127.0.0.1:0',
    '--coinbase-reward-script',
    'raw(51)',
    '--template-provider',
    '127.0.0.1:1',
  ];

  it('is beside its configuration, in the directory for data, or where it is told', () => {
    expect(ledgerPlace(undefined, '/etc/sv2/pool.toml')).toBe('/etc/sv2/pool.ledger.sqlite');
    expect(ledgerPlace(undefined, undefined)).toMatch(/rx-sv2\/pool\.ledger\.sqlite$/);
    expect(ledgerPlace('/x', '/etc/sv2/pool.toml')).toBe('/x');
    expect(ledgerPlace('none', '/etc/sv2/pool.toml')).toBeUndefined();
    expect(shownPlace('postgres://pool:s3cret@db/x?password=s3cret')).toBe('postgres://db/x');
  });

  it('is told when it starts, and so is that there is none', async () => {
    const pool = startRole('pool', ...flags, '--ledger', join(folder, 'new', 'one.sqlite'));
    await pool.printed(/ledger: .*new\/one\.sqlite/);
    expect(await pool.stop()).toBe(0);
    const without = startRole('pool', ...flags, '--ledger', 'none');
    await without.printed(/no ledger: what miners deliver is counted in memory alone, and forgotten/);
    expect(await without.stop()).toBe(0);
  });

  it('has one pool for each server id: a second does not start, and says why', async () => {
    const shared = join(folder, 'shared.sqlite');
    const first = startRole('pool', ...flags, '--ledger', shared);
    await first.printed(/pool listening/);
    const second = startRole('pool', ...flags, '--ledger', shared);
    expect(await second.exitCode).toBe(1);
    expect(second.output.stderr).toContain(
      `another pool has server id 0 in the ledger ${shared}: give each one of its own`,
    );
    const other = startRole('pool', ...flags, '--ledger', shared, '--server-id', '1');
    await other.printed(/pool listening/);
    expect([await first.stop(), await other.stop()]).toEqual([0, 0]);
    const next = startRole('pool', ...flags, '--ledger', shared);
    await next.printed(/pool listening/);
    expect(await next.stop()).toBe(0);
  }, 30_000);

  it('that cannot be opened ends it', async () => {
    const pool = startRole('pool', ...flags, '--ledger', join(config, 'x'));
    expect(await pool.exitCode).toBe(1);
    expect(pool.output.stderr).toContain('cannot be made: ');
  });
});
